from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import betaln, hyp2f1

from models.lifetime.beta_geometric import BetaGeometric, BetaGeometricKind, fit_beta_geometric
from models.lifetime.history import PurchaseHistory
from models.panel import Floats
from tests.models.lifetimes import cdnow, one, several

SAMPLE, _ = cdnow("CDNOW_sample.txt")
MASTER, _ = cdnow("CDNOW_master.txt")
PUBLISHED = BetaGeometric("bg_nbd", 0.243, 4.414, 0.793, 2.426)
KINDS: tuple[BetaGeometricKind, ...] = ("bg_nbd", "mbg_nbd")


def _parameters(model: BetaGeometric) -> list[float]:
    return [model.r, model.alpha, model.a, model.b]


def test_it_finds_the_published_parameters_of_the_cdnow_sample() -> None:
    model = fit_beta_geometric(SAMPLE, "bg_nbd")
    assert _parameters(model) == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=6e-4)
    assert model.log_likelihood(SAMPLE).sum() == pytest.approx(-9582.4, abs=0.05)


@pytest.mark.parametrize(
    ("kind", "known"), [("bg_nbd", [0.2516, 4.789, 0.7234, 2.161]), ("mbg_nbd", [0.637, 7.310, 0.807, 1.228])]
)
def test_it_finds_the_known_parameters_of_the_whole_cdnow_cohort(kind: BetaGeometricKind, known: list[float]) -> None:
    assert _parameters(fit_beta_geometric(MASTER, kind)) == pytest.approx(known, abs=6e-4)


def test_it_expects_the_purchases_of_the_papers_example() -> None:
    assert PUBLISHED.expected_purchases(one(2, 30.43, 38.86), horizon=39)[0] == pytest.approx(1.226, abs=1e-3)


def test_expected_purchases_follow_the_papers_closed_form() -> None:
    model, history, t = PUBLISHED, several((0, 0, 20), (2, 30.43, 38.86), (29, 38, 38.9)), 39.0
    r, alpha, a, b, x = model.r, model.alpha, model.a, model.b, history.repeats
    z = t / (alpha + history.age + t)
    shrinkage = ((alpha + history.age) / (alpha + history.age + t)) ** (r + x)
    active = (a + b + x - 1) / (a - 1) * (1 - shrinkage * hyp2f1(r + x, b + x, a + b + x - 1, z))
    gone = np.where(x > 0, a / (b + x - 1) * ((alpha + history.age) / (alpha + history.recency)) ** (r + x), 0.0)
    assert model.expected_purchases(history, horizon=t) == pytest.approx(active / (1 + gone), rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parameters", [(0.4, 9.0, 1.0, 2.0), (2.0, 30.0, 0.05, 0.4), (0.9, 70.0, 2.0, 970.0)])
def test_expectations_are_the_mean_over_chances_to_leave(
    kind: BetaGeometricKind, parameters: tuple[float, float, float, float]
) -> None:
    r, alpha, a, b = parameters
    x, t_x, age, horizon = 6.0, 150.0, 190.0, 90.0
    survived = x if kind == "bg_nbd" else x + 1
    model = BetaGeometric(kind, r, alpha, a, b)

    def purchases_of_an_active_buyer(u: float) -> float:
        # Over u = p ** a, in which the density has no pole at 0.
        p = max(u ** (1 / a), 1e-12)
        density = np.exp((b + survived - 1) * np.log1p(-p) - betaln(a, b + survived)) / a
        return float(density * -np.expm1(-(r + x) * np.log1p(p * horizon / (alpha + age))) / p)

    expected, _ = quad(purchases_of_an_active_buyer, 0, 1 - 1e-12, points=[1e-4, 1e-2], limit=400)
    history = one(x, t_x, age)
    alive = model.probability_alive(history)[0]
    assert model.expected_purchases(history, horizon=horizon)[0] == pytest.approx(alive * expected, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_likelihoods_of_all_outcomes_of_a_newcomer_add_up(kind: BetaGeometricKind) -> None:
    # Density of one purchase at t, summed over t, and the chance of none make up all but two or more purchases.
    model, age = BetaGeometric(kind, 0.8, 5.0, 0.6, 1.9), 3.0
    none = float(np.exp(model.log_likelihood(one(0, 0, age)))[0])
    newcomer = one(0, 0, 0)
    assert none == pytest.approx(model.probability_of_none(newcomer, horizon=age)[0])
    single, _ = quad(lambda t: float(np.exp(model.log_likelihood(one(1, t, age)))[0]), 0, age)
    assert none + single < 1
    tiny = 1e-4
    rate = 1 - np.exp(model.log_likelihood(one(0, 0, tiny)))[0]
    assert model.expected_purchases(newcomer, horizon=tiny)[0] == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_slopes_of_the_likelihood_are_those_of_its_values(kind: BetaGeometricKind) -> None:
    history = several((0, 0, 30), (1, 4, 30), (3, 10, 11), (400, 900, 1000))
    point = np.array([0.7, 8.0, 0.9, 2.5])
    value, slopes = _at(kind, history, point)
    for position in range(4):
        step = np.zeros(4)
        step[position] = 1e-6 * point[position]
        rise = (_at(kind, history, point + step)[0] - _at(kind, history, point - step)[0]) / (2 * step[position])
        assert slopes[position] == pytest.approx(rise, rel=1e-5, abs=1e-7)
    assert np.isfinite(value)


def _at(kind: BetaGeometricKind, history: PurchaseHistory, point: Floats) -> tuple[float, Floats]:
    from models.lifetime.beta_geometric import _Likelihood

    return _Likelihood(kind, history).mean(point)


def test_one_time_buyers_are_surely_active_in_bg_nbd_alone() -> None:
    never_returned = one(0, 0, 500)
    assert BetaGeometric("bg_nbd", 0.5, 10, 0.8, 2.5).probability_alive(never_returned)[0] == 1
    assert BetaGeometric("mbg_nbd", 0.5, 10, 0.8, 2.5).probability_alive(never_returned)[0] < 0.5


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(*(st.floats(-5, 3),) * 2, st.floats(-5, 4), st.floats(-5, 8)),
    history=st.tuples(st.integers(0, 3000), st.floats(0, 1), st.floats(0, 4000)),
)
def test_any_history_gives_finite_and_bounded_expectations(
    kind: BetaGeometricKind, shape: tuple[float, ...], history: tuple[int, float, float]
) -> None:
    r, alpha, a, b = np.exp(shape)
    x, last, age = history
    model = BetaGeometric(kind, float(r), float(alpha) * 10, float(a), float(b))
    buyer = one(x, last * age if x else 0.0, age)
    orders = model.expected_purchases(buyer, horizon=90)[0]
    none = model.probability_of_none(buyer, horizon=90)[0]
    assert 0 <= none <= 1
    # Markov: one purchase or more is no likelier than purchases are many; and nobody beats their own rate for ever.
    assert 1 - none <= orders + 1e-9
    assert orders <= (model.r + x) / (model.alpha + age) * 90 * (1 + 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_depends_neither_on_the_order_of_buyers_nor_on_how_they_are_counted(kind: BetaGeometricKind) -> None:
    order = np.random.default_rng(1).permutation(SAMPLE.age.size)
    shuffled = PurchaseHistory(SAMPLE.repeats[order], SAMPLE.recency[order], SAMPLE.age[order])
    shared, row_of_each = shuffled.distinct()
    assert shared.age.size < SAMPLE.age.size == shared.weights.sum()
    assert np.array_equal(shared.recency[row_of_each], shuffled.recency)
    assert fit_beta_geometric(shuffled, kind) == fit_beta_geometric(SAMPLE, kind) == fit_beta_geometric(shared, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_buyers_who_never_leave_are_fitted_without_a_chance_to_leave(kind: BetaGeometricKind) -> None:
    random = np.random.default_rng(2)
    age = random.uniform(50, 100, 3000)
    repeats = random.poisson(random.gamma(4.0, 0.1, 3000) * age).astype(float)
    history = PurchaseHistory(repeats, np.where(repeats > 0, age * random.beta(np.maximum(repeats, 1), 1), 0), age)
    model = fit_beta_geometric(history, kind)
    assert model.a / (model.a + model.b) < 0.005
    assert model.r / model.alpha == pytest.approx(0.4, rel=0.05)
