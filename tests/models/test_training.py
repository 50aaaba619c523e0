from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from models.config import PredictionSettings
from models.evaluation import evaluate_churn
from models.panel import empty_panel, feature_names, floats
from models.training import Trained, train_churn, train_value
from tests.models.panels import HORIZON_DAYS, cutoffs, make_panel

SETTINGS = PredictionSettings(rounds=80, search_budget=0)
PANEL = make_panel()
CHURN = train_churn(PANEL, horizon_days=HORIZON_DAYS, settings=SETTINGS)
VALUE = train_value(PANEL, horizon_days=HORIZON_DAYS, settings=SETTINGS)


def test_the_final_model_learns_from_newer_cutoffs_than_its_measured_twin() -> None:
    days = tuple(cutoffs(5))
    assert (CHURN.evaluation.train, CHURN.evaluation.calibrate, CHURN.evaluation.test) == (days[:3], days[3:4], days[4:])
    assert (CHURN.final.train, CHURN.final.calibrate, CHURN.final.test) == (days[:4], days[4:], ())
    assert CHURN.model.split == CHURN.final
    assert CHURN.holdout_model is not None
    assert CHURN.holdout_model.split == CHURN.evaluation


def test_figures_are_those_of_the_predictions_on_the_test_cutoff() -> None:
    tested = CHURN.predictions
    assert tested["as_of"].unique().to_list() == cutoffs(5)[-1:]
    assert tested["member_id"].is_sorted()
    measured = evaluate_churn(
        floats(tested["actual"]),
        {name: floats(tested[name]) for name in ("evenfall", "recency", "past_rate")},
        is_still_here=tested["is_still_here"].to_numpy(),
    )
    rows = PANEL.filter(pl.col("as_of") == cutoffs(5)[-1]).sort("member_id")
    # Silent for at most 27 of 28 days; the member of whom nothing is known counts as gone.
    assert tested["is_still_here"].to_list() == (rows["days_since_last_activity"] < 28).fill_null(value=False).to_list()
    assert measured["evenfall"]["still_here_auc"] != measured["evenfall"]["auc"]
    assert measured == CHURN.metrics == CHURN.model.metrics


def test_the_figures_do_not_come_from_the_model_that_saw_the_outcomes() -> None:
    tested = PANEL.filter(pl.col("as_of") == cutoffs(5)[-1])
    assert CHURN.predictions["evenfall"].to_list() != CHURN.model.predict(tested).to_list()


def test_baselines_are_measured_beside_the_models() -> None:
    assert list(CHURN.metrics) == ["evenfall", "recency", "past_rate"]
    assert list(VALUE.metrics) == ["evenfall", "past_rate", "recency_weighted"]
    assert (CHURN.metrics["evenfall"]["auc"] or 0) > (CHURN.metrics["recency"]["auc"] or 0)
    assert (VALUE.metrics["evenfall"]["ngini"] or 0) > (VALUE.metrics["past_rate"]["ngini"] or 0)


def test_there_is_everything_to_log() -> None:
    assert CHURN.rows == {
        "evaluation_train": 3 * 400,
        "evaluation_calibrate": 400,
        "evaluation_test": 400,
        "final_train": 4 * 400,
        "final_calibrate": 400,
    }
    names = ("roc", "precision_recall", "calibration", "lift")
    assert list(CHURN.curves) == [f"{population}{name}" for population in ("still_here_", "gone_", "") for name in names]
    assert list(CHURN.model.curves) == [
        f"{population}{name}" for population in ("still_here_", "gone_", "") for name in names if name in ("calibration", "lift")
    ]
    assert set(VALUE.curves) == {"gain"}
    assert CHURN.parameters["kind"] == "lightgbm"
    assert VALUE.parameters["level_factor"] == VALUE.model.level
    for trained in (CHURN, VALUE):
        assert trained.importance["gain_share"].sum() == pytest.approx(1)
        assert sorted(trained.importance["feature"]) == sorted(feature_names(PANEL))


def test_settings_are_chosen_without_the_cutoff_they_are_measured_on() -> None:
    searching = PredictionSettings(rounds=10, search_budget=6)
    trained = train_churn(PANEL, horizon_days=HORIZON_DAYS, settings=searching)
    assert len(trained.trials) == 6
    assert trained.holdout_model is not None
    assert trained.model.settings == trained.holdout_model.settings
    is_newest = pl.col("as_of") == cutoffs(5)[-1]
    scrambled = PANEL.with_columns(is_churned=pl.when(is_newest).then(~pl.col("is_churned")).otherwise("is_churned"))
    assert train_churn(scrambled, horizon_days=HORIZON_DAYS, settings=searching).trials == trained.trials
    shuffled = PANEL.sample(fraction=1, shuffle=True, seed=3)
    assert train_churn(shuffled, horizon_days=HORIZON_DAYS, settings=searching).trials == trained.trials


def test_the_range_of_a_spend_comes_from_the_outcomes_it_was_measured_on() -> None:
    assert VALUE.model.interval is not None
    minor = floats(VALUE.predictions["evenfall"])
    low, high = VALUE.model.interval.bounds(minor)
    actual = floats(VALUE.predictions["actual"])
    assert ((low <= minor) & (minor <= high)).all()
    assert 0.78 <= ((low <= actual) & (actual <= high)).mean() <= 1


def test_short_history_gives_a_model_without_figures_and_says_so() -> None:
    trained = train_churn(make_panel(cutoff_count=1), horizon_days=HORIZON_DAYS, settings=SETTINGS)
    assert trained.model.kind == "lightgbm"
    assert trained.holdout_model is None
    assert (trained.metrics, trained.curves) == ({}, {})
    assert trained.evaluation.missing == ("train", "calibrate", "test")
    assert "no metrics" in trained.evaluation.why


def test_nothing_to_learn_from_gives_stand_ins() -> None:
    churn = train_churn(empty_panel(), horizon_days=HORIZON_DAYS, settings=SETTINGS)
    value = train_value(empty_panel(), horizon_days=HORIZON_DAYS, settings=SETTINGS)
    assert (churn.model.kind, value.model.kind) == ("prior", "past_rate")
    assert churn.predictions.is_empty()
    assert churn.importance.is_empty()


@pytest.mark.parametrize("members", [1, 30])
def test_few_members_are_measured_as_far_as_that_goes(members: int) -> None:
    few = make_panel(members=members + 1).filter(pl.col("member_no") < members)
    churn = train_churn(few, horizon_days=HORIZON_DAYS, settings=SETTINGS)
    value = train_value(few, horizon_days=HORIZON_DAYS, settings=SETTINGS)
    assert churn.predictions.height == value.predictions.height == members
    assert churn.metrics["evenfall"]["brier"] is not None
    assert value.metrics["evenfall"]["mae"] is not None


def test_a_community_without_orders_has_no_spend_to_learn() -> None:
    trained = train_value(
        PANEL.with_columns(future_spend_minor=pl.lit(None, dtype=pl.Int64)), horizon_days=HORIZON_DAYS, settings=SETTINGS
    )
    assert trained.model.kind == "past_rate"
    assert trained.metrics == {}


@pytest.mark.parametrize("trained", [CHURN, VALUE], ids=["churn", "value"])
def test_the_gains_of_the_features_are_told_as_shares_of_all_the_largest_first(trained: Trained[Any]) -> None:
    shares = trained.importance["gain_share"]
    assert shares.is_sorted(descending=True)
    assert shares.sum() == pytest.approx(1)
