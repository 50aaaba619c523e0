"""Opinion leaders as a team: the members who together reach most of the community, and what is lost when one of them leaves."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from features.network.graph import Ints, Network

# A leader has to add at least this share of the members of the network, and so many of them.
_LEAST_SHARE_ADDED: Final = 0.01
_FEWEST_ADDED: Final = 2


@dataclass(frozen=True)
class Team:
    """The opinion leaders.

    Args:
        positions: Their positions in the network, who adds most first.
        added: How many members each reaches whom those before do not reach.
        alone: How many members each reaches whom nobody else of the team reaches: the reach that is lost when they leave.
        members: The members of the network.
    """

    positions: tuple[int, ...]
    added: tuple[int, ...]
    alone: tuple[int, ...]
    members: int

    @property
    def reached(self) -> int:
        """Return how many members the team reaches."""
        return sum(self.added)


def choose_team(network: Network, candidates: Ints, *, most: int, fewest_added: int | None = None) -> Team:
    """Choose the members who together reach the most others; a member reaches who responds to them.

    Greedy choice reaches at least 63 % of what the best team of the size reaches (Nemhauser, Wolsey and Fisher, 1978). What a
    candidate adds only falls as the team grows, so that most need not be counted again (Leskovec et al., "Cost-effective
    outbreak detection in networks", 2007). Of equal candidates the one with the lower number is chosen.

    Args:
        network: The network.
        candidates: The positions of those who may be chosen.
        most: The most members of the team.
        fewest_added: A further member has to reach so many whom the team does not; by default 1 % of the network, at least 2.
    """
    least = max(_FEWEST_ADDED, round(network.size * _LEAST_SHARE_ADDED)) if fewest_added is None else fewest_added
    reaches = _reaches(network, candidates)
    is_reached = np.zeros(network.size, dtype=bool)
    positions: list[int] = []
    added: list[int] = []
    # Every entry is a bound: what the candidate added to a smaller team.
    bounds = [(-len(reached), position) for position, reached in reaches.items()]
    heapq.heapify(bounds)
    while bounds and len(positions) < most:
        _, position = heapq.heappop(bounds)
        adds = int((~is_reached[reaches[position]]).sum())
        if bounds and (-adds, position) > bounds[0]:
            heapq.heappush(bounds, (-adds, position))
            continue
        if adds < least:
            break
        positions.append(position)
        added.append(adds)
        is_reached[reaches[position]] = True
    alone = _alone(network.size, [reaches[position] for position in positions])
    return Team(tuple(positions), tuple(added), alone, network.size)


def _reaches(network: Network, candidates: Ints) -> dict[int, Ints]:
    """Return for each candidate the positions of who responds to them."""
    order = np.lexsort((network.giver, network.receiver))
    starts = np.searchsorted(network.receiver[order], np.arange(network.size + 1))
    givers = network.giver[order]
    return {int(one): givers[starts[one] : starts[one + 1]] for one in np.sort(candidates)}


def _alone(size: int, reaches: Sequence[Ints]) -> tuple[int, ...]:
    times = np.zeros(size, np.int64)
    for reached in reaches:
        times[reached] += 1
    return tuple(int((times[reached] == 1).sum()) for reached in reaches)
