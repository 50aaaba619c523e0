"""Shares with intervals: Wilson's of one share, Newcombe's of the difference of two, wider where many are looked at.

Sources: Wilson (1927); Newcombe (1998), method 10; Bonferroni's correction.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Final

Z95: Final = NormalDist().inv_cdf(0.975)


def z_for(comparisons: int) -> float:
    """Return the width of a 95 % interval, in standard errors, when so many are looked at together; at least one."""
    return NormalDist().inv_cdf(1 - 0.025 / max(1, comparisons))


def wilson(hits: float, trials: float, *, z: float = Z95) -> tuple[float, float]:
    """Return the interval of a share.

    Args:
        hits: How often it happened.
        trials: Out of how many times, above 0.
        z: The width in standard errors.
    """
    share, width = hits / trials, z**2 / trials
    middle = (share + width / 2) / (1 + width)
    half = z * sqrt(share * (1 - share) / trials + width / (4 * trials)) / (1 + width)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(hits: float, trials: float, other_hits: float, other_trials: float, *, z: float = Z95) -> tuple[float, float]:
    """Return the interval of the first share minus the second; all trials above 0."""
    first, second = hits / trials, other_hits / other_trials
    (low, high), (other_low, other_high) = wilson(hits, trials, z=z), wilson(other_hits, other_trials, z=z)
    gap = first - second
    return gap - sqrt((first - low) ** 2 + (other_high - second) ** 2), gap + sqrt(
        (high - first) ** 2 + (second - other_low) ** 2
    )


def is_more(hits: float, trials: float, other_hits: float, other_trials: float, *, z: float = Z95) -> bool | None:
    """Return whether the first share is above the second; None where their difference may be chance, or one has no trial."""
    if not trials or not other_trials:
        return None
    low, high = difference(hits, trials, other_hits, other_trials, z=z)
    return True if low > 0 else False if high < 0 else None
