"""BG/NBD and MBG/NBD: buyers buy at random until, after some purchase, they leave for good.

While active, a buyer purchases at a constant rate λ; after each purchase the buyer leaves with probability p. λ varies
between buyers by a gamma law (shape r, rate α), p by a beta law (a, b).

- BG/NBD: Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2). Nobody leaves right
  after the first purchase, so a one-time buyer is active with certainty.
- MBG/NBD: Batislam, Denizel & Filiztekin (2007), Empirical validation and comparison of models for customer base analysis,
  International Journal of Research in Marketing 24(3). Buyers may leave after the first purchase too.

With n chances to leave survived (n = x in BG/NBD, x + 1 in MBG/NBD) both have the likelihood

    L = Γ(r+x)/Γ(r) · α^r · B(a, b+n)/B(a, b) · [ (α+T)^-(r+x) + [n>0] · a/(b+n-1) · (α+t_x)^-(r+x) ]

whose first term is the buyers who are still active and whose second is those who left after their last purchase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from models.calibration import logistic
from models.lifetime.fitting import maximise
from models.lifetime.history import PurchaseHistory
from models.panel import Floats

BetaGeometricKind = Literal["bg_nbd", "mbg_nbd"]

_LOWEST: Final = np.array([1e-3, 1e-4, 1e-3, 1e-3])
# r and a stay where the hypergeometric function is accurate to 1e-8; at these values buyers are as good as alike.
_HIGHEST: Final = np.array([30.0, 1e4, 100.0, 1e4])
_STARTS: Final = ((0.5, 0.2, 0.5, 1.5), (1.5, 1.0, 0.2, 3.0))
# Distinct histories on which the first fit is done.
_THINNED_ROWS: Final = 10_000
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(16)
# scipy's hypergeometric function overflows near 1 where r - a is whole; this far from it, it is accurate to 1e-7.
_STEP_ASIDE: Final = 1e-8


@dataclass(frozen=True)
class BetaGeometric:
    """A fitted BG/NBD or MBG/NBD.

    Args:
        kind: Which of the two.
        r: Shape of the purchase rate; the smaller, the more buyers differ.
        alpha: Rate parameter of the purchase rate, in the unit of time; the mean rate is r / α.
        a: First parameter of the chance to leave, whose mean is a / (a + b).
        b: Second parameter of the chance to leave.
    """

    kind: BetaGeometricKind
    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, history: PurchaseHistory) -> Floats:
        """Return the log-likelihood of each row."""
        return _Likelihood(self.kind, history).of_rows(np.array([self.r, self.alpha, self.a, self.b]))[0]

    def probability_alive(self, history: PurchaseHistory) -> Floats:
        """Return the probability of still being active.

        In BG/NBD it is 1 for every one-time buyer, so it ranks badly: use expected purchases.
        """
        survived = _chances_survived(self.kind, history.repeats)
        # Both branches are evaluated: 1 instead of 0 keeps the unused one free of logarithms of negative numbers.
        return np.where(survived > 0, logistic(-self._log_odds_left(history, np.maximum(survived, 1.0))), 1.0)

    def expected_purchases(self, history: PurchaseHistory, *, horizon: float) -> Floats:
        """Expect purchases over the horizon after the night, in its unit of time.

        The papers' closed form divides by a - 1 and, for large x, multiplies the huge by the tiny. Instead the expected rate
        of an active buyer at time u after the night,

            (r+x)/(α+T) · (1+w)^-a · 2F1(a, a+b+n-x-1-r; a+b+n; w/(1+w)),   w = u/(α+T),

        is summed over u by Gauss-Legendre quadrature in log(1 + w); all of its terms are small for any x.
        """
        from scipy.special import hyp2f1

        survived = _chances_survived(self.kind, history.repeats)
        distance_to_integer = abs(self.r - self.a - round(self.r - self.a))
        step_aside = _STEP_ASIDE if distance_to_integer < _STEP_ASIDE / 2 else 0
        second = self.a + self.b - 1 - self.r + (survived - history.repeats) + step_aside
        width = np.log1p(horizon / (self.alpha + history.age)) / 2
        total = np.zeros_like(width)
        for node, weight in zip(_NODES, _NODE_WEIGHTS, strict=True):
            log_growth = width * (node + 1)
            rate = hyp2f1(self.a, second, self.a + self.b + survived, -np.expm1(-log_growth))
            total += weight * rate * np.exp((1 - self.a) * log_growth)
        return self.probability_alive(history) * (self.r + history.repeats) * width * total

    def probability_of_none(self, history: PurchaseHistory, *, horizon: float) -> Floats:
        """Return the probability of no purchase over the horizon: having left already, or being active and silent."""
        start = self.alpha + history.age
        buys_if_active = -np.expm1(-(self.r + history.repeats) * np.log1p(horizon / start))
        return 1 - self.probability_alive(history) * buys_if_active

    def _log_odds_left(self, history: PurchaseHistory, survived: Floats) -> Floats:
        silence = np.log((self.alpha + history.age) / (self.alpha + history.recency))
        return np.log(self.a / (self.b + survived - 1)) + (self.r + history.repeats) * silence


def fit_beta_geometric(history: PurchaseHistory, kind: BetaGeometricKind) -> BetaGeometric:
    """Fit by maximum likelihood; some buyer must have a repeat purchase and an age above 0.

    Equal rows are counted once. The optimum on every k-th row is the start for the fit on all rows.
    """
    distinct, _ = history.distinct()
    scale = float(np.average(distinct.age, weights=distinct.weights))
    unit = np.array([1.0, scale, 1.0, 1.0])
    starts = [np.array(start) * unit for start in _STARTS]
    bounds = {"lowest": _LOWEST * unit, "highest": _HIGHEST * unit}
    thinned = distinct.every(-(-distinct.age.size // _THINNED_ROWS))
    approximate = maximise(_Likelihood(kind, thinned).mean, starts, **bounds)
    r, alpha, a, b = maximise(_Likelihood(kind, distinct).mean, [approximate], **bounds)
    return BetaGeometric(kind, float(r), float(alpha), float(a), float(b))


class _Likelihood:
    """The likelihood of one set of histories; what does not depend on the parameters is computed once."""

    def __init__(self, kind: BetaGeometricKind, history: PurchaseHistory) -> None:
        self.history = history
        self.shares = history.weights / np.sum(history.weights)
        self.counts, self.count_of_row = np.unique(history.repeats, return_inverse=True)
        self.survived = _chances_survived(kind, self.counts)

    def mean(self, parameters: Floats) -> tuple[float, Floats]:
        """Return the mean over buyers, and its gradient."""
        value, gradient = self.of_rows(parameters)
        return float(np.sum(self.shares * value)), np.array([float(np.sum(self.shares * slope)) for slope in gradient])

    def of_rows(self, parameters: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
        """Return each row's log-likelihood, and its slopes by r, α, a and b."""
        from scipy.special import digamma, gammaln

        r, alpha, a, b = (float(parameter) for parameter in parameters)
        x, n = self.counts, self.survived
        shape = (r + x)[self.count_of_row]
        log_age, log_recency = np.log(alpha + self.history.age), np.log(alpha + self.history.recency)
        # Where n is 0 nobody can have left; the denominator 1 only avoids a division by zero there.
        may_leave, denominator = n > 0, np.where(n > 0, b + n - 1, 1.0)
        log_left_factor = np.where(may_leave, np.log(a / denominator), -np.inf)[self.count_of_row]
        active_term, left_term = -shape * log_age, log_left_factor - shape * log_recency
        log_bracket = np.logaddexp(active_term, left_term)
        active_share = np.exp(active_term - log_bracket)
        left_share = 1 - active_share
        # Functions of x alone are computed once per distinct count, as they are the expensive ones.
        beta_ratio = gammaln(b + n) - gammaln(b) - gammaln(a + b + n) + gammaln(a + b)
        constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + beta_ratio
        by_r = (
            (digamma(r + x) - digamma(r) + np.log(alpha))[self.count_of_row] - active_share * log_age - left_share * log_recency
        )
        by_alpha = r / alpha - shape * (active_share / (alpha + self.history.age) + left_share / (alpha + self.history.recency))
        common = digamma(a + b) - digamma(a + b + n)
        by_a = common[self.count_of_row] + left_share / a
        by_b = (common + digamma(b + n) - digamma(b))[self.count_of_row] - left_share / denominator[self.count_of_row]
        return constant[self.count_of_row] + log_bracket, (by_r, by_alpha, by_a, by_b)


def _chances_survived(kind: BetaGeometricKind, repeats: Floats) -> Floats:
    """Count the chances to leave that an active buyer has passed (n)."""
    return repeats if kind == "bg_nbd" else repeats + 1
