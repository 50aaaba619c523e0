"""The network of a night: members as positions, ties as arrays, from who responds to whom they respond."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Network:
    """Who responds to whom. One element per tie, sorted by giver and receiver; a member's position is that in `members`.

    Args:
        members: The numbers of all members with a tie, sorted.
        giver: The position of who responds.
        receiver: The position of whom they respond to.
        weight: What the tie counts for.
        undiscounted: What it counted for before ties within rings were discounted.
    """

    members: Ints
    giver: Ints
    receiver: Ints
    weight: Floats
    undiscounted: Floats

    @classmethod
    def of(cls, ties: pl.DataFrame) -> Self:
        """Return the network of weighed ties.

        Args:
            ties: One row per member_no and other_no, with a positive weight; in any order.
        """
        ties = ties.sort("member_no", "other_no")
        giver, receiver = (ties[name].to_numpy().astype(np.int64) for name in ("member_no", "other_no"))
        assert (giver != receiver).all(), "nobody has a tie to themselves"
        members = np.union1d(giver, receiver)
        weight = ties["weight"].to_numpy().astype(np.float64)
        return cls(members, np.searchsorted(members, giver), np.searchsorted(members, receiver), weight, weight)

    @property
    def size(self) -> int:
        """Return the number of members."""
        return len(self.members)

    @property
    def responders(self) -> Ints:
        """Return how many others responded to each member."""
        return np.bincount(self.receiver, minlength=self.size).astype(np.int64)

    def reweighed(self, weight: Floats) -> Self:
        """Return the same network with other weights; what the ties counted for before is kept."""
        other = replace(self, weight=weight)
        # The ties are the same, and looking each of them up takes seconds in a large network.
        other.__dict__["returned"] = self.returned
        return other

    def positions(self, members: Ints) -> Ints:
        """Return the positions of members; those without a tie are left out."""
        places = np.minimum(np.searchsorted(self.members, members), max(self.size - 1, 0))
        return places[self.members[places] == members] if self.size else np.empty(0, np.int64)

    @cached_property
    def returned(self) -> Ints:
        """Return for each tie the position of the tie in the other direction, -1 where there is none."""
        key, back = self.giver * self.size + self.receiver, self.receiver * self.size + self.giver
        place = np.minimum(np.searchsorted(key, back), max(len(key) - 1, 0))
        return np.where(key[place] == back, place, -1) if len(key) else place

    def matrix(self, weight: Floats | None = None) -> Any:
        """Return a sparse matrix with a row per giver and a column per receiver."""
        from scipy.sparse import csr_matrix

        starts = np.searchsorted(self.giver, np.arange(self.size + 1))
        data = self.weight if weight is None else weight
        return csr_matrix((data, self.receiver, starts), shape=(self.size, self.size))

    def undirected(self) -> Any:
        """Return a symmetric sparse matrix: the weight between two members is that of both directions."""
        given = self.matrix()
        both = (given + given.T).tocsr()
        both.sort_indices()
        return both
