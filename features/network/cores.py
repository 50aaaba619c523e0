"""Where members stand in the network: in its core, with how much given back, and whom they reach."""

from __future__ import annotations

from typing import Final

import numpy as np

from features.network.graph import Floats, Ints, Network

_STEPS: Final = 2


def core_numbers(network: Network) -> Ints:
    """Return the core number of each member: the largest k so that they are among members who each have ties with k of them.

    Source: Seidman, "Network structure and minimum degree", 1983.
    """
    from sknetwork.topology import get_core_decomposition

    numbers: Ints = get_core_decomposition(_ones(network)).astype(np.int64)
    return numbers


def reciprocity(network: Network) -> Floats:
    """Return the share of the members to whom each member responds who respond to them; NaN for who responds to nobody."""
    given = np.bincount(network.giver, minlength=network.size)
    returned = np.bincount(network.giver[network.returned >= 0], minlength=network.size)
    share: Floats = np.divide(returned, given, out=np.full(network.size, np.nan), where=given > 0)
    return share


def audience(network: Network, position: int) -> Ints:
    """Return the positions of who responds to a member, sorted."""
    return np.sort(network.giver[network.receiver == position])


def reach(network: Network, position: int, *, steps: int = _STEPS) -> int:
    """Return how many other members a member reaches: who responds to them, and who responds to those, and so on.

    Args:
        network: The network.
        position: The member's.
        steps: How many times.
    """
    is_reached = np.zeros(network.size, dtype=bool)
    is_reached[position] = True
    for _ in range(steps):
        is_reached[network.giver[is_reached[network.receiver]]] = True
    return int(is_reached.sum()) - 1


def _ones(network: Network) -> object:
    both = network.undirected()
    both.data = np.ones(len(both.data))
    return both
