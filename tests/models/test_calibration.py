from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from models.calibration import UNCALIBRATED, calibrate, fit_intercept, fit_logit_line, logistic, logit


def test_calibration_recovers_a_known_distortion() -> None:
    random = np.random.default_rng(5)
    truth = random.normal(0, 1.5, 40_000)
    left = (random.random(truth.size) < logistic(truth)).astype(float)
    line = calibrate((truth - 0.7) / 0.5, left)
    assert line.slope == pytest.approx(0.5, abs=0.02)
    assert line.intercept == pytest.approx(0.7, abs=0.04)


def test_the_line_is_that_of_unpenalised_logistic_regression() -> None:
    random = np.random.default_rng(6)
    score = random.normal(0, 1, 500)
    left = (random.random(500) < logistic(0.3 + 0.8 * score)).astype(float)
    line, reference = fit_logit_line(score, left), LogisticRegression(C=np.inf, tol=1e-10).fit(score[:, None], left)
    assert line.slope == pytest.approx(reference.coef_[0, 0], abs=1e-5)
    assert line.intercept == pytest.approx(reference.intercept_[0], abs=1e-5)


def test_without_outcomes_scores_stay_as_they_are() -> None:
    assert calibrate(np.array([]), np.array([])) == UNCALIBRATED


def test_one_outcome_only_gives_finite_probabilities_near_it() -> None:
    score = np.linspace(-2, 2, 50)
    probability = calibrate(score, np.ones(50)).probability(score)
    assert np.all((probability > 0.5) & (probability < 1))


def test_calibration_never_turns_the_order_round() -> None:
    score = np.linspace(-3, 3, 200)
    line = calibrate(score, (score < 0).astype(float))
    assert line.slope > 0
    assert line.probability(score).mean() == pytest.approx(0.5, abs=0.02)


def test_the_intercept_meets_the_mean() -> None:
    offset = np.array([-1.0, 0.0, 3.0])
    assert logistic(offset + fit_intercept(offset, np.array([0.0, 0.0, 1.0]))).mean() == pytest.approx(1 / 3)


@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), min_size=1, max_size=40))
def test_probabilities_are_always_strictly_inside(observed: list[tuple[float, bool]]) -> None:
    score, left = np.array([s for s, _ in observed]), np.array([float(y) for _, y in observed])
    line = calibrate(score, left)
    assert math.isfinite(line.slope)
    assert math.isfinite(line.intercept)
    assert np.all((line.probability(score) > 0) & (line.probability(score) < 1))


@given(st.floats(-13, 13))
def test_logit_undoes_logistic(log_odds: float) -> None:
    assert logit(logistic(np.array([log_odds])))[0] == pytest.approx(log_odds, abs=1e-6)
