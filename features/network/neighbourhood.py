"""The neighbourhood of a member: who responds to them or is responded to by them, and the same of those, strongest ties first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from features.network.graph import Floats, Ints, Network

MOST_MEMBERS: Final = 60
MOST_DIRECT: Final = 24


@dataclass(frozen=True)
class Neighbourhood:
    """A member and the members around them; one element per member, the member first, then direct neighbours, then theirs.

    Args:
        positions: The positions of the members in the network.
        parent: The place in `positions` of the direct neighbour who leads to each; 0 for those, -1 for the member.
        weight: The weight of the tie that leads to each, both directions together; 0 for the member.
        direct: How many direct neighbours the member has, those left out included.
    """

    positions: Ints
    parent: Ints
    weight: Floats
    direct: int

    def ties(self, network: Network) -> tuple[Ints, Ints, Floats]:
        """Return the ties between any two of the members: both places, the first smaller, and weight; the strongest first.

        Args:
            network: The network.
        """
        among = np.triu(network.undirected()[self.positions][:, self.positions].toarray(), 1)
        first, second = np.nonzero(among)
        weight = among[first, second]
        order = np.lexsort((second, first, -weight))
        return first[order].astype(np.int64), second[order].astype(np.int64), weight[order]


def neighbourhood(network: Network, position: int, *, most: int = MOST_MEMBERS, most_direct: int = MOST_DIRECT) -> Neighbourhood:
    """Return a member with at most two steps of neighbours, the strongest ties first; of equal ones the lower number.

    Args:
        network: The network.
        position: The member's.
        most: The most members, the member among them.
        most_direct: The most direct neighbours; the others may be neighbours of those.
    """
    both = network.undirected()
    neighbours, weight = _row(both, position)
    shown = _strongest(weight, neighbours, min(most_direct, most - 1))
    direct, direct_weight = neighbours[shown], weight[shown]
    found = _second_step(both, direct, np.append(neighbours, position), most - 1 - len(direct))
    return Neighbourhood(
        positions=np.concatenate([[position], direct, found[0]]).astype(np.int64),
        parent=np.concatenate([[-1], np.zeros(len(direct)), found[1]]).astype(np.int64),
        weight=np.concatenate([[0.0], direct_weight, found[2]]),
        direct=len(neighbours),
    )


def _second_step(both: Any, direct: Ints, known: Ints, most: int) -> tuple[Ints, Ints, Floats]:
    """Return the neighbours of neighbours by their strongest tie: position, place of whom it leads from, weight."""
    best: dict[int, tuple[float, int]] = {}
    for place, one in enumerate(direct.tolist(), start=1):
        for other, weight in zip(*(part.tolist() for part in _row(both, one)), strict=True):
            if weight > best.get(other, (0.0, 0))[0]:
                best[other] = (weight, place)
    for one in known.tolist():
        best.pop(one, None)
    chosen = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[: max(most, 0)]
    return (
        np.array([one for one, _ in chosen], np.int64),
        np.array([place for _, (_, place) in chosen], np.int64),
        np.array([weight for _, (weight, _) in chosen], np.float64),
    )


def _row(both: Any, position: int) -> tuple[Ints, Floats]:
    begin, end = both.indptr[position], both.indptr[position + 1]
    return both.indices[begin:end].astype(np.int64), both.data[begin:end]


def _strongest(weight: Floats, positions: Ints, most: int) -> Ints:
    return np.lexsort((positions, -weight))[:most].astype(np.int64)
