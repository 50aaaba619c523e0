from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.estimated import early_returns, estimate, spread

probabilities = st.lists(st.sampled_from([0.05, 0.2, 0.2001, 0.5, 0.9]), min_size=2, max_size=12).map(np.array)


def ranked(first: float, second: float) -> float:
    return float(first > second) + 0.5 * float(first == second)


@given(probabilities)
def test_the_estimated_auc_is_that_of_going_through_all_pairs_of_different_members(probability: np.ndarray) -> None:
    pairs = [(i, j) for i in range(len(probability)) for j in range(len(probability)) if i != j]
    weights = [probability[i] * (1 - probability[j]) for i, j in pairs]
    right = sum(weight * ranked(probability[i], probability[j]) for weight, (i, j) in zip(weights, pairs, strict=True))
    found = estimate(probability)
    assert found is not None
    assert found.auc == pytest.approx(right / sum(weights))
    assert found.brier == pytest.approx(np.mean(probability * (1 - probability)))
    assert found.churned_share == pytest.approx(probability.mean())


def test_what_is_estimated_of_probabilities_that_come_true_is_what_happens() -> None:
    random = np.random.default_rng(5)
    probability = random.beta(2, 3, 40_000)
    churned = (random.random(probability.size) < probability).astype(float)
    found = estimate(probability)
    assert found is not None
    assert found.brier == pytest.approx(np.mean((probability - churned) ** 2), abs=0.003)
    left, stayed = probability[churned > 0][:2_000], probability[churned == 0][:2_000]
    assert found.auc == pytest.approx(np.mean(left[:, None] > stayed[None, :]), abs=0.015)


def test_nothing_is_estimated_of_nobody_and_no_order_of_a_single_member() -> None:
    assert estimate(np.zeros(0)) is None
    alone = estimate(np.array([0.3]))
    assert alone is not None
    assert alone.auc is None


@given(probabilities, st.data())
def test_early_returns_are_ranked_as_going_through_all_pairs(probability: np.ndarray, data: st.DataObject) -> None:
    size = len(probability)
    returned = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=size, max_size=size)))
    found = early_returns(probability, returned, early_share=0.5, level_error=0.2)
    pairs = [(i, j) for i in range(size) for j in range(size) if not returned[i] and returned[j]]
    expected = sum(ranked(probability[i], probability[j]) for i, j in pairs) / len(pairs) if pairs else None
    assert found.auc == (None if expected is None else pytest.approx(expected))
    assert found.happened == returned.sum()
    assert found.expected == pytest.approx(0.5 * (1 - probability).sum())


def test_a_deviation_counts_chance_and_how_far_the_level_was_off_before() -> None:
    probability, returned = np.full(400, 0.6), np.zeros(400)
    returned[:40] = 1
    # Expected are 400 · .4 · .5 = 80 with a variance of 80 · .8 = 64, and 64 · .25 = 16 of the level.
    found = early_returns(probability, returned, early_share=0.5, level_error=0.25)
    assert found.deviation == pytest.approx((40 - 80) / np.sqrt(64 + 16**2))
    assert early_returns(probability, returned, early_share=0.5, level_error=0.0).deviation == pytest.approx(-40 / 8)


def test_an_interval_holds_four_draws_of_five() -> None:
    draws = np.random.default_rng(2).normal(size=20_000)
    low, high = spread(100.0, 0.3, in_log_odds=False)
    assert np.mean((100 * np.exp(0.3 * draws) > low) & (100 * np.exp(0.3 * draws) < high)) == pytest.approx(0.8, abs=0.01)
    low, high = spread(0.9, 0.5, in_log_odds=True)
    shares = 1 / (1 + np.exp(-(np.log(9) + 0.5 * draws)))
    assert np.mean((shares > low) & (shares < high)) == pytest.approx(0.8, abs=0.01)
