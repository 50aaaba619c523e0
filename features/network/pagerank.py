"""PageRank: what a member has who is responded to by those who are responded to."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from features.network.graph import Floats, Network

DAMPING: Final = 0.85
_TOLERANCE: Final = 1e-9
_MOST_ROUNDS: Final = 500


def pagerank(network: Network) -> Floats:
    """Return the PageRank of each member, in the order of the positions; they add up to 1.

    Everybody passes on what they have to whom they respond, in shares of the weights of their ties; who responds to nobody
    passes it on to all alike, and so does a member of a ring what the discount of the ring takes. Source: Page, Brin, Motwani
    and Winograd, "The PageRank citation ranking", 1999.

    Args:
        network: The network.
    """
    size = network.size
    passed, to_all = _passed_on(network)
    rank = np.full(size, 1 / max(size, 1))
    for _ in range(_MOST_ROUNDS):
        spread = DAMPING * float((rank * to_all).sum()) + 1 - DAMPING
        following = DAMPING * (passed @ rank) + spread / size
        change = float(np.abs(following - rank).sum())
        rank = following
        if change < _TOLERANCE:
            break
    return rank


def _passed_on(network: Network) -> tuple[Any, Floats]:
    """Return the share of each giver that each receiver has, with a row per receiver, and the share that goes to all alike."""
    given = np.bincount(network.giver, weights=network.undiscounted, minlength=network.size)
    share = network.weight / given[network.giver]
    kept = np.bincount(network.giver, weights=share, minlength=network.size)
    passed = network.matrix(share).T.tocsr()
    # Sums of fractions depend on their order.
    passed.sort_indices()
    return passed, np.where(given > 0, np.maximum(1.0 - kept, 0.0), 1.0)
