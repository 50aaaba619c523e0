"""Limits that lie inside each other, an action inside its channel inside the total, and what one place of each is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

NOTHING: Final = -1
TOTAL: Final = 0


@dataclass(frozen=True)
class NestedLimits:
    """How many members each limit may still take: the total first, then channels, then actions.

    Args:
        room: One value per limit; infinite where there is no limit.
        parents: The limit around each limit, always an earlier one; the total has none, -1.
        n_actions: The last so many limits are those of the actions, in the order of the columns of gains.
    """

    room: Floats
    parents: Integers
    n_actions: int

    @classmethod
    def of(
        cls,
        actions: Sequence[str],
        *,
        total: int | None,
        rooms: Mapping[str, int | None],
        channels: Mapping[str, int | None],
        channel_of: Mapping[str, str],
    ) -> NestedLimits:
        """Nest limits given by name; a name that is missing has no limit."""
        names = sorted(channels)
        around = [names.index(channel_of[action]) + 1 if channel_of.get(action) in names else TOTAL for action in actions]
        given = [total, *(channels[name] for name in names), *(rooms.get(action) for action in actions)]
        return cls(
            np.array([np.inf if most is None else float(most) for most in given]),
            np.array([-1, *[TOTAL] * len(names), *around]),
            len(actions),
        )

    @property
    def within(self) -> Truths:
        """Which limits an action counts in: one row per action, one column per limit."""
        inside = np.eye(len(self.room), dtype=bool)
        for limit in range(1, len(self.room)):
            inside[limit] |= inside[self.parents[limit]]
        return inside[-self.n_actions :] if self.n_actions else inside[:0]

    @property
    def is_open(self) -> Truths:
        """Whether an action may take another member."""
        return np.asarray(~(self.within & (self.room <= 0)).any(axis=1))

    @property
    def most(self) -> float:
        """How many members all actions together can take at most."""
        room = self.room.copy()
        for limit in range(len(room) - 1, 0, -1):
            siblings = self.parents == self.parents[limit]
            room[self.parents[limit]] = min(self.room[self.parents[limit]], room[siblings].sum())
        return float(room[TOTAL])

    def counts(self, taken: Integers) -> Integers:
        """Count the members that each limit has taken."""
        per_action = np.bincount(taken[taken != NOTHING], minlength=self.n_actions)
        return np.asarray(per_action @ self.within.astype(np.int64))

    def after(self, taken: Integers) -> NestedLimits:
        """Give the limits that are left; a room below 0 says that too many were taken."""
        return replace(self, room=self.room - self.counts(taken))

    def per_action(self, prices: Floats) -> Floats:
        """Give each action's price, which includes those of the limits around it."""
        return np.asarray(self.within @ prices)

    def own_prices(self, worth: Floats) -> Floats:
        """Give each limit's own price, when one place of it and of the limits around it is worth at least so much."""
        worth = worth.copy()
        around = np.zeros(len(worth))
        for limit in range(1, len(worth)):
            around[limit] = worth[self.parents[limit]]
            worth[limit] = max(worth[limit], around[limit])
        return worth - around


def exchange_costs(gains: Floats, taken: Integers, limits: NestedLimits) -> Floats:
    """Find what it costs to take one place of a limit and give one of another in return, at an assignment of greatest gain.

    These bounds hold for the worth of a place at any right prices: nobody prefers another action, or none, to what it has; a
    place is worth at least as much as one of the limit around it, and exactly as much where the limit has room left. All are
    bounds of differences, so that the greatest differences are shortest paths (Floyd and Warshall), whatever solver found the
    assignment. No path away from a member's own action uses a bound of that member, so that it never sets its own price.

    One row per limit that is given and one, the last, for giving nothing; one column per limit that is taken, and for nothing.

    Args:
        gains: One row per member, one column per action; -inf where the action is not allowed.
        taken: The action of each member, or `NOTHING`.
        limits: What the assignment had to keep.
    """
    nothing = len(limits.room)
    actions = slice(nothing - limits.n_actions, nothing)
    around = np.where(limits.parents < 0, nothing, limits.parents)
    every = np.arange(nothing)
    costs = np.full((nothing + 1, nothing + 1), np.inf)
    costs[every, around] = 0.0
    has_room = limits.counts(taken) < limits.room
    costs[around[has_room], every[has_room]] = 0.0
    for action, node in enumerate(every[actions]):
        of_takers = gains[taken == action]
        if len(of_takers):
            own = of_takers[:, [action]]
            costs[nothing, node] = min(costs[nothing, node], own.min())
            costs[actions, node] = np.minimum(costs[actions, node], (own - of_takers).min(axis=0))
    best_left_out = gains[taken == NOTHING].max(axis=0, initial=-np.inf)
    costs[actions, nothing] = np.minimum(costs[actions, nothing], -best_left_out)
    for via in range(nothing + 1):
        costs = np.minimum(costs, costs[:, [via]] + costs[[via], :])
    np.fill_diagonal(costs, 0.0)
    return costs


def prices_of(costs: Floats, limits: NestedLimits) -> Floats:
    """Price one place of each limit by itself: what one place less would cost, the highest of all right prices.

    A limit without any place has no price of its own: its actions are closed.
    """
    worth = costs[-1, :-1]
    return limits.own_prices(np.where(np.isinf(worth), 0.0, worth))
