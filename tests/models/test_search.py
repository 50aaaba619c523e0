"""Settings are chosen on past cut-offs, only where the lead is sure, and never against the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.config import PredictionSettings
from models.cutoffs import final_split, split_cutoffs
from models.evaluation import ngini
from models.folds import _ngini_gains, choose_settings
from models.search import ALTERNATIVES, Prediction, fold_cutoffs, search_settings
from tests.models.panels import HORIZON_DAYS, cutoffs, make_panel

DAYS = cutoffs(9)
MEMBERS = pl.Series([f"m{number}" for number in range(100)])
NOISE = np.random.default_rng(2).normal(0, 0.1, 100)


def better_with(key: str, value: object, *, by: float) -> object:
    """How candidates fare if one value of one setting gains on average so much, with noise beside it."""

    def predict(settings: PredictionSettings, stops: Sequence[int]) -> list[Prediction]:
        gain = (by + NOISE) if getattr(settings, key) == value else np.zeros(100)
        return [Prediction(gain - 0.001 * abs(stop - settings.rounds), MEMBERS) for stop in stops]

    return predict


def test_a_candidate_that_surely_leads_is_chosen_and_one_that_may_be_lucky_is_not() -> None:
    settings = PredictionSettings()
    sure = search_settings("churn", settings, [(DAYS[0], better_with("num_leaves", 4, by=0.05))])  # type: ignore[list-item]
    assert sure.settings == settings.model_copy(update={"num_leaves": 4})
    assert [trial.name for trial in sure.trials if trial.is_chosen] == ["num_leaves 4"]
    lucky = search_settings("churn", settings, [(DAYS[0], better_with("num_leaves", 4, by=0.005))])  # type: ignore[list-item]
    assert lucky.settings == settings
    assert max(trial.lead for trial in lucky.trials) > 0


def test_the_same_member_in_several_folds_counts_once() -> None:
    fold = better_with("num_leaves", 4, by=0.015)
    once = search_settings("churn", PredictionSettings(), [(DAYS[0], fold)])  # type: ignore[list-item]
    thrice = search_settings("churn", PredictionSettings(), [(day, fold) for day in DAYS[:3]])  # type: ignore[misc]
    errors = [{trial.name: trial.standard_error for trial in found.trials}["num_leaves 4"] for found in (once, thrice)]
    assert errors[0] == pytest.approx(errors[1])
    assert errors[0] == pytest.approx(NOISE.std() / np.sqrt(100), rel=0.02)


def test_what_the_configuration_sets_is_never_changed() -> None:
    settings = PredictionSettings(num_leaves=7, rounds=150)
    found = search_settings("churn", settings, [(DAYS[0], better_with("num_leaves", 4, by=1.0))])  # type: ignore[list-item]
    assert not any("num_leaves" in trial.changes for trial in found.trials)
    assert {trial.rounds for trial in found.trials} == {150}
    assert found.settings == settings


@pytest.mark.parametrize("budget", [0, 1, 5])
def test_no_more_is_tried_than_the_budget(budget: int) -> None:
    settings = PredictionSettings(search_budget=budget)
    found = search_settings("value", settings, [(DAYS[0], better_with("num_leaves", 4, by=0.0))])  # type: ignore[list-item]
    assert len(found.trials) == budget


def test_folds_are_apart_and_end_before_the_test() -> None:
    folds = fold_cutoffs(DAYS, horizon_days=56)
    assert [later for _, later in folds] == DAYS[:-4:-1]
    for earlier, later in folds:
        assert max(earlier) + timedelta(days=56) <= later
    assert fold_cutoffs(DAYS[:2], horizon_days=56) == []


@pytest.mark.parametrize("purpose", ["churn", "value"])
def test_every_alternative_is_a_setting_that_can_be_learnt_with(purpose: str) -> None:
    panel = make_panel(cutoff_count=6)
    split = split_cutoffs(cutoffs(6), horizon_days=HORIZON_DAYS)
    settings = PredictionSettings(rounds=4, search_budget=99, min_rows_per_leaf=20)
    found = choose_settings(purpose, panel, split, settings)  # type: ignore[arg-type]
    without_effect = {"churn": {"lifetime_share", "lifetime_model"}, "value": {"lifetime_model"}}[purpose]
    tried = [trial.changes for trial in found.trials]
    fixed = {"rounds", "search_budget", "min_rows_per_leaf"}
    alternatives = ALTERNATIVES[purpose].items()  # type: ignore[index]
    assert tried == [{}, *({key: value} for key, values in alternatives if key not in without_effect | fixed for value in values)]
    assert found.folds == tuple(reversed(split.known[-3:]))
    assert not set(found.folds) & set(split.test)


def test_too_few_members_are_not_searched() -> None:
    panel = make_panel(members=150, cutoff_count=5)
    found = choose_settings("churn", panel, final_split(cutoffs(5), horizon_days=HORIZON_DAYS), PredictionSettings())
    assert found.trials == ()


def test_the_gains_of_members_add_up_to_the_ngini() -> None:
    random = np.random.default_rng(4)
    spent, first, second = random.gamma(0.4, 100, 300).round(), random.random(300), random.random(300).round(1)
    difference = np.mean(_ngini_gains(spent, first)) - np.mean(_ngini_gains(spent, second))
    assert difference == pytest.approx((ngini(spent, first) or 0) - (ngini(spent, second) or 0))
