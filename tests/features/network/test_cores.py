from __future__ import annotations

import networkx as nx
import numpy as np
import polars as pl

from features.network.cores import audience, core_numbers, reach, reciprocity
from features.network.graph import Network
from tests.features.network.planted import planted

# 1, 2 and 3 respond to each other; 4 responds to 1, 5 to 4.
TIES = [(1, 2), (2, 1), (2, 3), (3, 2), (3, 1), (1, 3), (4, 1), (5, 4)]
NETWORK = Network.of(pl.DataFrame([(*tie, 1.0) for tie in TIES], schema=["member_no", "other_no", "weight"], orient="row"))


def test_the_core_of_those_who_respond_to_each_other_is_told_from_who_hangs_on() -> None:
    assert core_numbers(NETWORK).tolist() == [2, 2, 2, 1, 1]


def test_core_numbers_equal_networkx() -> None:
    network = planted().network
    expected = nx.core_number(nx.from_scipy_sparse_array(network.undirected()))
    assert core_numbers(network).tolist() == [expected[one] for one in range(network.size)]


def test_reciprocity_is_the_share_that_responds_back() -> None:
    np.testing.assert_array_equal(reciprocity(NETWORK), [1, 1, 1, 0, 0])
    only_responded_to = Network.of(pl.DataFrame({"member_no": [1], "other_no": [2], "weight": [1.0]}))
    np.testing.assert_array_equal(reciprocity(only_responded_to), [0, np.nan])


def test_reach_counts_who_responds_and_who_responds_to_those() -> None:
    assert audience(NETWORK, 0).tolist() == [1, 2, 3]
    assert [reach(NETWORK, 0, steps=steps) for steps in (1, 2, 3)] == [3, 4, 4]
    assert reach(NETWORK, 4) == 0
