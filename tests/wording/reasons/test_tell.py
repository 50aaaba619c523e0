from __future__ import annotations

from datetime import date

import polars as pl

from features.catalog import feature_catalog
from features.feature import undeclared
from wording.columns import SentenceContext
from wording.reasons.tell import add_text

FEATURES = {feature.name: feature for feature in feature_catalog(frozenset({"orders", "members.region"}), ())}
MEMBERS = pl.DataFrame({"days_since_last_activity": [41, 0, None], "region": ["DE", None, "FR"]})


def told(*reasons: tuple[int, str, float], members: pl.DataFrame = MEMBERS) -> list[str]:
    frame = pl.DataFrame(reasons, schema={"row": pl.UInt32, "feature": pl.String, "contribution": pl.Float64}, orient="row")
    compared = {"compared_with": pl.String, "comparison": pl.Float64, "comparison_text": pl.String}
    frame = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in compared.items())
    known = {name: FEATURES.get(name) or undeclared(name, members.schema.get(name)) for name in frame["feature"]}
    context = SentenceContext(frozenset(members.columns), None, date(2024, 5, 20))
    return add_text(frame, members, known, context).sort("row", "feature")["text"].to_list()


def test_each_reason_is_told_from_its_own_member_and_says_its_direction() -> None:
    assert told(
        (0, "days_since_last_activity", 0.4), (0, "region", -0.1), (1, "days_since_last_activity", -2.0), (2, "region", 0.0)
    ) == ["Last seen 41 days ago", "Region: DE (speaks for staying)", "Seen today (speaks for staying)", "Region: FR"]


def test_features_unknown_to_the_catalog_or_missing_tonight_are_still_said() -> None:
    frame = MEMBERS.with_columns(points=pl.lit(7.0), team=pl.lit("red"), staff=pl.lit(value=True))
    said = told((0, "points", 1.0), (0, "staff", 1.0), (0, "team", 1.0), members=frame)
    assert said == ["Points: 7", "Staff: yes", "Team: red"]
    assert told((0, "region", 1.0), members=MEMBERS.drop("region")) == ["Country or region: not known"]


def test_no_reason_has_no_text() -> None:
    assert told() == []
