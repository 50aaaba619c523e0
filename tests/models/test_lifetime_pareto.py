from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1
from scipy.stats import gamma

from models.lifetime.history import PurchaseHistory
from models.lifetime.pareto import ParetoNBD, _mean_likelihood, fit_pareto
from models.panel import Floats
from tests.models.lifetimes import cdnow, one, several

SAMPLE, _ = cdnow("CDNOW_sample.txt")
MASTER, _ = cdnow("CDNOW_master.txt")
PUBLISHED = ParetoNBD(0.553, 10.578, 0.606, 11.669)


def _parameters(model: ParetoNBD) -> list[float]:
    return [model.r, model.alpha, model.s, model.beta]


def test_it_finds_the_published_parameters_of_the_cdnow_sample() -> None:
    model = fit_pareto(SAMPLE)
    assert _parameters(model) == pytest.approx([0.553, 10.578, 0.606, 11.669], abs=6e-4)
    assert model.log_likelihood(SAMPLE).sum() == pytest.approx(-9595.0, abs=0.05)


def test_it_finds_the_known_parameters_of_the_whole_cdnow_cohort() -> None:
    assert _parameters(fit_pareto(MASTER)) == pytest.approx([0.597, 11.586, 0.522, 8.830], abs=3e-3)


@pytest.mark.parametrize(("alpha", "beta"), [(10.578, 11.669), (11.669, 10.578), (7.0, 7.0), (40.0, 0.3)])
def test_the_likelihood_is_that_of_the_papers_hypergeometric_form(alpha: float, beta: float) -> None:
    r, s, x, t_x, age = 0.553, 0.606, 3.0, 12.5, 38.9
    model = ParetoNBD(r, alpha, s, beta)
    nearer, apart = max(alpha, beta), abs(alpha - beta)
    parameter = s + 1 if alpha >= beta else r + x

    def term(y: float) -> float:
        return float(hyp2f1(r + s + x, parameter, r + s + x + 1, apart / (nearer + y)) / (nearer + y) ** (r + s + x))

    left = s / (r + s + x) * (term(t_x) - term(age))
    rising = np.prod(r + np.arange(x)) * alpha**r * beta**s
    likelihood = rising * ((alpha + age) ** -(r + x) * (beta + age) ** -s + left)
    assert model.log_likelihood(one(x, t_x, age))[0] == pytest.approx(np.log(likelihood), rel=1e-10)


def test_silence_and_purchases_are_the_means_over_rates_and_lifetimes() -> None:
    model, age, horizon = ParetoNBD(0.8, 12.0, 0.7, 20.0), 0.0, 15.0
    newcomer = one(0, 0, age)
    rates, leaving = gamma(model.r, scale=1 / model.alpha), gamma(model.s, scale=1 / model.beta)

    # Over quantiles, so that the poles of the densities at 0 do no harm.
    nodes, widths = np.polynomial.legendre.leggauss(400)
    quantiles, weights = (nodes + 1) / 2, widths / 2

    def silent(rate: Floats, leave: Floats) -> Floats:
        return (leave + rate * np.exp(-(rate + leave) * horizon)) / (rate + leave)

    def purchases(rate: Floats, leave: Floats) -> Floats:
        return -rate * np.expm1(-leave * horizon) / leave

    for function, expected in (
        (silent, model.probability_of_none(newcomer, horizon=horizon)[0]),
        (purchases, model.expected_purchases(newcomer, horizon=horizon)[0]),
    ):
        mean = weights @ function(rates.ppf(quantiles)[:, None], leaving.ppf(quantiles)) @ weights
        assert expected == pytest.approx(mean, abs=1e-4)


def test_expected_purchases_pass_smoothly_where_the_closed_form_divides_by_zero() -> None:
    history = several((0, 0, 20), (5, 18, 20))
    below, at, above = (ParetoNBD(0.5, 10, s, 12).expected_purchases(history, horizon=30) for s in (1 - 1e-6, 1.0, 1 + 1e-6))
    assert at == pytest.approx((below + above) / 2, rel=1e-9)


def test_the_slopes_of_the_likelihood_are_those_of_its_values() -> None:
    history = several((0, 0, 30), (1, 4, 30), (3, 10, 11), (7, 11, 11), (400, 900, 1000))
    point = np.array([0.7, 8.0, 0.9, 5.0])
    _, slopes = _mean_likelihood(history, point)
    for position in range(4):
        step = np.zeros(4)
        step[position] = 1e-6 * point[position]
        above, below = (_mean_likelihood(history, moved)[0] for moved in (point + step, point - step))
        assert slopes[position] == pytest.approx((above - below) / (2 * step[position]), rel=1e-5, abs=1e-7)


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(*(st.floats(-5, 4),) * 4),
    history=st.tuples(st.integers(0, 3000), st.floats(0, 1), st.floats(0, 4000)),
)
def test_any_history_gives_finite_and_bounded_expectations(shape: tuple[float, ...], history: tuple[int, float, float]) -> None:
    r, alpha, s, beta = (float(value) for value in np.exp(shape))
    x, last, age = history
    model = ParetoNBD(r, alpha * 10, s, beta * 10)
    buyer = one(x, last * age if x else 0.0, age)
    orders, none = model.expected_purchases(buyer, horizon=90)[0], model.probability_of_none(buyer, horizon=90)[0]
    assert 0 <= model.probability_alive(buyer)[0] <= 1
    assert -1e-9 <= none <= 1
    assert 1 - none <= orders + 1e-9
    assert orders <= (r + x) / (alpha * 10 + age) * 90 * (1 + 1e-9)


def test_silence_makes_activity_less_likely_and_a_long_history_does_not_break_it() -> None:
    alive = PUBLISHED.probability_alive(several(*((1500.0, 3000.0 - silence, 3000.0) for silence in (0, 5, 20, 80, 2000))))
    assert alive[0] > 0.99
    assert np.all(np.diff(alive) < 0)
    assert 0 <= alive[-1] < 1e-12


def test_a_fit_depends_neither_on_the_order_of_buyers_nor_on_how_they_are_counted() -> None:
    order = np.random.default_rng(1).permutation(SAMPLE.age.size)
    shuffled = PurchaseHistory(SAMPLE.repeats[order], SAMPLE.recency[order], SAMPLE.age[order])
    assert fit_pareto(shuffled) == fit_pareto(SAMPLE) == fit_pareto(shuffled.distinct()[0])
