"""The population of the simulated community: archetypes, and the latent parameters of every member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]

NEVER: Final = 2**31 - 1
TOPICS: Final = ("garden", "kitchen", "trails", "workshop", "books", "music", "games", "photography")
SIDE_ACTIONS: Final = ("search", "post", "comment", "like", "share", "message", "event_signup", "poll_vote")
ACTIONS: Final = ("read", *SIDE_ACTIONS)
EVENT_TYPES: Final = ("login", *ACTIONS)

SHARE_JOINED_BEFORE_FIRST_DAY: Final = 0.4
SHARE_OF_THOSE_ALREADY_GONE: Final = 0.3
LONGEST_TENURE_DAYS: Final = 900
MEAN_ORDER_VALUE_SHAPE: Final = 4.0
MEAN_ORDER_VALUE_SCALE: Final = 18.0
ORDER_VALUE_SHAPE: Final = 6.0
ORDER_RATE_SHAPE: Final = 0.9


@dataclass(frozen=True)
class Archetype:
    """A kind of member; rates are means over the members of that kind.

    Args:
        name: Its name in the truth.
        share: Share of all members.
        sessions_per_day: Mean sessions per day without a decline.
        sessions_shape: Shape of the gamma distribution of the personal rate; the smaller, the more skewed.
        actions_per_session: Mean actions in a session after the login.
        diversity: Mean share of those actions that are not reading.
        mix: Relative weight of each of `SIDE_ACTIONS`.
        orders_per_day: Mean orders per day without a decline.
        hazard_ratio: Factor on the hazard of a decline.
        contact_effect: Mean extra sessions caused by a treatment within 7 days; a negative value is minus the probability that
            the member churns because of it.
    """

    name: str
    share: float
    sessions_per_day: float
    sessions_shape: float
    actions_per_session: float
    diversity: float
    mix: Sequence[float]
    orders_per_day: float
    hazard_ratio: float
    contact_effect: float


ARCHETYPES: Final = (
    Archetype("creator", 0.05, 0.70, 2.0, 5.0, 0.70, (4, 24, 26, 22, 8, 8, 5, 3), 1 / 120, 0.5, 0.05),
    Archetype("regular", 0.25, 0.30, 1.5, 3.0, 0.55, (8, 6, 28, 34, 6, 8, 6, 4), 1 / 90, 0.8, 0.30),
    Archetype("reader", 0.38, 0.15, 1.2, 2.5, 0.20, (30, 1, 8, 40, 5, 2, 6, 8), 1 / 250, 1.0, 0.20),
    Archetype("buyer", 0.17, 0.06, 1.2, 1.5, 0.25, (50, 1, 6, 18, 3, 3, 15, 4), 1 / 30, 0.8, 0.15),
    Archetype("passer_by", 0.15, 0.04, 1.0, 1.2, 0.15, (55, 3, 10, 20, 2, 2, 4, 4), 1 / 300, 1.8, -0.25),
)


@dataclass(frozen=True)
class Population:
    """The latent parameters of every member; one element per member, in the order of joining.

    Days count from the first simulated day; earlier ones are negative. `gone_before` is the day of churning before the first day,
    NEVER for members who are still active then. `action_odds` has one row per member: cumulative probabilities over ACTIONS.
    """

    archetype: Ints
    joined_day: Ints
    gone_before: Ints
    sessions_per_day: Floats
    actions_per_session: Floats
    diversity: Floats
    action_odds: Floats
    popularity: Floats
    orders_per_day: Floats
    mean_order_value: Floats
    hazard_ratio: Floats
    contact_effect: Floats
    satisfaction: Floats
    home_topic: Ints
    usual_hour: Floats
    is_weekender: Flags
    platform: Ints
    may_be_contacted: Flags

    @property
    def size(self) -> int:
        """Return the number of members."""
        return len(self.archetype)


def draw_population(rng: np.random.Generator, *, members: int, days: int) -> Population:
    """Draw the latent parameters of every member.

    Args:
        rng: Source of randomness.
        members: Number of members.
        days: Number of simulated days; members join until the last of them.
    """
    joined = _joined_days(rng, members=members, days=days)
    kind = rng.choice(len(ARCHETYPES), size=members, p=_archetype_values("share"))
    diversity = rng.beta(6 * _archetype_values("diversity")[kind], 6 * (1 - _archetype_values("diversity")[kind]))
    shape = _archetype_values("sessions_shape")[kind]
    effect = _archetype_values("contact_effect")[kind]
    return Population(
        archetype=kind,
        joined_day=joined,
        gone_before=_gone_before(rng, joined),
        sessions_per_day=rng.gamma(shape, _archetype_values("sessions_per_day")[kind] / shape),
        actions_per_session=_archetype_values("actions_per_session")[kind] * rng.gamma(8.0, 1 / 8, members),
        diversity=diversity,
        action_odds=_action_odds(kind, diversity),
        popularity=rng.lognormal(0.0, 1.0, members),
        orders_per_day=rng.gamma(ORDER_RATE_SHAPE, _archetype_values("orders_per_day")[kind] / ORDER_RATE_SHAPE),
        mean_order_value=ORDER_VALUE_SHAPE / rng.gamma(MEAN_ORDER_VALUE_SHAPE, 1 / MEAN_ORDER_VALUE_SCALE, members),
        hazard_ratio=_archetype_values("hazard_ratio")[kind],
        contact_effect=np.where(effect > 0, effect * rng.uniform(0.5, 1.5, members), effect),
        satisfaction=rng.normal(0.0, 1.0, members),
        home_topic=rng.choice(len(TOPICS), size=members, p=np.array([24, 18, 15, 12, 10, 9, 7, 5]) / 100),
        usual_hour=rng.choice([8.5, 13.0, 20.0, 24.5], size=members, p=[0.12, 0.30, 0.50, 0.08]),
        is_weekender=chance(rng, members, 0.12),
        platform=rng.choice(3, size=members, p=[0.72, 0.16, 0.12]),
        may_be_contacted=~chance(rng, members, 0.04),
    )


def chance(rng: np.random.Generator, size: int, probability: float | Floats) -> Flags:
    """Draw `size` booleans that are true with this probability.

    Args:
        rng: Source of randomness.
        size: Number of booleans.
        probability: One probability for all, or one for each.
    """
    return rng.random(size) < probability


def _archetype_values(name: str) -> Floats:
    return np.array([getattr(archetype, name) for archetype in ARCHETYPES], dtype=np.float64)


def _joined_days(rng: np.random.Generator, *, members: int, days: int) -> Ints:
    before = round(members * SHARE_JOINED_BEFORE_FIRST_DAY)
    earlier = -1 - np.floor(LONGEST_TENURE_DAYS * rng.beta(1.0, 1.5, before)).astype(np.int64)
    growth = np.linspace(1.0, 1.5, days)
    later = rng.choice(days, size=members - before, p=growth / growth.sum())
    return np.sort(np.concatenate([earlier, later]))


def _gone_before(rng: np.random.Generator, joined: Ints) -> Ints:
    is_gone = (joined < -1) & chance(rng, len(joined), SHARE_OF_THOSE_ALREADY_GONE)
    left_after = 1 + np.floor(rng.random(len(joined)) * (-joined - 1)).astype(np.int64)
    return np.where(is_gone, joined + left_after, NEVER)


def _action_odds(kind: Ints, diversity: Floats) -> Floats:
    mixes = np.array([archetype.mix for archetype in ARCHETYPES], dtype=np.float64)
    side = (mixes / mixes.sum(axis=1, keepdims=True))[kind] * diversity[:, None]
    odds = np.cumsum(np.column_stack([1 - diversity, side]), axis=1)
    # Rounding must not leave a gap above the last cumulative probability.
    odds[:, -1] = 1.0
    return odds
