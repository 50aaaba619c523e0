"""Rings: small groups whose members are responded to almost only by each other, and far more than is usual between two members.

A ring is found by what others do not do: nearly everything its members receive comes from inside, in ties that go both ways. Such
ties are discounted before influence is measured, and rings are shown as counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from features.network.graph import Flags, Ints, Network

# A tie is heavy from so many times the median tie between members who respond to each other.
_HEAVY: Final = 4.0
# Share of what a member receives that comes from inside.
_FROM_INSIDE: Final = 0.8
_MOST_MEMBERS: Final = 25
# The fewest ties that go both ways for their median to say what is usual.
_FEWEST_TIES: Final = 20


@dataclass(frozen=True)
class Rings:
    """The rings of a network.

    Args:
        ring: The ring of each member, numbered from 0 by its first member; -1 for members of none.
        network: The network with the ties inside rings counting no more than the median tie.
    """

    ring: Ints
    network: Network

    @property
    def sizes(self) -> tuple[int, ...]:
        """Return the number of members of each ring, the largest first."""
        return tuple(sorted(np.bincount(self.ring[self.ring >= 0]).tolist(), reverse=True))


def find_rings(network: Network) -> Rings:
    """Find the rings of a network, and discount the ties inside them.

    Args:
        network: The network.
    """
    is_heavy, back = _heavy_both_ways(network), network.returned
    ring = np.full(network.size, -1, np.int64)
    if is_heavy.any():
        ring = _rings(network, is_heavy)
    inside = (ring[network.giver] >= 0) & (ring[network.giver] == ring[network.receiver]) & (back >= 0)
    if not inside.any():
        return Rings(ring, network)
    usual = float(np.median(network.weight))
    return Rings(ring, network.reweighed(np.where(inside, np.minimum(network.weight, usual), network.weight)))


def _heavy_both_ways(network: Network) -> Flags:
    back = network.returned
    is_mutual = back >= 0
    if is_mutual.sum() < _FEWEST_TIES:
        return np.zeros(len(network.weight), dtype=bool)
    lighter = np.where(is_mutual, np.minimum(network.weight, network.weight[back]), 0.0)
    heavy: Flags = lighter >= _HEAVY * np.median(lighter[is_mutual])
    return heavy


def _rings(network: Network, is_heavy: Flags) -> Ints:
    """Return the ring of each member: members are left out until everybody left receives enough from their own group."""
    received = np.bincount(network.receiver, weights=network.undiscounted, minlength=network.size)
    giver, receiver, weight = network.giver[is_heavy], network.receiver[is_heavy], network.weight[is_heavy]
    is_in = np.zeros(network.size, dtype=bool)
    is_in[receiver] = True
    while is_in.any():
        between = is_in[giver] & is_in[receiver]
        inside = np.bincount(receiver[between], weights=weight[between], minlength=network.size)
        stays = is_in & (inside >= _FROM_INSIDE * received) & (inside > 0)
        if (stays == is_in).all():
            break
        is_in = stays
    between = is_in[giver] & is_in[receiver]
    return _small_groups(network.size, giver[between], receiver[between], is_in)


def _small_groups(size: int, giver: Ints, receiver: Ints, is_in: Flags) -> Ints:
    """Number the connected groups of at most so many members by their first member."""
    group = np.arange(size)
    while True:
        # Ties go both ways, so that the lowest number of a group reaches all of it.
        lowest = group.copy()
        np.minimum.at(lowest, receiver, group[giver])
        if (lowest == group).all():
            break
        group = lowest
    sizes = np.bincount(group, minlength=size)
    is_ring = is_in & (sizes[group] <= _MOST_MEMBERS) & (sizes[group] > 1)
    ring = np.full(size, -1, np.int64)
    ring[is_ring] = np.unique(group[is_ring], return_inverse=True)[1]
    return ring
