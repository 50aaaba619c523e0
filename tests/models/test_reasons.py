from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.catalog import feature_catalog
from models.churn import ChurnModel, fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.habits import Habits
from models.panel import empty_panel
from models.peers import describe_peers, typical_member
from models.reasons import BATCH_ROWS, COMMUNITY, LEAST_CONTRIBUTION, reasons
from models.shapley import make_explainer
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_panel

CATALOG = feature_catalog(frozenset({"orders", "members.region"}), ())
PANEL = make_panel()
SPLIT = final_split(cutoffs(4), horizon_days=HORIZON_DAYS)
MODEL = fit_churn(PANEL, SPLIT, PredictionSettings(rounds=30))
TONIGHT = features_only(PANEL.filter(pl.col("as_of") == cutoffs(5)[-1]))
PEERS = describe_peers(TONIGHT, probability=MODEL.predict(TONIGHT))
FOUND = reasons(MODEL, TONIGHT, CATALOG)
OWN = FOUND.filter(pl.col("compared_with") != COMMUNITY)


def of_rows(found: pl.DataFrame, first: int, rows: int) -> pl.DataFrame:
    """The reasons of some rows, numbered from 0."""
    return found.filter(pl.col("row").is_between(first, first + rows - 1)).with_columns(pl.col("row") - first)


def test_reasons_are_data_with_the_strongest_first() -> None:
    compared = ["compared_with", "comparison", "comparison_text"]
    assert sorted(FOUND.columns) == sorted(["row", "rank", "feature", "contribution", "value", *compared])
    assert FOUND.select("feature", "contribution").null_count().row(0) == (0, 0)
    assert FOUND.select("row", "rank").equals(FOUND.select("row", "rank").sort("row", "rank"))
    assert OWN.group_by("row").len()["len"].max() == 3
    sizes = FOUND.with_columns(size=pl.col("contribution").abs())
    assert OWN["contribution"].abs().min() >= LEAST_CONTRIBUTION  # type: ignore[operator]
    assert (sizes.select(pl.col("size").diff().over("row").fill_null(0)) <= 0).to_series().all()
    assert 0.05 < (FOUND["contribution"] < 0).mean() < 0.95  # type: ignore[operator]


@pytest.mark.parametrize("top", [1, 2])
def test_every_row_has_a_reason_that_raises_the_risk_or_the_level_of_the_community_in_its_place(top: int) -> None:
    for found, most in ((FOUND, 3), (reasons(MODEL, TONIGHT, CATALOG, top=top), top)):
        own, level = (found.filter(pl.col("compared_with").eq(COMMUNITY) == is_level) for is_level in (False, True))
        raised = own.filter(pl.col("contribution") > 0)["row"].unique()
        assert own.group_by("row").len()["len"].max() == most
        assert sorted([*raised, *level["row"]]) == list(range(TONIGHT.height))
        assert level["contribution"].unique().to_list() == [0.0]
        assert level["comparison"].unique().to_list() == pytest.approx([MODEL.predict(TONIGHT).mean()])
    # Of one reason it is the raising one, however small beside the others.
    assert set(raised) == set(OWN.filter(pl.col("contribution") > 0)["row"]) or top > 1


def test_contributions_of_all_habits_and_the_base_add_up_to_the_log_odds() -> None:
    assert MODEL.trees is not None
    explainer, line = make_explainer(MODEL.trees), MODEL.calibration
    contributions = line.slope * explainer.contributions(MODEL.trees.encoding.matrix(TONIGHT))
    grouping = Habits.of(explainer.features, CATALOG)
    says = dict.fromkeys((1, -1), np.ones(contributions.shape, dtype=np.bool_))
    totals = grouping.rank(contributions, TONIGHT, most=len(grouping.grouped), says=says).total
    probability = MODEL.predict(TONIGHT).to_numpy()
    added = line.intercept + line.slope * explainer.base + totals.sum(axis=1)
    # Of who is silent for longer, spend in the last 28 days would be told as silence, which it cannot be.
    lately = (TONIGHT["days_since_last_activity"] < 28).fill_null(value=False).to_numpy()
    log_odds = np.log(probability / (1 - probability))
    np.testing.assert_allclose(added[lately], log_odds[lately], rtol=0, atol=1e-4)
    for row, contribution in OWN.select("row", "contribution").iter_rows():
        assert contribution in totals[row]


def test_what_the_panel_plants_is_what_the_reasons_name() -> None:
    strongest = OWN.group_by("row").head(1)
    assert set(FOUND["feature"]) >= {"days_since_last_activity", "region"}
    assert strongest["feature"].is_in(["days_since_last_activity", "region"]).mean() > 0.95  # type: ignore[operator]


def test_setting_a_named_habit_to_the_populations_median_moves_the_score_in_the_direction_said() -> None:
    explainer = make_explainer(MODEL.trees)  # type: ignore[arg-type]
    nothing = np.zeros((TONIGHT.height, len(explainer.features)))
    says = dict.fromkeys((1, -1), nothing > 0)
    owner = Habits.of(explainer.features, CATALOG).rank(nothing, TONIGHT, most=1, says=says).owner
    rows, position = OWN["row"].to_numpy(), {name: number for number, name in enumerate(explainer.features)}
    habit = owner[rows, [position[name] for name in OWN["feature"]]]
    members, typical = TONIGHT[OWN["row"]], typical_member(TONIGHT)
    as_typical = members.with_columns(
        pl.when(pl.Series(owner[rows, number] == habit)).then(pl.lit(typical[name][0])).otherwise(name).alias(name)
        for name, number in position.items()
    )
    moved = MODEL.log_odds(members) - MODEL.log_odds(as_typical)
    assert (np.sign(moved) == np.sign(OWN["contribution"].to_numpy())).all()


def test_a_feature_represents_one_reason_of_a_member_at_most() -> None:
    assert OWN.select("row", "feature").is_unique().all()


def test_the_value_is_that_of_the_feature_and_null_for_text_and_null() -> None:
    rows = TONIGHT.rows(named=True)
    for row, feature, value in FOUND.select("row", "feature", "value").iter_rows():
        own = rows[row][feature]
        assert value == (None if own is None or isinstance(own, str) else float(own))


def test_reasons_follow_the_rows_and_depend_on_no_other_row_of_the_same_population() -> None:
    shuffled = TONIGHT.with_row_index("place").sample(fraction=1, shuffle=True, seed=3)
    again = reasons(MODEL, shuffled.drop("place"), CATALOG)
    assert again.with_columns(row=shuffled["place"].gather(again["row"])).sort("row", "rank").equals(FOUND)
    for start, length in ((0, 1), (17, 5), (399, 1)):
        some = reasons(MODEL, TONIGHT[start : start + length], CATALOG, peers=PEERS)
        assert some.equals(of_rows(FOUND, start, length))


def test_more_rows_than_a_batch_are_explained_alike() -> None:
    copies = BATCH_ROWS // TONIGHT.height + 1
    many = reasons(MODEL, pl.concat([TONIGHT] * copies), CATALOG, peers=PEERS)
    assert copies * TONIGHT.height > BATCH_ROWS
    for start in (0, (copies - 1) * TONIGHT.height):
        assert of_rows(many, start, TONIGHT.height).equals(FOUND)


def test_features_unknown_to_the_catalog_are_reasons_too_and_those_missing_tonight_are_not() -> None:
    assert reasons(MODEL, TONIGHT, ())["rank"].max() >= 2  # type: ignore[operator]
    without = reasons(MODEL, TONIGHT.drop("region"), CATALOG, peers=PEERS)
    assert "region" not in without["feature"]
    assert without["row"].unique().to_list() == list(range(TONIGHT.height))


def test_no_rows_have_no_reasons() -> None:
    assert reasons(MODEL, TONIGHT.clear(), CATALOG).is_empty()


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
    found = reasons(model, TONIGHT, CATALOG)
    silence = TONIGHT["days_since_last_activity"]
    assert model.kind == kind
    assert found["row"].unique().to_list() == list(range(TONIGHT.height))
    assert found["feature"].unique().to_list() == ["days_since_last_activity"]
    own = found.filter(pl.col("compared_with") != COMMUNITY)
    assert own.height > 0.8 * TONIGHT.height
    assert own["value"].equals(silence.gather(own["row"]).cast(pl.Float64).alias("value"))
    assert own.filter(pl.col("value") > silence.median())["contribution"].min() > 0  # type: ignore[operator]
    assert own.filter(pl.col("value") < silence.median())["contribution"].max() < 0  # type: ignore[operator]


def test_the_overall_rate_has_the_level_of_the_community_for_its_one_reason() -> None:
    model = fallback(60, churned=True)
    assert model.kind == "base_rate"
    found = reasons(model, TONIGHT, CATALOG)
    assert found.select("row", "compared_with").rows() == [(row, COMMUNITY) for row in range(TONIGHT.height)]


def test_a_model_that_learnt_nothing_has_the_level_of_the_community_for_its_one_reason() -> None:
    same = PANEL.with_columns(pl.lit(1.0).alias(name) for name in features_only(PANEL).columns[3:]).drop("region")
    model = fit_churn(same, SPLIT, PredictionSettings(rounds=3))
    assert model.kind == "lightgbm"
    assert reasons(model, TONIGHT, CATALOG)["compared_with"].to_list() == [COMMUNITY] * TONIGHT.height


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
