"""Communities: groups of members who respond to each other more than to others, that stay the same from night to night.

A fresh partition is computed every night, and the one of the night before is kept as long as it is nearly as good: fresh ones of
nearly equal quality place many members elsewhere, which would look like news and is none.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from features.network.graph import Ints, Network

NONE: Final = -1
# How much better a fresh partition has to be, in modularity.
_BETTER_BY: Final = 0.02
# How much more of a member's ties has to lead to another group before the member moves there.
_MOVES_FROM: Final = 0.5
_ROUNDS: Final = 3
_SEED: Final = 7


def partition(network: Network, before: Ints) -> tuple[Ints, bool]:
    """Return the group of each member, and whether the groups were made anew; groups may be as small as one member.

    Source of a fresh partition: Traag, Waltman and van Eck, "From Louvain to Leiden", 2019. Ties are weighed by both directions
    together.

    Args:
        network: The network.
        before: The group of each member on the night before, as a number from 0; -1 for members of none.

    Returns:
        Group of each member as a number; groups that are carried on have the number they have in `before`, others a higher one.
    """
    both = network.undirected()
    fresh = _fresh(both)
    if (before == NONE).all():
        return fresh, True
    kept = _carried_on(both, before, fresh)
    is_better = modularity(both, fresh) > modularity(both, kept) + _BETTER_BY
    return (fresh, True) if is_better else (kept, False)


def modularity(both: Any, community: Ints) -> float:
    """Return the modularity of a partition: the share of weight inside groups beyond what chance gives; 0 without ties.

    Source: Newman, "Analysis of weighted networks", 2004.

    Args:
        both: The symmetric matrix of the network.
        community: The group of each member.
    """
    total = float(both.sum())
    if total == 0:
        return 0.0
    degree = np.asarray(both.sum(axis=1)).ravel()
    by_community = np.bincount(community, weights=degree)
    rows = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    inside = float(both.data[community[rows] == community[both.indices]].sum())
    return inside / total - float(((by_community / total) ** 2).sum())


def _fresh(both: Any) -> Ints:
    from sknetwork.clustering import Leiden

    if both.nnz == 0:
        return np.arange(both.shape[0], dtype=np.int64)
    # Nodes are visited in the order of their numbers, so that equal networks have equal communities.
    leiden = Leiden(modularity="newman", shuffle_nodes=False, return_probs=False, return_aggregate=False, random_state=_SEED)
    fresh: Ints = leiden.fit_predict(both).astype(np.int64)
    return fresh


def _carried_on(both: Any, before: Ints, fresh: Ints) -> Ints:
    """Carry on the groups of the night before: who is new joins, and who belongs elsewhere by far moves.

    New members who have ties with new members alone are in the groups of the fresh partition.
    """
    community = before
    for _ in range(_ROUNDS):
        moved = _moved(both, community)
        if (moved == community).all():
            break
        community = moved
    return np.where(community == NONE, int(before.max()) + 1 + fresh, community)


def _moved(both: Any, community: Ints) -> Ints:
    """Move who has far more to do with another group, beyond what chance gives two groups of their sizes."""
    from scipy.sparse import csr_matrix

    has_one = np.flatnonzero(community != NONE)
    shape = (len(community), int(community.max()) + 1)
    membership = csr_matrix((np.ones(len(has_one)), (has_one, community[has_one])), shape=shape)
    degree = np.asarray(both.sum(axis=1)).ravel()
    of_group = np.bincount(community[has_one], weights=degree[has_one], minlength=shape[1])
    beyond = (both @ membership).tocsr()
    beyond.sort_indices()
    rows = np.repeat(np.arange(shape[0]), np.diff(beyond.indptr))
    is_own = community[rows] == beyond.indices
    # A member's own ties are no part of the group that it would leave.
    others = of_group[beyond.indices] - np.where(is_own, degree[rows], 0.0)
    beyond.data = beyond.data - degree[rows] * others / degree.sum()
    own = np.zeros(shape[0])
    own[rows[is_own]] = beyond.data[is_own]
    best, most = _largest_in_row(beyond)
    moves = np.where(community == NONE, most > 0, most - own > _MOVES_FROM * degree)
    return np.where(moves, best, community)


def _largest_in_row(matrix: Any) -> tuple[Ints, np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the column and the value of the largest entry of each row, the first of equal ones; 0 for an empty row."""
    column, value = np.zeros(matrix.shape[0], np.int64), np.zeros(matrix.shape[0])
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        value[filled] = np.maximum.reduceat(matrix.data, matrix.indptr[filled])
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        at = np.flatnonzero(matrix.data == value[rows])
        # Written backwards, so that the first of equal ones is written last.
        column[rows[at[::-1]]] = matrix.indices[at[::-1]]
    return column, value
