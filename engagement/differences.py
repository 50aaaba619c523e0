"""The difference of two arms: how large it is, how sure, and the bounds around it.

Everything comes from what each row adds to the difference (its influence): summed by cluster they give the variance of any
design, weighted or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engagement.adjustment import Floats

Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

ALPHA: Final = 0.05
TUNED_FOR: Final = 2_000
_PAIR: Final = 2
_ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class Difference:
    """First arm minus second.

    Args:
        estimate: Weighted mean of the first arm minus that of the second.
        standard_error: None where it cannot be known: fewer than two units in an arm, or no variation at all.
        freedom: Degrees of freedom (Welch-Satterthwaite over the units that were randomised).
        units: Units that were randomised, both arms: clusters, or members without them.
    """

    estimate: float
    standard_error: float | None
    freedom: float
    units: int

    @property
    def p(self) -> float | None:
        """Return the two-sided p value of no difference."""
        from scipy import stats

        if self.standard_error is None:
            return None
        return float(2 * stats.t.sf(abs(self.estimate) / self.standard_error, self.freedom))

    def interval(self, *, alpha: float = ALPHA) -> tuple[float, float] | tuple[None, None]:
        """Return the interval of a difference that is looked at once (Welch 1947)."""
        from scipy import stats

        return self._around(float(stats.t.ppf(1 - alpha / 2, self.freedom)))

    def sequence(self, *, alpha: float = ALPHA, tuned_for: int = TUNED_FOR) -> tuple[float, float] | tuple[None, None]:
        """Return the bounds that hold at all looks together, however many there are.

        Asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), theorem 2.2, narrowest when
        `tuned_for` units have been seen. That number is fixed: chosen anew at each look, the promise would not hold.
        """
        from scipy import special, stats

        # Lambert's W gives the best rho in closed form (their appendix B).
        rho_squared = -(special.lambertw(-(alpha**2) / np.e, k=-1).real + 1) / tuned_for
        seen = self.units * rho_squared
        errors = np.sqrt(2 * (seen + 1) / seen * np.log(np.sqrt(seen + 1) / alpha))
        # Normal errors are too few while an arm is small: as many of Student's t have the same tail.
        return self._around(float(stats.t.isf(stats.norm.sf(errors), self.freedom)))

    def _around(self, errors: float) -> tuple[float, float] | tuple[None, None]:
        if self.standard_error is None:
            return None, None
        return self.estimate - errors * self.standard_error, self.estimate + errors * self.standard_error


def difference(
    outcome: Floats, is_first: Bools, *, weights: Floats | None = None, clusters: Integers | None = None
) -> Difference:
    """Compare two arms; both need at least one row.

    Args:
        outcome: One value per row, adjusted or not.
        is_first: Whether the row is in the first arm.
        weights: Of each row within its arm; None for equal ones.
        clusters: Number of each row's cluster; None when members were randomised. The standard error is then cluster-robust,
            with the small-sample correction of Bell & McCaffrey (2002, CR2). Without clusters it is Welch's.
    """
    weights = np.ones_like(outcome) if weights is None else weights
    numbers = np.arange(outcome.size) if clusters is None else clusters
    first, second = (
        _Arm.of(outcome[arm], weights[arm], numbers[arm], highest=int(numbers.max())) for arm in (is_first, ~is_first)
    )
    estimate, units = first.mean - second.mean, np.unique(numbers).size
    # A cluster with members in both arms adds one sum, so what its members share cancels.
    variance = float(((first.sums - second.sums) ** 2).sum())
    if min(first.units, second.units) < _PAIR or variance <= 0:
        return Difference(estimate, None, 1.0, units)
    parts = [(float((arm.sums**2).sum()), arm.units - 1) for arm in (first, second)]
    freedom = sum(part for part, _ in parts) ** 2 / sum(part**2 / left for part, left in parts)
    return Difference(estimate, float(np.sqrt(variance)), freedom, units)


@dataclass(frozen=True)
class _Arm:
    """One arm: its mean, its units, and per cluster the sum of what the rows add to the mean, by cluster number."""

    mean: float
    units: int
    sums: Floats

    @classmethod
    def of(cls, outcome: Floats, weights: Floats, numbers: Integers, *, highest: int) -> _Arm:
        mean, whole = float(np.average(outcome, weights=weights)), float(weights.sum())
        away = outcome - mean
        # Rounding of equal values is no variation.
        away[np.abs(away) < _ROUNDING * abs(mean)] = 0.0
        sums = np.bincount(numbers, weights=weights * away, minlength=highest + 1) / whole
        leverage = np.bincount(numbers, weights=weights, minlength=highest + 1) / whole
        # A mean leans towards its own clusters, the large ones most; without clusters this is the n - 1 of a variance.
        return cls(mean, np.unique(numbers).size, np.asarray(sums / np.sqrt(np.maximum(1 - leverage, _ROUNDING))))
