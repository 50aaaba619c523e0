"""Shares of small groups: intervals that stay within 0 and 1, differences, and shares drawn towards that of all."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

# 95 % intervals.
_Z: Final = 1.959963984540054
# A group of so many members is believed as much as the share of all groups together.
SHRINKAGE_MEMBERS: Final = 20.0


@dataclass(frozen=True)
class Estimate:
    """A share or a difference of shares with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, members: float) -> Estimate:
    """Return a share with Wilson's score interval (Wilson 1927).

    Args:
        successes: Members of whom it holds.
        members: All members; more than 0.
    """
    share, z2 = successes / members, _Z * _Z
    centre = (share + z2 / (2 * members)) / (1 + z2 / members)
    half = _Z / (1 + z2 / members) * sqrt(share * (1 - share) / members + z2 / (4 * members * members))
    # At 0 and 1 rounding would put the end a hair beyond the share.
    return Estimate(share, min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share))


def difference(successes: int, members: int, successes_before: int, members_before: int) -> Estimate:
    """Return the difference of two independent shares with Newcombe's hybrid score interval (Newcombe 1998, method 10).

    Args:
        successes: Members of the first group of whom it holds.
        members: All of that group; more than 0.
        successes_before: The same of the second group, which is subtracted.
        members_before: All of that group; more than 0.
    """
    now, before = wilson(successes, members), wilson(successes_before, members_before)
    value = now.value - before.value
    low = value - sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    high = value + sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Estimate(value, low, high)


def shrunk(successes: int, members: int, *, share_of_all: float) -> Estimate:
    """Return a group's share drawn towards the share of all, as if `SHRINKAGE_MEMBERS` more of the average kind were in it.

    Args:
        successes: Members of the group of whom it holds.
        members: All of the group; may be 0.
        share_of_all: The share of all groups together, 0 to 1.
    """
    return wilson(successes + SHRINKAGE_MEMBERS * share_of_all, members + SHRINKAGE_MEMBERS)
