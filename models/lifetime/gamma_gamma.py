"""Gamma-Gamma: how much a buyer spends per purchase.

The values of one buyer's purchases are gamma with shape p and a rate of the buyer's own, which varies between buyers by a
gamma law (shape q, rate v): Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value, after Colombo & Jiang (1999).
With the mean m of x purchases the likelihood is

    L = Γ(px+q) / (Γ(px) Γ(q)) · v^q · m^(px-1) · x^(px) / (v+mx)^(px+q)

and the expected value of a purchase E[M | m, x] = p(v+mx) / (px+q-1): the buyer's own mean, shrunk towards everyone's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.lifetime.fitting import maximise
from models.panel import Floats

# The second parameter is q - 1: only above 1 does the population have a mean.
_LOWEST: Final = np.array([1e-2, 1e-2, 1e-6])
_HIGHEST: Final = np.array([1e4, 1e3, 1e4])
_STARTS: Final = ((5.0, 2.0, 0.5), (1.0, 1.0, 1.0))


@dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma.

    Args:
        p: Shape of one buyer's purchase values; the larger, the more alike they are.
        q: Shape of the rate between buyers, above 1.
        v: Rate parameter of that law, in currency units.
    """

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """Expected value of a purchase of a buyer nothing is known of."""
        return self.p * self.v / (self.q - 1)

    def log_likelihood(self, purchases: Floats, mean_value: Floats) -> Floats:
        """Return the log-likelihood of each buyer's mean value of at least one purchase."""
        return _likelihood(purchases, mean_value, np.array([self.p, self.q - 1, self.v]))[0]

    def expected_value(self, purchases: Floats, mean_value: Floats) -> Floats:
        """Expect the value of a purchase, in currency units; without purchases everyone's mean."""
        total = np.where(purchases > 0, purchases * np.nan_to_num(mean_value), 0.0)
        return self.p * (self.v + total) / (self.p * purchases + self.q - 1)


def fit_gamma_gamma(purchases: Floats, mean_value: Floats, *, buyers: Floats | None = None) -> GammaGamma:
    """Fit by maximum likelihood to buyers with at least one purchase and a mean value above 0; others are ignored.

    Args:
        purchases: Purchases of each buyer.
        mean_value: Their mean value, in currency units; null as NaN.
        buyers: Buyers behind each row; None stands for one each.
    """
    has_value = (purchases > 0) & (np.nan_to_num(mean_value) > 0)
    weights = np.ones_like(purchases) if buyers is None else buyers
    # Sorted, so that the sums do not depend on the order of the buyers in their last bits.
    order = np.lexsort((weights[has_value], mean_value[has_value], purchases[has_value]))
    x, m, shares = (column[has_value][order] for column in (purchases, mean_value, weights))
    shares = shares / np.sum(shares)
    # v is in currency units: starts and bounds are in multiples of the mean value.
    unit = np.array([1.0, 1.0, float(np.sum(shares * m))])

    def mean_likelihood(parameters: Floats) -> tuple[float, Floats]:
        value, gradient = _likelihood(x, m, parameters)
        return float(np.sum(shares * value)), np.array([float(np.sum(shares * slope)) for slope in gradient])

    starts = [np.array(start) * unit for start in _STARTS]
    p, q_above_one, v = maximise(mean_likelihood, starts, lowest=_LOWEST * unit, highest=_HIGHEST * unit)
    return GammaGamma(float(p), 1 + float(q_above_one), float(v))


def _likelihood(x: Floats, m: Floats, parameters: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
    """Return each buyer's log-likelihood, and its slopes by p, q and v."""
    from scipy.special import digamma, gammaln

    p, q, v = float(parameters[0]), 1 + float(parameters[1]), float(parameters[2])
    counts, count_of_row = np.unique(x, return_inverse=True)
    shape, log_total = p * x, np.log(x) + np.log(m)
    log_rate = np.log(v + m * x)
    gammas = (gammaln(p * counts + q) - gammaln(p * counts) - gammaln(q))[count_of_row]
    value = gammas + q * np.log(v) + shape * log_total - np.log(m) - (shape + q) * log_rate
    digamma_total, digamma_own = digamma(p * counts + q)[count_of_row], digamma(p * counts)[count_of_row]
    by_p = x * (digamma_total - digamma_own + log_total - log_rate)
    by_q = digamma_total - digamma(q) + np.log(v) - log_rate
    by_v = q / v - (shape + q) / (v + m * x)
    return value, (by_p, by_q, by_v)
