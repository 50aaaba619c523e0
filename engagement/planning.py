"""How many members, and how many days, an experiment needs before it can show what one hopes for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engagement.differences import ALPHA
from engagement.experiments import POWER, detectable

DURATIONS_DAYS: Final = (7, 14, 28, 56, 91, 182)


@dataclass(frozen=True)
class Past:
    """What the community's own past says of an outcome.

    Args:
        mean: Of the outcome, without any campaign.
        variance: Of the outcome between members.
        correlation: Of the outcome with the same quantity in the window before.
        members_per_day: Members who would enter the experiment on a day.
    """

    mean: float
    variance: float
    correlation: float
    members_per_day: float


@dataclass(frozen=True)
class Plan:
    """An experiment with two arms of equal size.

    Args:
        effect: The effect wished for, in units of the outcome.
        relative: The same as a share of the mean; None when that is 0.
        members_per_arm: Members each arm needs; None when nothing varies.
        days: Days until so many have entered and their outcomes have matured; None when nobody enters.
        smallest_effects: Days of entering → the smallest effect that can be found then; None where nobody enters.
    """

    effect: float
    relative: float | None
    members_per_arm: int | None
    days: int | None
    smallest_effects: Mapping[int, float | None]


def plan(past: Past, *, effect: float, horizon_days: int, durations_days: Sequence[int] = DURATIONS_DAYS) -> Plan:
    """Plan an experiment for an effect: 80 % power at a two-sided level of .05, after CUPED (normal approximation).

    Args:
        past: What is known of the outcome.
        effect: The effect wished for, not 0.
        horizon_days: Days an outcome takes to mature.
        durations_days: Days of entering to say the smallest effect for.
    """
    from scipy import stats

    variance = past.variance * (1 - past.correlation**2)
    errors = float(stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER))
    members = math.ceil(2 * variance * (errors / effect) ** 2) if variance > 0 else None
    days = None
    if members is not None and past.members_per_day > 0:
        days = math.ceil(2 * members / past.members_per_day) + horizon_days
    return Plan(
        effect=effect,
        relative=effect / past.mean if past.mean else None,
        members_per_arm=members,
        days=days,
        smallest_effects={length: _smallest(variance, length * past.members_per_day) for length in durations_days},
    )


def _smallest(variance: float, members: float) -> float | None:
    """Return the effect that so many members, half in each arm, can show."""
    return detectable(math.sqrt(4 * variance / members)) if members > 0 and variance > 0 else None
