from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.catalog import feature_catalog
from models.churn import ChurnModel, fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.habits import Habits
from models.panel import empty_panel
from models.reasons import BATCH_ROWS, LEAST_CONTRIBUTION, LOWERS, REASONS, reasons, typical_member
from models.shapley import make_explainer
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_panel

AS_OF = date(2024, 5, 20)
CATALOG = feature_catalog(frozenset({"orders", "members.region"}), ())
PANEL = make_panel()
SPLIT = final_split(cutoffs(4), horizon_days=HORIZON_DAYS)
MODEL = fit_churn(PANEL, SPLIT, PredictionSettings(rounds=30))
TONIGHT = features_only(PANEL.filter(pl.col("as_of") == cutoffs(5)[-1]))
FOUND = reasons(MODEL, TONIGHT, CATALOG, as_of=AS_OF, currency="EUR")


def flat(found: pl.Series = FOUND) -> pl.DataFrame:
    """One row per row and reason: row, rank, and the fields of the reason."""
    listed = found.alias("reason").to_frame().with_row_index("row").explode("reason", empty_as_null=False).unnest("reason")
    return listed.with_columns(rank=pl.int_range(pl.len()).over("row"))


def test_there_is_one_list_per_row_with_the_strongest_reasons_first() -> None:
    assert FOUND.name == "reasons"
    assert FOUND.dtype == REASONS
    assert FOUND.len() == TONIGHT.height
    assert FOUND.null_count() == 0
    assert FOUND.list.len().is_between(0, 3).all()
    for listed in FOUND:
        sizes = listed.struct.field("contribution").abs().to_list()
        assert sizes == sorted(sizes, reverse=True)
        assert all(size >= LEAST_CONTRIBUTION for size in sizes)


@pytest.mark.parametrize("top", [0, 1, 2])
def test_fewer_reasons_are_the_first_of_more(top: int) -> None:
    fewer = reasons(MODEL, TONIGHT, CATALOG, as_of=AS_OF, currency="EUR", top=top)
    assert fewer.to_list() == FOUND.list.head(top).to_list()


def test_contributions_of_all_habits_and_the_base_add_up_to_the_log_odds() -> None:
    assert MODEL.trees is not None
    explainer, line = make_explainer(MODEL.trees), MODEL.calibration
    contributions = line.slope * explainer.contributions(MODEL.trees.encoding.matrix(TONIGHT))
    grouping = Habits.of(explainer.features, CATALOG)
    totals = grouping.rank(contributions, TONIGHT, most=len(grouping.grouped)).total
    probability = MODEL.predict(TONIGHT).to_numpy()
    added = line.intercept + line.slope * explainer.base + totals.sum(axis=1)
    np.testing.assert_allclose(added, np.log(probability / (1 - probability)), rtol=0, atol=1e-4)
    for row, contribution in flat().select("row", "contribution").iter_rows():
        assert contribution in totals[row]


def test_what_the_panel_plants_is_what_the_reasons_name() -> None:
    strongest = flat().filter(pl.col("rank") == 0)
    assert set(flat()["feature"]) >= {"days_since_last_activity", "region"}
    assert strongest["feature"].is_in(["days_since_last_activity", "region"]).mean() > 0.95  # type: ignore[operator]


def test_setting_a_named_habit_to_the_populations_median_moves_the_score_in_the_direction_said() -> None:
    typical, named = typical_member(TONIGHT), flat()
    habit_of = {feature.name: feature.habit for feature in CATALOG} | {"can_contact": "can_contact"}
    before, held = MODEL.log_odds(TONIGHT), 0
    for feature in named["feature"].unique():
        features = [name for name in TONIGHT.columns if habit_of.get(name) == habit_of[feature]]
        rows = named.filter(pl.col("feature") == feature)
        after = MODEL.log_odds(TONIGHT.with_columns(pl.lit(typical[name][0]).alias(name) for name in features))
        moved = (before - after)[rows["row"].to_numpy()]
        held += int(np.sum(np.sign(moved) == np.sign(rows["contribution"].to_numpy())))
    assert held == named.height


def test_a_sentence_says_its_direction() -> None:
    named = flat()
    assert (named["text"].str.ends_with(LOWERS) == (named["contribution"] < 0)).all()
    assert 0.05 < (named["contribution"] < 0).mean() < 0.95  # type: ignore[operator]


def test_a_habit_is_named_once_whatever_its_windows() -> None:
    habit_of = {feature.name: feature.habit for feature in CATALOG}
    habits = flat().with_columns(habit=pl.col("feature").replace(habit_of))
    assert habits.select("row", "habit").is_unique().all()


def test_the_value_is_that_of_the_feature_and_null_for_text_and_null() -> None:
    for listed, row in zip(FOUND, TONIGHT.iter_rows(named=True), strict=True):
        for reason in listed:
            value: Any = row[reason["feature"]]
            assert reason["value"] == (None if value is None or isinstance(value, str) else float(value))
            if reason["feature"] == "region" and value is not None:
                assert reason["text"].startswith(f"Region: {value}")


def test_no_sentence_holds_a_member_id() -> None:
    joined = TONIGHT.select("member_id").with_row_index("row").join(flat(), on="row")
    assert joined.filter(pl.col("text").str.contains(pl.col("member_id"), literal=True)).is_empty()


def test_reasons_follow_the_rows_and_depend_on_no_other_row_of_the_same_population() -> None:
    shuffled = TONIGHT.sample(fraction=1, shuffle=True, seed=3)
    again = shuffled.with_columns(reasons(MODEL, shuffled, CATALOG, as_of=AS_OF, currency="EUR"))
    assert again.sort("member_id")["reasons"].to_list() == FOUND.to_list()
    for start, length in ((0, 1), (17, 5), (399, 1)):
        some = reasons(MODEL, TONIGHT[start : start + length], CATALOG, as_of=AS_OF, currency="EUR", population=TONIGHT)
        assert some.to_list() == FOUND[start : start + length].to_list()


def test_more_rows_than_a_batch_are_explained_alike() -> None:
    copies = BATCH_ROWS // TONIGHT.height + 1
    many = reasons(MODEL, pl.concat([TONIGHT] * copies), CATALOG, as_of=AS_OF, currency="EUR", population=TONIGHT)
    assert many.len() > BATCH_ROWS
    assert many[-TONIGHT.height :].to_list() == FOUND.to_list()
    assert many[: TONIGHT.height].to_list() == FOUND.to_list()


def test_features_unknown_to_the_catalog_or_missing_tonight_are_still_said() -> None:
    bare = reasons(MODEL, TONIGHT, (), as_of=AS_OF)
    assert bare.list.len().max() == 3
    northern = TONIGHT.filter(pl.col("region") == "north")
    without = reasons(MODEL, TONIGHT.drop("region"), CATALOG, as_of=AS_OF, population=northern)
    told = flat(without).filter(pl.col("feature") == "region")
    assert told["text"].str.strip_suffix(LOWERS).unique().to_list() == ["Country or region: not known"]
    assert told["value"].null_count() == told.height > 0


def test_no_rows_have_no_reasons() -> None:
    assert reasons(MODEL, TONIGHT.clear(), CATALOG, as_of=AS_OF).to_list() == []


def fallback(members: int, *, churned: bool | None = None) -> ChurnModel:
    panel = make_panel(members=members)
    return fit_churn(panel if churned is None else panel.with_columns(is_churned=pl.lit(churned)), SPLIT, PredictionSettings())


@pytest.mark.parametrize("kind", ["recency", "prior"])
def test_a_model_by_silence_has_silence_for_its_one_reason(kind: str) -> None:
    model = (
        fallback(60)
        if kind == "recency"
        else fit_churn(empty_panel(), final_split([], horizon_days=HORIZON_DAYS), PredictionSettings())
    )
    found = reasons(model, TONIGHT, CATALOG, as_of=AS_OF)
    silence = TONIGHT["days_since_last_activity"]
    assert model.kind == kind
    assert found.list.len().unique().to_list() == [1]
    assert found[0].struct.field("value")[0] == silence[0]
    raises = found.list.first().struct.field("contribution")
    assert raises.filter(silence > silence.median()).min() > 0  # type: ignore[operator]
    assert raises.filter(silence < silence.median()).max() < 0  # type: ignore[operator]
    assert found[0].struct.field("text")[0].startswith("Last seen")


def test_the_overall_rate_has_no_reasons() -> None:
    model = fallback(60, churned=True)
    assert model.kind == "base_rate"
    assert reasons(model, TONIGHT, CATALOG, as_of=AS_OF).to_list() == [[]] * TONIGHT.height


def test_a_model_that_learnt_nothing_has_no_reasons() -> None:
    same = PANEL.with_columns(pl.lit(1.0).alias(name) for name in features_only(PANEL).columns[3:]).drop("region")
    model = fit_churn(same, SPLIT, PredictionSettings(rounds=3))
    assert model.kind == "lightgbm"
    assert reasons(model, TONIGHT, CATALOG, as_of=AS_OF).to_list() == [[]] * TONIGHT.height


def test_the_typical_member_has_the_median_and_the_most_frequent_text_of_those_who_have_one() -> None:
    population = pl.DataFrame(
        {"n": [1, None, 3, 8], "flag": [True, True, False, None], "text": ["b", None, "a", "b"], "none": [None] * 4}
    )
    assert typical_member(population.cast({"none": pl.Float64})).row(0, named=True) == {
        "n": 3.0,
        "flag": 1.0,
        "none": None,
        "text": "b",
    }
    tied = pl.DataFrame({"text": ["b", "a"]})
    assert typical_member(tied).item() == "a"
