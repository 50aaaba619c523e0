"""Uplift finds whom an action moves, and the gate lets it rank only where that is sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from lake.errors import ConfigurationError
from models.bundle import uplift_from_files, uplift_to_files
from models.config import PredictionSettings
from models.gate import GatePolicy
from models.panel import floats
from models.qini import qini_lead, uplift_decision
from models.uplift import _folds, fit_uplift, surrogate_days
from tests import hillstrom
from tests.models.randomised import decisions

SETTINGS = PredictionSettings()
needs_hillstrom = pytest.mark.skipif(
    not hillstrom.FILE.exists(), reason="the Hillstrom experiment is not here (EVENFALL_HILLSTROM)"
)


def test_members_whom_the_action_moves_have_more_uplift() -> None:
    features, units, uplift = decisions(1)
    predicted = floats(fit_uplift(features, units, SETTINGS).predict(features))
    # Small trees shrink towards the mean effect, .15.
    assert 0.2 < predicted[uplift > 0].mean() < 0.32
    assert -0.02 < predicted[uplift == 0].mean() < 0.1
    assert np.isfinite(predicted).all()


def test_uplift_takes_the_place_of_risk_where_risk_does_not_tell_who_is_moved() -> None:
    features, units, _ = decisions(1)
    later, came, _ = decisions(2)
    uplift = floats(fit_uplift(features, units, SETTINGS).predict(later))
    risk = floats(later["risk"].fill_null(0))
    assert uplift_decision(came, uplift=uplift, champion=risk, policy=GatePolicy(draws=200), seed=1).accepted


def test_an_action_that_moves_nobody_has_no_uplift_and_is_not_accepted() -> None:
    features, units, _ = decisions(3, effect=0.0)
    later, came, _ = decisions(4, effect=0.0)
    model = fit_uplift(features, units, SETTINGS)
    assert model.mean == pytest.approx(0, abs=0.04)
    lead = qini_lead(came, floats(model.predict(later)), np.zeros(came.outcome.size), seed=1, draws=200)
    assert lead.lower < 0


def test_the_same_decisions_give_the_same_model_whatever_the_threads() -> None:
    features, units, _ = decisions(5, size=1_500)
    first = fit_uplift(features, units, SETTINGS)
    assert first.predict(features).equals(fit_uplift(features, units, SETTINGS).predict(features))
    two_threads = fit_uplift(features, units, SETTINGS.model_copy(update={"num_threads": 2}))
    assert (two_threads.effect, two_threads.two_models) == (first.effect, first.two_models)
    other_seed = fit_uplift(features, units, SETTINGS.model_copy(update={"seed": 1}))
    assert other_seed.effect != first.effect


def test_a_feature_that_is_gone_or_a_value_never_seen_is_missing_and_no_error() -> None:
    features, units, _ = decisions(6, size=1_500)
    model = fit_uplift(features, units, SETTINGS)
    strangers = pl.DataFrame({"risk": [0.2, None], "region": ["east", None]})
    assert model.predict(strangers).is_finite().all()
    assert model.predict(strangers.head(0)).len() == 0


def test_what_was_drawn_together_is_left_out_together_and_both_arms_are_in_every_group() -> None:
    _, units, _ = decisions(7, size=1_000)
    # Members decided upon twice, always in the same arm.
    member = np.arange(1_000) % 500
    arm = units.is_treated[:500][member]
    fold = _folds(replace(units, is_treated=arm, cluster=member), 5)
    assert (fold[:500] == fold[500:]).all()
    assert all(set(fold[one]) == set(range(5)) for one in (arm, ~arm))


def test_the_short_outcome_takes_a_week_or_the_horizon() -> None:
    assert [surrogate_days(days) for days in (1, 7, 28)] == [1, 7, 7]


@needs_hillstrom
def test_uplift_ranks_the_womens_e_mail_of_hillstrom_better_than_chance_and_than_risk() -> None:
    halves = hillstrom.halves(hillstrom.WOMENS, seed=0)
    by_chance = halves.decide(np.zeros(halves.units.outcome.size))
    assert (by_chance.accepted, by_chance.reason) == (True, "surely better")
    assert by_chance.champion_qini == pytest.approx(0)
    assert 0.005 < by_chance.low < by_chance.qini < by_chance.high < 0.012  # type: ignore[operator]
    assert halves.decide(halves.risk).accepted


@needs_hillstrom
def test_uplift_does_not_rank_the_mens_e_mail_of_hillstrom_where_nobody_is_moved_more_than_others() -> None:
    halves = hillstrom.halves(hillstrom.MENS, seed=0)
    decision = halves.decide(np.zeros(halves.units.outcome.size))
    assert (decision.accepted, decision.reason) == (False, "not surely better")
    assert decision.low < 0 < decision.high  # type: ignore[operator]


@needs_hillstrom
@pytest.mark.soak
def test_in_other_halves_of_hillstrom_the_womens_e_mail_is_ranked_better_and_the_mens_seldom() -> None:
    accepted = {
        campaign: [
            one.decide(np.zeros(one.units.outcome.size)).accepted
            for one in (hillstrom.halves(campaign, seed=seed) for seed in range(20))
        ]
        for campaign in (hillstrom.WOMENS, hillstrom.MENS)
    }
    assert all(accepted[hillstrom.WOMENS])
    assert sum(accepted[hillstrom.MENS]) <= 10


@pytest.mark.soak
def test_where_nobody_is_moved_more_than_others_the_gate_accepts_at_most_one_in_twenty() -> None:
    accepted = 0
    for seed in range(0, 400, 2):
        features, units, _ = decisions(seed, size=1_500, effect=0.0)
        later, came, _ = decisions(seed + 1, size=1_500, effect=0.0)
        uplift = floats(fit_uplift(features, units, SETTINGS).predict(later))
        accepted += uplift_decision(
            came, uplift=uplift, champion=np.zeros(uplift.size), policy=GatePolicy(draws=200), seed=1
        ).accepted
    assert accepted <= 10


def test_a_model_read_back_from_its_text_predicts_the_same() -> None:
    features, units, _ = decisions(8, size=1_500)
    model = fit_uplift(features, units, SETTINGS)
    files = uplift_to_files(model)
    assert set(files) == {"model.json", "treated.lgb", "held_out.lgb", "effect.lgb"}
    assert uplift_from_files(files) == model
    assert uplift_from_files(files).predict(features).equals(model.predict(features))
    with pytest.raises(ConfigurationError, match=r"effect\.lgb is missing"):
        uplift_from_files({name: text for name, text in files.items() if name != "effect.lgb"})
    with pytest.raises(ConfigurationError, match="does not make a model"):
        uplift_from_files(files | {"model.json": '{"format_version": 2}'})
