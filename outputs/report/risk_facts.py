"""What the report says about leaving and coming back, and by what members have their tiers, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NEARLY_ALL: Final = 0.8


@dataclass(frozen=True)
class Outlook:
    """What is expected of the members who are still here, or of those who are gone.

    Args:
        members: How many they are.
        low: How many of them have a low risk of leaving, or of staying away.
        medium: A medium one.
        high: A high one.
        leaving: How many of them are expected to be without activity over the horizon: the sum of their probabilities.
        high_previous: `high` of the night before; None where it is not known.
    """

    members: int
    low: int
    medium: int
    high: int
    leaving: float
    high_previous: int | None = None

    @property
    def staying(self) -> float:
        """Return how many are expected to be active over the horizon."""
        return self.members - self.leaving

    @property
    def nearly_all_leave(self) -> bool:
        """Return whether nearly all are expected to leave, so that nearly everybody's risk is high."""
        return self.members > 0 and self.leaving >= NEARLY_ALL * self.members


@dataclass(frozen=True)
class Risk:
    """How many may leave, and how many may come back.

    Args:
        horizon_days: Leaving means no activity for so many days; a member silent for that long is gone.
        eligible_days: Members are scored who were active in so many days.
        still_here: Those active within the horizon.
        gone: The others.
        medium_from: The probability from which risk is medium; None where it depends on the community's mean.
        high_from: The same for high.
    """

    horizon_days: int
    eligible_days: int
    still_here: Outlook
    gone: Outlook
    medium_from: float | None = None
    high_from: float | None = None

    @property
    def everybody(self) -> Outlook:
        """Return both kinds of members together."""
        here, gone = self.still_here, self.gone
        return Outlook(
            here.members + gone.members,
            here.low + gone.low,
            here.medium + gone.medium,
            here.high + gone.high,
            here.leaving + gone.leaving,
        )


@dataclass(frozen=True)
class TierRule:
    """By what members have their tiers.

    Args:
        is_money: Whether they rank by money; otherwise by contribution.
        has_weights: Whether the configuration sets the weights, so that they rank by neither alone.
        eligible_days: Members silent for so many days or longer are regular.
        diamond: The share of the comparison group that enters it, the best first.
        gold: The same, those of diamond among them.
        silver: The same, those of diamond and gold among them.
    """

    is_money: bool
    has_weights: bool
    eligible_days: int
    diamond: float
    gold: float
    silver: float
