from __future__ import annotations

import networkx as nx
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from features.network.communities import NONE, modularity, partition
from features.network.graph import Network
from features.network.rings import find_rings
from tests.features.network.planted import planted

PLANTED = planted()


def nobody(network: Network) -> np.ndarray:
    return np.full(network.size, NONE)


def test_planted_communities_are_found() -> None:
    network = find_rings(PLANTED.network).network
    community, is_new = partition(network, nobody(network))
    honest = PLANTED.ring[network.members] < 0
    assert is_new
    assert adjusted_rand_score(PLANTED.community[network.members][honest], community[honest]) > 0.95


def test_modularity_equals_networkx() -> None:
    both = PLANTED.network.undirected()
    community, _ = partition(PLANTED.network, nobody(PLANTED.network))
    graph = nx.from_scipy_sparse_array(both)
    groups = [set(np.flatnonzero(community == one).tolist()) for one in np.unique(community)]
    assert modularity(both, community) == pytest.approx(nx.community.modularity(graph, groups), abs=1e-9)


def test_the_same_network_has_the_same_communities_on_the_next_night() -> None:
    community, _ = partition(PLANTED.network, nobody(PLANTED.network))
    again, is_new = partition(PLANTED.network, community)
    assert not is_new
    assert (again == community).all()
    assert (partition(Network.of(PLANTED.ties.reverse()), nobody(PLANTED.network))[0] == community).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_two_of_a_hundred_ties_nearly_everybody_stays(seed: int) -> None:
    community, _ = partition(PLANTED.network, nobody(PLANTED.network))
    ties = PLANTED.ties
    left = Network.of(ties.sample(fraction=0.98, seed=seed))
    before = community[np.searchsorted(PLANTED.network.members, left.members)]
    after, _ = partition(left, before)
    assert (after == before).mean() >= 0.95


def test_who_is_new_joins_and_new_ones_among_themselves_are_a_group_of_their_own() -> None:
    community, _ = partition(PLANTED.network, nobody(PLANTED.network))
    clique = [(one, other, 1.0) for one in range(9001, 9007) for other in range(9001, 9007) if one != other]
    more = pl.DataFrame([(9000, 0, 5.0), (0, 9000, 5.0), *clique], schema=["member_no", "other_no", "weight"], orient="row")
    ties = pl.concat([PLANTED.ties.select(pl.col("member_no", "other_no").cast(pl.Int64), "weight"), more])
    network = Network.of(ties)
    known = dict(zip(PLANTED.network.members.tolist(), community.tolist(), strict=True))
    before = np.array([known.get(int(one), NONE) for one in network.members])
    after, is_new = partition(network, before)
    at = {int(one): int(group) for one, group in zip(network.members, after, strict=True)}
    assert not is_new
    assert at[9000] == known[0]
    assert {at[one] for one in range(9001, 9007)} == {max(after)}
    assert max(after) > max(community)


def test_who_turns_to_another_community_for_good_moves_there() -> None:
    community, _ = partition(PLANTED.network, nobody(PLANTED.network))
    mover, others = 5, [int(one) for one in np.flatnonzero(PLANTED.community == 1)[:20]]
    turned = pl.DataFrame([(mover, other, 9.0) for other in others], schema=["member_no", "other_no", "weight"], orient="row")
    ties = PLANTED.ties.select(pl.col("member_no", "other_no").cast(pl.Int64), "weight")
    network = Network.of(pl.concat([ties, turned]).group_by("member_no", "other_no").agg(pl.col("weight").sum()))
    after, is_new = partition(network, community)
    assert not is_new
    position = {int(one): place for place, one in enumerate(network.members)}
    assert after[position[mover]] == community[position[others[0]]] != community[position[mover]]
