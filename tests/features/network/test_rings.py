from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.network.graph import Network
from features.network.rings import find_rings
from tests.features.network.planted import RINGS, planted


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_rings_are_found_and_nobody_else(seed: int) -> None:
    found = planted(seed)
    rings = find_rings(found.network)
    assert rings.sizes == tuple(sorted(RINGS, reverse=True))
    assert rings.ring.tolist() == found.ring[found.network.members].tolist()


def test_ties_inside_a_ring_count_no_more_than_the_median_tie() -> None:
    found = planted()
    rings = find_rings(found.network)
    giver, receiver = rings.ring[rings.network.giver], rings.ring[rings.network.receiver]
    is_inside = (giver >= 0) & (giver == receiver)
    assert rings.network.weight[is_inside].max() == np.median(found.network.weight)
    assert (rings.network.weight[~is_inside] == found.network.weight[~is_inside]).all()
    assert (rings.network.undiscounted == found.network.weight).all()


def test_a_community_without_rings_has_none() -> None:
    found = planted()
    honest = found.rows.filter(pl.col("member_no") < (found.ring < 0).sum(), pl.col("other_no") < (found.ring < 0).sum())
    network = Network.of(honest.group_by("member_no", "other_no").agg(weight=pl.col("n").sum().log1p()))
    assert find_rings(network).sizes == ()
    assert find_rings(network).network is network


def test_a_few_friends_who_are_everybody_are_no_ring() -> None:
    pairs = [(one, other, 9.0) for one in range(4) for other in range(4) if one != other]
    network = Network.of(pl.DataFrame(pairs, schema=["member_no", "other_no", "weight"], orient="row"))
    assert find_rings(network).sizes == ()
