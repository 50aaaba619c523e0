"""Pareto/NBD: buyers buy at random and leave at random, at any moment.

While active, a buyer purchases at a rate λ (gamma, shape r, rate α) and leaves at a rate μ (gamma, shape s, rate β):
Schmittlein, Morrison & Colombo (1987), Counting Your Customers: Who Are They and What Will They Do Next?, Management
Science 33(1); derived anew in Fader & Hardie (2005), A Note on Deriving the Pareto/NBD Model. The likelihood is

    L = Γ(r+x)/Γ(r) · α^r · β^s · [ (α+T)^-(r+x) · (β+T)^-s + ∫ from t_x to T of s · (α+y)^-(r+x) · (β+y)^-(s+1) dy ]

whose first term is the buyers who are still active and whose second sums over the moments y of leaving. The papers write
the integral as the difference of two hypergeometric functions, which for long histories are both huge and nearly equal; its
integrand is positive and smooth, so quadrature loses no digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.lifetime.fitting import maximise
from models.lifetime.history import PurchaseHistory
from models.panel import Floats

_LOWEST: Final = np.array([1e-3, 1e-4, 1e-3, 1e-4])
_HIGHEST: Final = np.array([100.0, 1e4, 100.0, 1e4])
_STARTS: Final = ((0.5, 0.2, 0.5, 0.5), (1.5, 1.0, 1.0, 3.0))
# Distinct histories on which the first fit is done.
_THINNED_ROWS: Final = 10_000
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(24)
# After a decay by this many natural logarithms (e^-37 is 1e-16) the integrand no longer changes a float sum.
_FULL_DECAY: Final = 37.0
_TINY: Final = 1e-300
# Rows × 24 nodes in memory at the same time: 1.5 MB an array.
_ROWS_AT_ONCE: Final = 8_192


@dataclass(frozen=True)
class ParetoNBD:
    """A fitted Pareto/NBD.

    Args:
        r: Shape of the purchase rate; the smaller, the more buyers differ.
        alpha: Rate parameter of the purchase rate, in the unit of time; the mean rate is r / α.
        s: Shape of the rate of leaving.
        beta: Rate parameter of the rate of leaving; the mean rate is s / β.
    """

    r: float
    alpha: float
    s: float
    beta: float

    def log_likelihood(self, history: PurchaseHistory) -> Floats:
        """Return the log-likelihood of each row."""
        from scipy.special import gammaln

        constant = gammaln(self.r + history.repeats) - gammaln(self.r) + self.r * np.log(self.alpha) + self.s * np.log(self.beta)
        active, left = self._log_terms(history)
        return np.asarray(constant + np.logaddexp(active, left), dtype=np.float64)

    def probability_alive(self, history: PurchaseHistory) -> Floats:
        """Return the probability of still being active."""
        active, left = self._log_terms(history)
        return np.exp(active - np.logaddexp(active, left))

    def expected_purchases(self, history: PurchaseHistory, *, horizon: float) -> Floats:
        """Expect purchases over the horizon after the night, in its unit of time.

        P(active) · (r+x)/(α+T) · (β+T) · [1 - ((β+T)/(β+T+h))^(s-1)] / (s-1), with its limit where s is 1.
        """
        # Where s is near 1 the power is near 1, and 1 - power would lose its digits; expm1 keeps them.
        growth = np.log1p(horizon / (self.beta + history.age))
        excess = self.s - 1
        time_active = growth if excess == 0 else -np.expm1(-excess * growth) / excess
        rate = (self.r + history.repeats) / (self.alpha + history.age)
        return self.probability_alive(history) * rate * (self.beta + history.age) * time_active

    def probability_of_none(self, history: PurchaseHistory, *, horizon: float) -> Floats:
        """Return the probability of no purchase over the horizon: having left already, or being active and silent.

        What is known of an active buyer's rates is gamma again: (r+x, α+T) and (s, β+T).
        """
        shape, alpha, beta = self.r + history.repeats, self.alpha + history.age, self.beta + history.age
        end = np.full_like(alpha, horizon)
        stays = -shape * np.log1p(horizon / alpha) - self.s * np.log1p(horizon / beta)
        leaves = (
            _log_leaving_integral(shape, alpha, self.s, beta, np.zeros_like(end), end)
            + shape * np.log(alpha)
            + self.s * np.log(beta)
        )
        silent_if_active = np.exp(np.logaddexp(stays, leaves))
        silent: Floats = 1 - self.probability_alive(history) * (1 - silent_if_active)
        return silent

    def _log_terms(self, history: PurchaseHistory) -> tuple[Floats, Floats]:
        shape = self.r + history.repeats
        active = -shape * np.log(self.alpha + history.age) - self.s * np.log(self.beta + history.age)
        alpha, beta = np.full_like(shape, self.alpha), np.full_like(shape, self.beta)
        return active, _log_leaving_integral(shape, alpha, self.s, beta, history.recency, history.age)


def fit_pareto(history: PurchaseHistory) -> ParetoNBD:
    """Fit by maximum likelihood; some buyer must have a repeat purchase and an age above 0.

    Equal rows are counted once. The optimum on every k-th row is the start for the fit on all rows.
    """
    distinct, _ = history.distinct()
    scale = float(np.average(distinct.age, weights=distinct.weights))
    unit = np.array([1.0, scale, 1.0, scale])
    starts = [np.array(start) * unit for start in _STARTS]
    bounds = {"lowest": _LOWEST * unit, "highest": _HIGHEST * unit}
    thinned = distinct.every(-(-distinct.age.size // _THINNED_ROWS))
    approximate = maximise(lambda parameters: _mean_likelihood(thinned, parameters), starts, **bounds)
    r, alpha, s, beta = maximise(lambda parameters: _mean_likelihood(distinct, parameters), [approximate], **bounds)
    return ParetoNBD(float(r), float(alpha), float(s), float(beta))


def _mean_likelihood(history: PurchaseHistory, parameters: Floats) -> tuple[float, Floats]:
    """Return the mean log-likelihood of a buyer, and its gradient by r, α, s and β."""
    from scipy.special import digamma, gammaln

    r, alpha, s, beta = (float(parameter) for parameter in parameters)
    shares = history.weights / np.sum(history.weights)
    counts, count_of_row = np.unique(history.repeats, return_inverse=True)
    gammas, digammas = gammaln(r + counts) - gammaln(r), digamma(r + counts) - digamma(r)
    constant = r * np.log(alpha) + s * np.log(beta)
    totals = np.zeros(5)
    for start in range(0, shares.size, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        count, share = count_of_row[rows], shares[rows]
        value, by_r, by_alpha, by_s, by_beta = _bracket_and_slopes(history, rows, r, alpha, s, beta)
        by_row = (
            gammas[count] + constant + value,
            digammas[count] + np.log(alpha) + by_r,
            r / alpha + by_alpha,
            np.log(beta) + by_s,
            s / beta + by_beta,
        )
        totals += [float(np.sum(share * each)) for each in by_row]
    return float(totals[0]), totals[1:]


def _bracket_and_slopes(  # noqa: PLR0917 - the model's four parameters in the papers' order
    history: PurchaseHistory, rows: slice, r: float, alpha: float, s: float, beta: float
) -> tuple[Floats, ...]:
    """Return the logarithm of the likelihood's bracket, and its slopes by r, α, s and β."""
    shape, age = r + history.repeats[rows], history.age[rows]
    nodes = _Nodes.between(shape, alpha, s, beta, history.recency[rows], age)
    active_term = -shape * np.log(alpha + age) - s * np.log(beta + age)
    # The largest logarithm is subtracted before exp, so that exp neither overflows nor loses the larger term.
    highest = np.maximum(active_term, np.max(nodes.log_integrand, axis=0))
    active_share, left_by_node = np.exp(active_term - highest), np.exp(nodes.log_integrand - highest)
    total = active_share + np.sum(left_by_node, axis=0)
    active_share, left_by_node = active_share / total, left_by_node / total
    left_share = np.sum(left_by_node, axis=0)
    by_r = -active_share * np.log(alpha + age) - np.sum(left_by_node * nodes.log_alpha, axis=0)
    by_alpha = -shape * (active_share / (alpha + age) + np.sum(left_by_node / (alpha + nodes.moment), axis=0))
    by_s = left_share / s - active_share * np.log(beta + age) - np.sum(left_by_node * nodes.log_beta, axis=0)
    by_beta = -s * active_share / (beta + age) - (s + 1) * np.sum(left_by_node / (beta + nodes.moment), axis=0)
    return highest + np.log(total), by_r, by_alpha, by_s, by_beta


def _log_leaving_integral(  # noqa: PLR0917 - as in the papers
    shape: Floats, alpha: Floats, s: float, beta: Floats, start: Floats, end: Floats
) -> Floats:
    """Return the logarithm of the integral over the moments of leaving, row by row."""
    log_integral = np.empty_like(shape)
    for first in range(0, shape.size, _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        nodes = _Nodes.between(shape[rows], alpha[rows], s, beta[rows], start[rows], end[rows])
        highest = np.max(nodes.log_integrand, axis=0)
        log_integral[rows] = highest + np.log(np.sum(np.exp(nodes.log_integrand - highest), axis=0))
    return log_integral


@dataclass(frozen=True)
class _Nodes:
    """Moments at which the integrand is taken; one row per node, one column per history.

    Args:
        moment: The moments y.
        log_alpha: log(α + y).
        log_beta: log(β + y).
        log_integrand: Logarithm of the integrand times the node's weight.
    """

    moment: Floats
    log_alpha: Floats
    log_beta: Floats
    log_integrand: Floats

    @classmethod
    def between(  # noqa: PLR0917 - as in the papers
        cls, shape: Floats, alpha: Floats | float, s: float, beta: Floats | float, start: Floats, end: Floats
    ) -> _Nodes:
        """Place Gauss-Legendre nodes in the logarithm of time since the nearer of the two poles, -α and -β.

        The last node lies where the integrand has decayed to nothing, so that a long history is not missed between nodes.
        """
        nearer = np.minimum(alpha, beta) + start
        # Distances at which either factor has decayed by e^-37; the exponent is bounded, so that expm1 does not overflow.
        by_purchases = (alpha + start) * np.expm1(np.minimum(_FULL_DECAY / shape, _FULL_DECAY))
        by_leaving = (beta + start) * np.expm1(min(_FULL_DECAY / s, _FULL_DECAY))
        width = np.log1p(np.minimum(end - start, np.minimum(by_purchases, by_leaving)) / nearer) / 2
        log_growth = width * (_NODES[:, None] + 1)
        moment = start + nearer * np.expm1(log_growth)
        log_alpha, log_beta = np.log(alpha + moment), np.log(beta + moment)
        # Where the last purchase is on the night itself the width is 0, whose logarithm would be infinite.
        log_weight = np.log(s * np.maximum(width, _TINY) * nearer) + np.log(_NODE_WEIGHTS)[:, None] + log_growth
        return cls(moment, log_alpha, log_beta, log_weight - shape * log_alpha - (s + 1) * log_beta)
