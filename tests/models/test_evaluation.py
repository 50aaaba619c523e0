from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation import (
    auc,
    calibration_intercept,
    calibration_slope,
    evaluate_churn,
    evaluate_value,
    expected_calibration_error,
    lift_at_tenth,
    ngini,
    share_in_top_tenth,
)

OBSERVED = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), min_size=1, max_size=40)


def slow_gini(actual: list[float], predicted: list[float]) -> float:
    """Walk down the ranking, one whole tie at a time, and add up the area above the diagonal by trapezia."""
    area, captured, total = 0.0, 0.0, sum(actual)
    for score in sorted(set(predicted), reverse=True):
        tied = [value for value, other in zip(actual, predicted, strict=True) if other == score]
        before, captured = captured, captured + sum(tied) / total
        area += (before + captured) / 2 * len(tied) / len(actual)
    return area - 0.5


@given(OBSERVED)
def test_ngini_is_the_ratio_of_two_areas(observed: list[tuple[int, int]]) -> None:
    actual, predicted = [float(a) for a, _ in observed], [float(p) for _, p in observed]
    measured = ngini(np.array(actual), np.array(predicted))
    if sum(actual) == 0 or len(set(actual)) == 1:
        assert measured is None
    else:
        assert measured == pytest.approx(slow_gini(actual, predicted) / slow_gini(actual, actual), abs=1e-9)


@given(OBSERVED)
def test_the_top_tenth_holds_what_a_ranking_by_hand_says(observed: list[tuple[int, int]]) -> None:
    actual, predicted = [float(a) for a, _ in observed], [float(p) for _, p in observed]
    wanted, captured = -(-len(actual) // 10), 0.0
    for score in sorted(set(predicted), reverse=True):
        tied = [value for value, other in zip(actual, predicted, strict=True) if other == score]
        taken = min(len(tied), wanted)
        captured += taken * sum(tied) / len(tied)
        wanted -= taken
    measured = share_in_top_tenth(np.array(actual), np.array(predicted))
    assert measured is None if sum(actual) == 0 else measured == pytest.approx(captured / sum(actual))


@settings(max_examples=30)
@given(OBSERVED, st.data())
def test_no_figure_depends_on_the_order_of_members(observed: list[tuple[int, int]], data: st.DataObject) -> None:
    figures = [_all_figures(rows) for rows in (observed, data.draw(st.permutations(observed)))]
    assert figures[0] == pytest.approx(figures[1], rel=1e-6, abs=1e-9, nan_ok=True)


def _all_figures(rows: list[tuple[int, int]]) -> list[float]:
    actual, predicted = np.array(rows, dtype=float).T
    churn = evaluate_churn((actual > 9).astype(float), {"model": (predicted + 1) / 9})["model"]
    value = evaluate_value(actual, {"model": predicted})["model"]
    return [np.nan if figure is None else figure for figure in (*churn.values(), *value.values())]


def test_a_perfect_order_scores_one_and_its_reverse_minus_one() -> None:
    spend = np.array([0.0, 100.0, 300.0])
    assert ngini(spend, spend) == 1
    assert ngini(spend, -spend) == pytest.approx(-1)
    assert ngini(spend, np.zeros(3)) == pytest.approx(0)


def test_figures_are_those_worked_by_hand() -> None:
    churned, probability = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.2, 0.6, 0.7])
    figures = evaluate_churn(churned, {"model": probability})["model"]
    assert figures["auc"] == 3 / 4
    assert figures["brier"] == pytest.approx((0.1**2 + 0.2**2 + 0.4**2 + 0.7**2) / 4)
    assert figures["average_precision"] == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert figures["lift_10pct"] == 1 / (2 / 4)
    money = evaluate_value(np.array([0.0, 1000.0]), {"model": np.array([200.0, 400.0])})["model"]
    assert money["mae"] == pytest.approx((2.0 + 6.0) / 2)
    assert money["rmse"] == pytest.approx(((2.0**2 + 6.0**2) / 2) ** 0.5)
    assert money["total_ratio"] == pytest.approx(600 / 1000)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    churned, probability = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.8, 0.8, 0.3, 0.3])
    assert expected_calibration_error(churned, probability) == pytest.approx((0.2 + 0.3) / 2)


def test_a_known_distortion_shows_in_slope_and_intercept() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(0, 1, 60_000)
    churned = (random.random(truth.size) < 1 / (1 + np.exp(-truth))).astype(float)
    too_extreme, too_low = 1 / (1 + np.exp(-2 * truth)), 1 / (1 + np.exp(1 - truth))
    assert calibration_slope(churned, too_extreme) == pytest.approx(0.5, abs=0.02)
    assert calibration_intercept(churned, too_low) == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize("churned", [np.ones(5), np.zeros(5), np.array([])])
def test_undefined_figures_are_none(churned: np.ndarray) -> None:  # type: ignore[type-arg]
    figures = evaluate_churn(churned, {"model": np.full(churned.size, 0.4)})["model"]
    assert (
        figures["auc"] is figures["average_precision"] is figures["calibration_slope"] is figures["calibration_intercept"] is None
    )
    assert all(value is None or np.isfinite(value) for value in figures.values())
    worth = evaluate_value(np.zeros(churned.size), {"model": np.ones(churned.size)})["model"]
    assert worth["ngini"] is worth["total_ratio"] is worth["top_10pct_share"] is None


def test_separated_outcomes_have_no_calibration_slope() -> None:
    assert calibration_slope(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.8, 0.9])) is None


def test_ties_count_half_in_the_auc() -> None:
    assert auc(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == 0.5
    assert lift_at_tenth(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == 1
