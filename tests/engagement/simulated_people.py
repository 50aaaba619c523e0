"""Members with known truth: how often they are active, when they leave, and what a contact does to them.

All chances come from one table of random numbers, so that a member can be lived through again without a contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

HORIZON: Final = 28
REMEMBERED: Final = 30
_WELCOME_CONTACTS: Final = 2


@dataclass(frozen=True)
class People:
    """Who the members are, and everything that chance decides of them.

    Args:
        rate: Chance of being active on a day.
        hazard: Chance of leaving on a day.
        value: What the member is worth.
        response: One row per action: how much of the hazard a contact takes away.
        chance: Per day and member three random numbers: of leaving, of coming back, of being active.
    """

    rate: Floats
    hazard: Floats
    value: Floats
    response: Floats
    chance: Floats

    @classmethod
    def born(cls, n: int, random: np.random.Generator, *, days: int, actions: int, is_effective: bool) -> People:
        """Draw members for so many days and actions."""
        response = random.beta(2, 2, (actions, n)) if is_effective else np.zeros((actions, n))
        return cls(
            rate=np.clip(np.exp(random.normal(-2.6, 1.0, n)), 0.01, 0.9),
            hazard=np.clip(np.exp(random.normal(-5.0, 0.8, n)), 0.0005, 0.05),
            value=random.lognormal(3.0, 1.0, n),
            response=response,
            chance=random.random((days, n, 3)),
        )

    def live(self, who: Integers, day: Integers, is_here: Truths, sent: Floats, *, annoys: bool) -> tuple[Truths, Truths]:
        """Live one day.

        Args:
            who: The members.
            day: The day of each.
            is_here: Whether each has not left.
            sent: Contacts of each by campaign on the last thirty days, this one included: (campaigns, days, members).
            annoys: Whether too many contacts do harm.

        Returns:
            Who is here after the day, and who was active on it.
        """
        chance, ours = self.chance[day, who], sent[:-1]
        heard = ours[:, -HORIZON:].any(axis=1)
        saved = 1 - np.prod(1 - self.response[:, who] * heard, axis=0)
        called = (self.response[:, who] * ours[:, -1]).max(axis=0, initial=0.0)
        is_annoyed = annoys & (sent.sum(axis=(0, 1)) > _WELCOME_CONTACTS)
        hazard = self.hazard[who] * (1 - saved) * np.where(is_annoyed, 2.0, 1.0)
        here = np.where(is_here, chance[:, 0] >= hazard, chance[:, 1] < 0.5 * called)
        rate = self.rate[who] * (1 + saved) * np.where(is_annoyed, 0.7, 1.0)
        return here, here & (chance[:, 2] < rate)

    def churn_probability(self, recency: Integers) -> Floats:
        """The chance of no activity in the horizon, by rate, hazard and silent days; it knows of no contacts."""
        stays = (1 - self.hazard) * (1 - self.rate)
        left = self.hazard * (1 - stays**recency) / (1 - stays)
        is_here = stays**recency / (stays**recency + left)
        silent = stays**HORIZON + self.hazard * (1 - stays**HORIZON) / (1 - stays)
        return np.asarray(np.clip(1 - is_here * (1 - silent), 1e-6, 1 - 1e-6))
