from __future__ import annotations

from itertools import combinations
from math import e

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from community.leaders import Team, choose_team
from features.network.graph import Network
from features.network.rings import find_rings
from tests.features.network.planted import planted

ties = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 9)).filter(lambda tie: tie[0] != tie[1]), min_size=1, max_size=30, unique=True
)


def network_of(ties: list[tuple[int, int]]) -> Network:
    return Network.of(pl.DataFrame([(*tie, 1.0) for tie in ties], schema=["member_no", "other_no", "weight"], orient="row"))


def everybody(network: Network) -> np.ndarray:
    return np.arange(network.size)


def reached(network: Network, team: tuple[int, ...]) -> int:
    return len(set(network.giver[np.isin(network.receiver, team)].tolist()))


def plain_greedy(network: Network, most: int) -> tuple[int, ...]:
    team: tuple[int, ...] = ()
    for _ in range(most):
        adds = {one: reached(network, (*team, one)) - reached(network, team) for one in range(network.size) if one not in team}
        best = max(adds, key=lambda one: (adds[one], -one), default=None)
        if best is None or adds[best] < 1:
            break
        team = (*team, best)
    return team


@given(ties, st.integers(1, 4))
def test_lazy_greedy_equals_plain_greedy(ties: list[tuple[int, int]], most: int) -> None:
    network = network_of(ties)
    team = choose_team(network, everybody(network), most=most, fewest_added=1)
    assert team.positions == plain_greedy(network, most)
    assert team.reached == reached(network, team.positions)
    without = [reached(network, tuple(other for other in team.positions if other != one)) for one in team.positions]
    assert team.alone == tuple(team.reached - left for left in without)


@given(ties, st.integers(1, 3))
def test_the_team_reaches_at_least_63_percent_of_what_the_best_one_reaches(ties: list[tuple[int, int]], most: int) -> None:
    network = network_of(ties)
    best = max(reached(network, team) for team in combinations(range(network.size), min(most, network.size)))
    assert choose_team(network, everybody(network), most=most, fewest_added=1).reached >= (1 - 1 / e) * best


def test_nobody_is_chosen_who_is_no_candidate_or_adds_hardly_anybody() -> None:
    network = network_of([(2, 1), (3, 1), (4, 1), (3, 5), (6, 5)])
    assert choose_team(network, everybody(network), most=9, fewest_added=2) == Team((0,), (3,), (3,), 6)
    assert choose_team(network, everybody(network), most=9, fewest_added=1) == Team((0, 4), (3, 1), (2, 1), 6)
    assert choose_team(network, np.array([4]), most=9, fewest_added=1).positions == (4,)
    assert choose_team(network, np.array([], dtype=np.int64), most=9) == Team((), (), (), 6)


def test_planted_leaders_make_the_team() -> None:
    found = planted()
    network = find_rings(found.network).network
    team = choose_team(network, everybody(network), most=len(found.leaders))
    assert len({int(network.members[one]) for one in team.positions} & set(found.leaders)) >= 6
    assert team.reached > 0.7 * network.size
