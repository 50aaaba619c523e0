"""Counts beside what was expected of them, as ratios drawn towards 1 by as much as chance makes them vary.

A group's count is Poisson with a rate of ratio × expected, spread wider than that by a dispersion; ratios are Gamma distributed
with mean 1 between groups. The variance of that Gamma is estimated by moments; it is 0, and every ratio 1, where the groups
differ no more than chance makes them.

Sources: Gamma-Poisson shrinkage as in Clayton & Kaldor (1987); moments as in DerSimonian & Laird (1986), the mean being known;
dispersion as of quasi-likelihood, McCullagh & Nelder (1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ratios:
    """Ratios of counts to what was expected, one element per group.

    Args:
        ratio: The shrunk ratio.
        low: Lower end of its interval.
        high: Upper end.
    """

    ratio: Floats
    low: Floats
    high: Floats


def dispersion(counts: Floats, expected: Floats) -> float:
    """Return how many times wider counts spread than Poisson ones; at least 1.

    Args:
        counts: One count per unit that is independent of the others.
        expected: What was expected of each.
    """
    total = float(expected.sum())
    return max(1.0, float(((counts - expected) ** 2).sum()) / total) if total > 0 else 1.0


def shrink(counts: Floats, expected: Floats, *, spread: float | Floats, z: float) -> Ratios:
    """Estimate the ratio of each group.

    Args:
        counts: One count per group.
        expected: What was expected of each; 0 gives a ratio of 1.
        spread: The dispersion of the counts, one for all groups or one for each.
        z: The width of the intervals in standard errors of a normal distribution.
    """
    variance = _variance_between(counts, expected, spread=spread)
    if variance <= 0:
        ones = np.ones(len(counts))
        return Ratios(ones, ones, ones)
    from scipy.special import gammaincinv

    shape, rate = 1 / variance + counts / spread, 1 / variance + expected / spread
    tail = 1 - NormalDist().cdf(z)
    low, high = (np.asarray(gammaincinv(shape, at) / rate, dtype=np.float64) for at in (tail, 1 - tail))
    return Ratios(shape / rate, low, high)


def _variance_between(counts: Floats, expected: Floats, *, spread: float | Floats) -> float:
    """Return the variance of the true ratios between groups, by moments."""
    is_known = expected > 0
    weight = (expected / spread)[is_known]
    if len(weight) < 2:  # noqa: PLR2004 - one group differs from no other
        return 0.0
    distance = counts[is_known] / expected[is_known] - 1
    # All ratios together average to 1, which costs one degree of freedom.
    excess = float((weight * distance**2).sum()) - (len(weight) - 1)
    return max(0.0, excess / float(weight.sum()))
