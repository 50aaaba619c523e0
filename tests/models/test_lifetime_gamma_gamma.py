from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from models.lifetime.gamma_gamma import GammaGamma, _likelihood, fit_gamma_gamma
from tests.models.lifetimes import cdnow

HISTORY, MEAN_VALUE = cdnow("CDNOW_sample.txt")
PUBLISHED = GammaGamma(6.25, 3.74, 15.44)


def test_it_finds_the_published_parameters_of_the_cdnow_sample() -> None:
    model = fit_gamma_gamma(HISTORY.repeats, MEAN_VALUE)
    assert [model.p, model.q, model.v] == pytest.approx([6.25, 3.74, 15.44], abs=6e-3)


def test_the_expected_value_is_the_own_mean_drawn_towards_everyones() -> None:
    known = PUBLISHED.expected_value(np.array([0.0, 1.0, 100.0]), np.array([np.nan, 100.0, 100.0]))
    own = 6.25 * 1 / (6.25 * 1 + 3.74 - 1)
    assert known[0] == pytest.approx(PUBLISHED.mean)
    assert known[1] == pytest.approx(own * 100 + (1 - own) * PUBLISHED.mean)
    assert known[2] == pytest.approx(100, rel=0.01)


def test_the_likelihood_is_a_density_of_the_mean_value() -> None:
    total, _ = quad(lambda m: float(np.exp(PUBLISHED.log_likelihood(np.array([3.0]), np.array([m])))[0]), 0, np.inf)
    assert total == pytest.approx(1)


def test_the_slopes_of_the_likelihood_are_those_of_its_values() -> None:
    x, m, point = np.array([1.0, 4.0, 2000.0]), np.array([3.0, 60.0, 25.0]), np.array([6.0, 2.7, 15.0])
    _, slopes = _likelihood(x, m, point)
    for position in range(3):
        step = np.zeros(3)
        step[position] = 1e-6 * point[position]
        above, below = (_likelihood(x, m, moved)[0] for moved in (point + step, point - step))
        assert slopes[position] == pytest.approx((above - below) / (2 * step[position]), rel=1e-4, abs=1e-6)


def test_buyers_without_a_value_are_passed_over_and_their_order_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(HISTORY.repeats.size)
    more = np.append(HISTORY.repeats[order], [0.0, 0.0, 5.0, 5.0]), np.append(MEAN_VALUE[order], [np.nan, 40.0, 0.0, np.nan])
    assert fit_gamma_gamma(*more) == fit_gamma_gamma(HISTORY.repeats, MEAN_VALUE)


def test_a_heavy_tail_still_has_a_mean() -> None:
    random = np.random.default_rng(4)
    value = random.pareto(0.8, 5000) + 1
    model = fit_gamma_gamma(np.ones(5000), value)
    assert model.q > 1
    assert np.isfinite(model.expected_value(np.array([1.0]), np.array([1e6]))).all()
