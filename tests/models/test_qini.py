"""The Qini says what a ranking gains over a random order, and the gate trusts it only where it is sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gate import GatePolicy
from models.qini import Randomised, effects_by_member, qini, qini_curve, qini_lead, uplift_decision
from tests.models.randomised import decisions

POLICY = GatePolicy(draws=200)
# Four members, two of them held out by a fair draw; the first two are moved by the action, the others are not.
FOUR = Randomised(np.array([1.0, 0, 1, 1]), np.array([True, False, True, False]), np.full(4, 0.5))


def test_the_curve_is_the_gain_of_the_members_reached_so_far() -> None:
    # Both arms have a mean, 1 and 1/2; beyond it each member says twice its residual.
    effects = [1 / 2 + 2 * (1 - 1), 1 / 2 - 2 * (0 - 1 / 2), 1 / 2 + 2 * (1 - 1), 1 / 2 - 2 * (1 - 1 / 2)]
    curve = qini_curve(FOUR, np.array([4.0, 3, 2, 1]), points=4)
    assert curve["share"].to_list() == [0, 1 / 4, 2 / 4, 3 / 4, 1]
    assert curve["gain"].to_list() == pytest.approx(np.cumsum([0, *effects]) / 4)
    assert curve["random"].to_list() == pytest.approx([0, 1 / 8, 2 / 8, 3 / 8, 4 / 8])


def test_the_coefficient_is_the_area_between_the_curve_and_the_line() -> None:
    score = np.array([4.0, 3, 2, 1])
    curve = qini_curve(FOUR, score, points=4)
    area = np.trapezoid(curve["gain"] - curve["random"], curve["share"])
    assert qini(FOUR, score) == pytest.approx(area)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 3), st.sampled_from([0.5, 0.8])), min_size=2, max_size=30))
def test_ties_count_as_the_mean_of_all_their_orders(rows: list[tuple[bool, bool, int, float]]) -> None:
    outcome, is_treated, score, propensity = (np.array(column) for column in zip(*rows, strict=True))
    units = Randomised(outcome.astype(float), is_treated, propensity)
    both = [qini(units, score + np.linspace(0, sign * 0.5, score.size)) for sign in (1, -1)]
    assert qini(units, score.astype(float)) == pytest.approx(sum(both) / 2, abs=1e-9)


def test_a_random_order_has_none_and_a_reversed_ranking_the_opposite() -> None:
    score = np.array([4.0, 3, 2, 1])
    assert qini(FOUR, np.zeros(4)) == pytest.approx(0)
    assert qini(FOUR, -score) == pytest.approx(-qini(FOUR, score))
    assert np.isnan(qini(FOUR.where(np.zeros(4, dtype=bool)), np.zeros(0)))


def test_it_does_not_depend_on_the_level_of_the_outcome() -> None:
    features, units, _ = decisions(3)
    score = features["risk"].fill_null(0).to_numpy()
    assert qini(replace(units, outcome=units.outcome + 100), score) == pytest.approx(qini(units, score))


def test_the_true_effects_rank_as_well_as_they_should_though_few_are_held_out() -> None:
    _, units, uplift = decisions(4, size=40_000, held_out_share=0.1)
    # Half of the members gain .3: reached first, they gain .15 per member at once, .075 more than at random, in a triangle.
    assert qini(units, uplift) == pytest.approx(0.075 / 2, abs=0.006)


def test_members_drawn_with_different_shares_weigh_by_their_chance() -> None:
    _, first, uplift = decisions(5, size=30_000, held_out_share=0.5, effect=0.3)
    _, second, more = decisions(6, size=30_000, held_out_share=0.1, effect=0.3)
    both = Randomised(
        *(np.concatenate([getattr(one, name) for one in (first, second)]) for name in ("outcome", "is_treated", "propensity"))
    )
    assert qini(both, np.concatenate([uplift, more])) == pytest.approx(0.075 / 2, abs=0.006)


def test_predictions_take_noise_out_of_the_effects_and_no_truth() -> None:
    features, units, uplift = decisions(7, size=20_000)
    known = 0.8 - features["risk"].fill_null(0.4).to_numpy()
    plain = effects_by_member(units, if_treated=np.zeros(known.size), if_held_out=np.zeros(known.size))
    predicted = effects_by_member(units, if_treated=known + uplift, if_held_out=known)
    assert plain.mean() == pytest.approx(0.15, abs=0.02)
    assert predicted.mean() == pytest.approx(0.15, abs=0.02)
    assert predicted.std() < 0.8 * plain.std()


def test_a_ranking_leads_itself_by_nothing_and_random_order_by_its_qini() -> None:
    _, units, uplift = decisions(8)
    same = qini_lead(units, uplift, uplift, seed=1, draws=50)
    assert (same.estimate, same.lower, same.upper) == (0, 0, 0)
    lead = qini_lead(units, uplift, np.ones(uplift.size), seed=1, draws=200)
    assert lead.estimate == pytest.approx(qini(units, uplift))
    assert 0 < lead.lower < lead.estimate < lead.upper
    assert lead == qini_lead(units, uplift, np.ones(uplift.size), seed=1, draws=200)


def test_the_same_members_decided_upon_again_and_again_are_no_further_evidence() -> None:
    _, units, uplift = decisions(9, size=1_000)
    again = np.tile(np.arange(1_000), 4)
    repeated = Randomised(units.outcome[again], units.is_treated[again], units.propensity[again], cluster=again)
    once = qini_lead(units, uplift, np.zeros(1_000), seed=1, draws=300)
    four_times = qini_lead(repeated, uplift[again], np.zeros(4_000), seed=1, draws=300)
    assert (four_times.lower, four_times.upper) == pytest.approx((once.lower, once.upper), abs=1e-9)


def test_the_gate_accepts_what_is_surely_better() -> None:
    features, units, uplift = decisions(10)
    decision = uplift_decision(units, uplift=uplift, champion=features["risk"].fill_null(0).to_numpy(), policy=POLICY, seed=1)
    assert (decision.accepted, decision.reason) == (True, "surely better")
    assert 0 < decision.low < decision.high  # type: ignore[operator]
    assert decision.qini > decision.champion_qini  # type: ignore[operator]
    assert (decision.treated, decision.held_out) == (units.is_treated.sum(), (~units.is_treated).sum())


def test_the_gate_turns_down_what_is_only_as_good() -> None:
    _, units, uplift = decisions(11)
    decision = uplift_decision(units, uplift=uplift * 2, champion=uplift, policy=POLICY, seed=1)
    assert (decision.accepted, decision.reason, decision.low) == (False, "not surely better", 0)


def test_the_gate_does_not_judge_by_few_decisions_or_by_none() -> None:
    _, units, uplift = decisions(12)
    few = np.cumsum(~units.is_treated) < 100
    decision = uplift_decision(units.where(few), uplift=uplift[few], champion=-uplift[few], policy=POLICY, seed=1)
    assert (decision.accepted, decision.reason, decision.held_out) == (False, "too few decisions", 99)
    assert uplift_decision(None, uplift=uplift, champion=uplift, policy=POLICY, seed=1).reason == "no later decisions"


def test_outcomes_that_are_all_alike_or_few_clusters_are_not_enough() -> None:
    _, units, _ = decisions(13)
    assert units.is_enough
    assert not replace(units, outcome=np.ones(units.outcome.size)).is_enough
    regions = np.arange(units.outcome.size) % 9
    assert not replace(units, cluster=regions).is_enough
    assert replace(units, cluster=np.arange(units.outcome.size) // 2).is_enough
