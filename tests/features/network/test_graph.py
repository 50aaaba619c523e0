from __future__ import annotations

import numpy as np
import polars as pl

from features.network.graph import Network

TIES = pl.DataFrame(
    {"member_no": [7, 3, 7, 9], "other_no": [3, 7, 9, 3], "weight": [1.0, 2.0, 4.0, 8.0]},
    schema_overrides={"member_no": pl.Int32},
)


def test_members_are_sorted_and_ties_go_from_who_responds_to_whom() -> None:
    network = Network.of(TIES.sample(fraction=1.0, shuffle=True, seed=1))
    assert network.members.tolist() == [3, 7, 9]
    assert network.matrix().toarray().tolist() == [[0, 2, 0], [1, 0, 4], [8, 0, 0]]
    assert network.undirected().toarray().tolist() == [[0, 3, 8], [3, 0, 4], [8, 4, 0]]
    assert network.responders.tolist() == [2, 1, 1]


def test_a_tie_that_is_returned_knows_the_tie_back() -> None:
    network = Network.of(TIES)
    ties = list(zip(network.giver.tolist(), network.receiver.tolist(), strict=True))
    assert ties == [(0, 1), (1, 0), (1, 2), (2, 0)]
    assert network.returned.tolist() == [1, 0, -1, -1]


def test_members_without_a_tie_have_no_position() -> None:
    assert Network.of(TIES).positions(np.array([9, 8, 3, 99])).tolist() == [2, 0]
    assert Network.of(TIES.clear()).positions(np.array([9])).tolist() == []
