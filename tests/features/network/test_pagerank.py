from __future__ import annotations

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.network.graph import Network
from features.network.pagerank import pagerank
from features.network.rings import find_rings
from tests.features.network.planted import planted

ties = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.floats(0.01, 50)).filter(lambda tie: tie[0] != tie[1]),
    min_size=1,
    max_size=40,
    unique_by=lambda tie: tie[:2],
)


@given(ties)
def test_it_equals_networkx(ties: list[tuple[int, int, float]]) -> None:
    network = Network.of(pl.DataFrame(ties, schema=["member_no", "other_no", "weight"], orient="row"))
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(ties)
    expected = nx.pagerank(graph, tol=1e-12, max_iter=10_000)
    assert pagerank(network) == pytest.approx([expected[int(one)] for one in network.members], abs=1e-6)
    assert pagerank(network).sum() == pytest.approx(1)


def test_a_ring_that_only_pushes_itself_falls_below_the_others() -> None:
    found = planted()
    rings = find_rings(found.network)
    before, after = (_percentiles(one) for one in (pagerank(found.network), pagerank(rings.network)))
    is_pushed = found.ring[found.network.members] >= 0
    assert before[is_pushed].mean() > 0.6
    assert after[is_pushed].mean() < 0.1


def _percentiles(value: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(value)) / len(value)
