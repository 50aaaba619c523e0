from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.catalog import feature_catalog
from features.compute import compute_features
from features.feature import NOTHING_NEEDED, Feature
from tests.features.builders import AS_OF, EVERYTHING, history_of
from wording.columns import RAISES, SentenceContext
from wording.reasons.sentences import sentence

TYPES = ("post", "comment")
CATALOG = feature_catalog(EVERYTHING, TYPES)
FEATURES = {feature.name: feature for feature in CATALOG}
NEVER_SAID = re.compile(
    r"\b(None(?! of)|null|NaN|nan|inf)\b|  |\.$|(?<!\.)\b1 (?:days|months|years|posts|comments|orders|actions|members)\b"
)


def told(frame: pl.DataFrame, feature: Feature, *, currency: str | None = "EUR", as_of: date = AS_OF) -> list[str]:
    if RAISES not in frame.columns:
        frame = frame.with_columns(pl.lit(True).alias(RAISES))
    return frame.select(sentence(feature, SentenceContext(frozenset(frame.columns), currency, as_of)).alias("text"))[
        "text"
    ].to_list()


def only(name: str, *, raises: bool = True, as_of: date = date(2024, 8, 20), **values: Any) -> str:
    frame = pl.DataFrame({key: [value] for key, value in values.items()}, strict=False).with_columns(pl.lit(raises).alias(RAISES))
    return told(frame, FEATURES[name], as_of=as_of)[0]


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("days_since_last_activity", {"days_since_last_activity": 41, "gap_median_days_365d": 6.0},
         "Last seen 41 days ago"),
        ("days_since_last_activity", {"days_since_last_activity": 1, "gap_median_days_365d": 1.0},
         "Last seen yesterday"),
        ("days_since_last_activity", {"days_since_last_activity": 0, "gap_median_days_365d": None}, "Seen today"),
        ("days_since_last_activity", {"days_since_last_activity": None}, "Never active"),
        ("days_since_last_comment", {"days_since_last_comment": 41, "comment_count_365d": 12},
         "Last comment 41 days ago"),
        ("days_since_last_comment", {"days_since_last_comment": None, "comment_count_365d": 0}, "No comment so far"),
        ("days_since_last_received", {"days_since_last_received": 90, "received_count_365d": 1},
         "Last reaction from others 90 days ago"),
        ("tenure_days", {"tenure_days": 420}, "Here for 14 months"),
        ("tenure_days", {"tenure_days": None}, "Day of joining not known"),
        ("gap_deviation_days_365d", {"gap_deviation_days_365d": 12.0, "gap_mean_days_365d": 6.0},
         "Comes every 6 days on average, give or take 12 days"),
        ("gap_mean_days_365d", {"gap_mean_days_365d": 6.0, "days_since_last_activity": 7}, "Comes every 6 days on average"),
        ("gap_mean_days_365d", {"gap_mean_days_365d": 6.0, "days_since_last_activity": 8}, "Came every 6 days on average"),
        ("gap_deviation_days_365d", {"gap_deviation_days_365d": None, "active_days_365d": 2},
         "Active on only 2 days in the last year"),
        ("gap_now_to_mean_365d", {"gap_now_to_mean_365d": 41 / 6, "days_since_last_activity": 41},
         "Away for 41 days, 6.8 times as long as usual"),
        ("active_weeks_91d", {"active_weeks_91d": 3}, "Active in 3 of the last 13 weeks"),
        ("latest_streak_days", {"latest_streak_days": 3}, "Last active for 3 days in a row"),
        ("evening_share_90d", {"evening_share_90d": 0.6}, "60 % of the activity in the last 90 days was in the evening"),
        ("night_share_90d", {"night_share_90d": None}, "No activity in the last 90 days"),
        ("weekend_share_365d", {"weekend_share_365d": 1.0, "active_days_365d": 1},
         "The only active day in the last year was on a weekend"),
        ("distinct_event_types_28d", {"distinct_event_types_28d": 1}, "1 kind of action in the last 28 days"),
        ("event_type_entropy_365d", {"event_type_entropy_365d": 0.0}, "A single kind of action in the last year"),
        ("distinct_people_received_28d", {"distinct_people_received_28d": 0}, "No reactions from others in the last 28 days"),
        ("reciprocity_share_365d", {"reciprocity_share_365d": None}, "Interacted with nobody in the last year"),
        ("average_order_value_90d", {"average_order_value_90d": 39.5}, "Average order of 39.50 EUR in the last 90 days"),
        ("average_order_value_lifetime", {"average_order_value_lifetime": None}, "No orders so far"),
        ("repeat_order_days", {"repeat_order_days": 0, "first_order_age_days": 9}, "Never ordered again after the first order"),
        ("open_rate_90d", {"open_rate_90d": 0.3, "open_count_90d": 3, "contact_count_90d": 10},
         "Opened 3 of 10 messages from us in the last 90 days"),
        ("open_rate_90d", {"open_rate_90d": 0.0, "open_count_90d": 0, "contact_count_90d": 1},
         "Did not open the only message from us in the last 90 days"),
        ("click_rate_90d", {"click_rate_90d": None, "click_count_90d": 0, "contact_count_90d": 0},
         "No messages from us in the last 90 days"),
        ("last_feedback_score", {"last_feedback_score": 7.25}, "Last feedback score: 7.3"),
        ("region", {"region": "DE"}, "Region: DE"),
        ("region", {"region": None}, "Region not known"),
        ("age_years", {"age_years": 34}, "Turns 34 in 2024"),
        ("members_referred", {"members_referred": 1}, "Brought 1 other member"),
    ],
)  # fmt: skip
def test_each_family_is_said_in_plain_words(name: str, values: dict[str, Any], text: str) -> None:
    assert only(name, **values) == text


def comments(**windows: int) -> dict[str, Any]:
    return {f"comment_count_{window[1:]}": n for window, n in windows.items()}


def test_nothing_ever_is_said_as_such() -> None:
    nothing = comments(w28d=0, w365d=0)
    assert only("comment_count_28d", **nothing, days_since_last_comment=None) == "No comments so far"
    assert only("comment_count_28d", **nothing, days_since_last_comment=420) == "No comments for 14 months"
    assert only("comment_count_28d", **nothing) == "No comments in the last 28 days"


def test_money_is_said_with_its_currency_and_more_back_than_spent_as_such() -> None:
    spend = {"spend_90d": 120.0, "spend_365d": 120.0 + 900.0, "tenure_days": 800, "days_since_last_order": 5}
    assert only("spend_90d", **spend) == "Spent 120 EUR in the last 90 days"
    assert only("spend_90d", **spend | {"spend_90d": -7.5}) == "Got 7.50 EUR more back than spent in the last 90 days"
    assert only("spend_90d", spend_90d=0.0, spend_365d=0.0, days_since_last_order=None) == "Nothing spent so far"
    frame = pl.DataFrame({"spend_lifetime": [1204.0]})
    assert told(frame, FEATURES["spend_lifetime"], currency=None) == ["Spent 1,204 so far"]


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("minutes", 1204.0, "Minutes listened: 1,204 minutes"),
        ("minutes", None, "Minutes listened: not known"),
        ("flag", 1.0, "Minutes listened: yes"),
        ("flag", 0.0, "Minutes listened: no"),
        ("category", "radio", "Minutes listened: radio"),
    ],
)
def test_a_feature_without_a_template_is_said_by_its_meaning_value_and_unit(unit: str, value: object, text: str) -> None:
    feature = Feature("listened", "Minutes listened. More is better.", unit, pl.col("listened"), NOTHING_NEEDED, "listened")
    assert told(pl.DataFrame({"listened": [value]}), feature) == [text]
    assert told(pl.DataFrame({"other": [1]}), feature) == ["Minutes listened: not known"]


def random_history(*, members: int = 60) -> pl.DataFrame:
    """Features of members who did a little or a lot, long ago or lately, and of one who did nothing."""
    random = np.random.default_rng(4)
    kinds = ["event:post", "event:comment", "event:rare", "order", "refund", "received", "content", "contact", "open", "feedback"]
    rows = []
    for member in range(1, members):
        quiet, busy = int(random.integers(0, 400)), int(random.integers(1, 60))
        days = quiet + random.integers(0, random.choice([2, 60, 500]), busy)
        chosen = {(int(day), str(random.choice(kinds))) for day in days}
        money = {"order": 1, "refund": -1, "feedback": 1}
        rows += [
            (
                AS_OF - timedelta(days=day),
                member,
                kind,
                int(random.integers(1, 4)),
                money.get(kind, 0) * int(random.integers(0, 9999)),
            )
            for day, kind in sorted(chosen)
        ]
    seen = [{"member_no": member, "seen_from": AS_OF - timedelta(days=900)} for member in range(1, members + 1)]
    return compute_features(history_of(daily=rows, members=seen), as_of=AS_OF)


def test_every_sentence_is_whole_english_and_true_of_its_member() -> None:
    frame = random_history()
    with_both = pl.concat([frame.with_columns(pl.lit(raises).alias(RAISES)) for raises in (True, False)])
    for feature in CATALOG:
        for text, row in zip(told(with_both, feature), with_both.iter_rows(named=True), strict=True):
            assert text, feature.name
            assert text[0] == text[0].upper(), text
            assert not NEVER_SAID.search(text), text
            assert row["member_id"] not in text
            _check_claims(text, feature.name, row)


def _check_claims(text: str, name: str, row: dict[str, Any]) -> None:
    """Hold what a text says against the member's features, whatever the template."""
    if found := re.match(r"Last seen (\d+) days ago", text):
        assert row["days_since_last_activity"] == int(found[1])
    if found := re.match(r"(\w+)_count_(?:\d+)d$", name):
        kind = found[1]
        for days in re.findall(r"(?:No [^,]*|none) in the last (\d+) days", text):
            assert row[f"{kind}_count_{days}d"] == 0, text
        if stated := re.match(r"(\d+) [^,]* in the last (\d+) days", text):
            assert row[f"{kind}_count_{stated[2]}d"] == int(stated[1]), text
        if "so far" in text and text.startswith("No ") and f"days_since_last_{kind}" in row:
            assert row[f"days_since_last_{kind}"] is None, text
    if found := re.match(r"Active on (\d+) days? in the last (\d+) days", text):
        assert row[f"active_days_{found[2]}d"] == int(found[1]), text
    if found := re.match(r"Spent ([\d,.]+) EUR in the last (\d+) days", text):
        assert row[f"spend_{found[2]}d"] == pytest.approx(float(found[1].replace(",", "")), abs=0.51), text
