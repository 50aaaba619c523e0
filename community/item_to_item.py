"""Scores of pieces by who else came to them: item-to-item similarity with BM25 weights.

A piece is a document and the members who came to it are its words: a member who comes to everything says little, and a piece
that everybody comes to is not similar to everything.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_SATURATION: Final = 1.2
_LENGTH_WEIGHT: Final = 0.75


def item_to_item_scores(
    came_member: npt.NDArray[np.int64],
    came_item: npt.NDArray[np.int64],
    came_days: npt.NDArray[np.float64],
    *,
    shape: tuple[int, int],
    members: npt.NDArray[np.int64],
    candidates: int,
) -> npt.NDArray[np.float64]:
    """Return members × candidates: the similarity of each candidate to all that the member came to; 0 where nothing is shared.

    Source: BM25, Robertson & Zaragoza, "The Probabilistic Relevance Framework", 2009; its weights make the rows of a similarity
    of items, whose inner products are summed.

    Args:
        came_member: Member of each pair of member and item, each pair once, sorted by member and item.
        came_item: Item of each pair.
        came_days: Days on which the member came to the item.
        shape: Number of members and of items.
        members: The members to score for.
        candidates: Items to score: the first ones.
    """
    from scipy.sparse import csr_array

    if not len(came_member):
        return np.zeros((len(members), candidates))
    weights = _weights(came_member, came_item, came_days, shape)
    items_of_member = csr_array((weights, (came_member, came_item)), shape=shape)
    came = csr_array((np.ones(len(came_member)), (came_member, came_item)), shape=shape)
    # Members × members first: who came to the same pieces. Their pieces are similar to the member's.
    alike = came[members] @ items_of_member.T
    return np.asarray((alike @ items_of_member[:, :candidates]).todense())


def _weights(
    came_member: npt.NDArray[np.int64],
    came_item: npt.NDArray[np.int64],
    came_days: npt.NDArray[np.float64],
    shape: tuple[int, int],
) -> npt.NDArray[np.float64]:
    """Return the BM25 weight of each pair."""
    items_of_member = np.bincount(came_member, minlength=shape[0])
    rarity = np.log1p((shape[1] - items_of_member + 0.5) / (items_of_member + 0.5))
    length = np.bincount(came_item, weights=came_days, minlength=shape[1])
    # Every item counts for the mean, as every document does; those nobody came to have length 0.
    relative = length / length.mean()
    damping = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * relative[came_item])
    weights: npt.NDArray[np.float64] = rarity[came_member] * came_days * (_SATURATION + 1) / (came_days + damping)
    return weights
