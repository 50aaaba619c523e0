"""The gate promotes what is surely better, and says why it does not."""

from __future__ import annotations

import numpy as np
import pytest

from models.gate import Contest, GatePolicy, decide

POLICY = GatePolicy()
RANDOM = np.random.default_rng(5)
# What is known of a member is their true probability: a good model says it, a poor one says nearly the same of everyone.
GOOD = np.clip(RANDOM.beta(1, 2, 800), 0.01, 0.99)
CHURNED = (RANDOM.random(800) < GOOD).astype(np.float64)
POOR = CHURNED.mean() + RANDOM.normal(0, 0.01, 800)


def validate(champion: np.ndarray, challenger: np.ndarray, *, list_change: float = 0.1) -> tuple[bool, str]:
    decision = decide("churn", Contest(CHURNED, champion, challenger), list_change=list_change, policy=POLICY, seed=1)
    return decision.promote, decision.reason


def test_a_surely_better_challenger_is_promoted() -> None:
    promoted, reason = validate(POOR, GOOD)
    assert promoted
    assert "surely better" in reason


@pytest.mark.parametrize("champion", [GOOD, POOR])
def test_the_same_predictions_are_no_reason_to_change(champion: np.ndarray) -> None:
    promoted, reason = validate(champion, champion.copy())
    assert not promoted
    assert "+0.000" in reason


def test_a_worse_challenger_is_turned_down() -> None:
    assert not validate(GOOD, POOR)[0]


def test_a_better_ranking_with_broken_probabilities_is_turned_down() -> None:
    promoted, reason = validate(POOR, GOOD**6)
    assert not promoted
    assert "worse calibrated" in reason


def test_those_still_here_decide_and_not_those_long_gone() -> None:
    is_still_here = np.arange(800) % 2 == 0
    better_of_the_gone = np.where(is_still_here, POOR, GOOD)
    contest = Contest(CHURNED, POOR, better_of_the_gone, is_still_here=is_still_here)
    decision = decide("churn", contest, list_change=0.1, policy=POLICY, seed=1)
    assert not decision.promote
    assert "among those still here +0.000" in decision.reason
    better_of_the_present = np.where(is_still_here, GOOD, POOR)
    contest = Contest(CHURNED, POOR, better_of_the_present, is_still_here=is_still_here)
    assert decide("churn", contest, list_change=0.1, policy=POLICY, seed=1).promote


def test_where_those_still_here_have_one_outcome_everybody_decides() -> None:
    contest = Contest(CHURNED, POOR, GOOD, is_still_here=CHURNED > 0)
    decision = decide("churn", contest, list_change=0.1, policy=POLICY, seed=1)
    assert decision.promote
    assert "still here" not in decision.reason


def test_probabilities_worse_than_those_of_the_best_simple_rule_are_turned_down() -> None:
    # The champion is the worst of all: beating it is not enough.
    pulled = np.clip(0.5 + (GOOD - 0.5) * 0.2, 0.01, 0.99)
    champion = np.full(800, 0.9) + RANDOM.normal(0, 0.001, 800)
    rules = {"past_rate": POOR, "recency": GOOD}
    decision = decide("churn", Contest(CHURNED, champion, pulled, rules), list_change=0.1, policy=POLICY, seed=1)
    assert not decision.promote
    assert "the best simple rule, recency" in decision.reason
    assert decide("churn", Contest(CHURNED, champion, pulled), list_change=0.1, policy=POLICY, seed=1).promote


def test_a_worse_brier_score_than_the_champions_is_turned_down() -> None:
    strict = GatePolicy(calibration_tolerance=1.0)
    decision = decide("churn", Contest(CHURNED, POOR, GOOD**6), list_change=0.1, policy=strict, seed=1)
    assert not decision.promote
    assert "Brier score" in decision.reason


def test_a_challenger_that_turns_the_list_over_is_turned_down() -> None:
    promoted, reason = validate(POOR, GOOD, list_change=0.8)
    assert not promoted
    assert "80% of the contact list" in reason


def test_without_outcomes_new_to_the_champion_nothing_changes() -> None:
    assert not decide("churn", None, list_change=0.0, policy=POLICY, seed=1).promote
    empty = np.zeros(0)
    assert not decide("value", Contest(empty, empty, empty), list_change=0.0, policy=POLICY, seed=1).promote


def test_a_value_challenger_is_judged_by_order_and_by_total() -> None:
    spent = RANDOM.gamma(0.3, 10_000, 800)
    good, poor = spent * 0.9 + RANDOM.random(800) * 500, RANDOM.permutation(spent)
    assert decide("value", Contest(spent, poor, good * spent.sum() / good.sum()), list_change=0.1, policy=POLICY, seed=1).promote
    doubled = decide("value", Contest(spent, poor, good * 2), list_change=0.1, policy=POLICY, seed=1)
    assert not doubled.promote
    assert "worse calibrated" in doubled.reason


def test_the_decision_is_the_same_every_time() -> None:
    assert validate(POOR, GOOD) == validate(POOR, GOOD)
