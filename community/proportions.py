"""Shares of small groups with their 95 % intervals (`community.shares`), and shares drawn towards that of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from community import shares

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
    share = successes / members
    low, high = shares.wilson(successes, members)
    # At 0 and 1 rounding would put the end a hair beyond the share.
    return Estimate(share, min(low, share), max(high, share))


def difference(successes: int, members: int, successes_before: int, members_before: int) -> Estimate:
    """Return the difference of two independent shares with Newcombe's hybrid score interval (Newcombe 1998, method 10).

    Args:
        successes: Members of the first group of whom it holds.
        members: All of that group; more than 0.
        successes_before: The same of the second group, which is subtracted.
        members_before: All of that group; more than 0.
    """
    low, high = shares.difference(successes, members, successes_before, members_before)
    return Estimate(successes / members - successes_before / members_before, low, high)


def shrunk(successes: int, members: int, *, share_of_all: float) -> Estimate:
    """Return a group's share drawn towards the share of all, as if `SHRINKAGE_MEMBERS` more of the average kind were in it.

    Args:
        successes: Members of the group of whom it holds.
        members: All of the group; may be 0.
        share_of_all: The share of all groups together, 0 to 1.
    """
    return wilson(successes + SHRINKAGE_MEMBERS * share_of_all, members + SHRINKAGE_MEMBERS)
