from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from features.network.graph import Network
from features.network.neighbourhood import neighbourhood

PAIRS = st.dictionaries(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda pair: pair[0] != pair[1]), st.integers(1, 4), min_size=1
)


def network_of(pairs: dict[tuple[int, int], int]) -> Network:
    rows = [(giver, receiver, float(weight)) for (giver, receiver), weight in pairs.items()]
    schema = {"member_no": pl.Int32, "other_no": pl.Int32, "weight": pl.Float64}
    return Network.of(pl.DataFrame(rows, schema=schema, orient="row"))


def found_slowly(
    pairs: dict[tuple[int, int], int], member: int, most: int, most_direct: int
) -> tuple[list[tuple[int, int | None, int]], int]:
    """Member, who leads to them, weight of that tie; and the number of direct neighbours: in plain Python."""
    both: dict[int, dict[int, int]] = {}
    for (one, two), weight in pairs.items():
        for first, second in ((one, two), (two, one)):
            both.setdefault(first, {})
            both[first][second] = both[first].get(second, 0) + weight
    direct = sorted(both[member].items(), key=lambda item: (-item[1], item[0]))
    drawn = direct[: min(most_direct, most - 1)]
    outside: dict[int, tuple[int, int]] = {}
    for one, _ in drawn:
        for other, weight in both[one].items():
            if other != member and other not in both[member] and weight > outside.get(other, (0, 0))[1]:
                outside[other] = (one, weight)
    strongest = sorted(outside.items(), key=lambda item: (-item[1][1], item[0]))[: most - 1 - len(drawn)]
    rows = [(member, None, 0), *((one, member, weight) for one, weight in drawn)]
    return rows + [(other, one, weight) for other, (one, weight) in strongest], len(direct)


@given(PAIRS, st.integers(2, 9), st.integers(1, 6))
def test_a_neighbourhood_is_what_looking_at_everybody_gives(
    pairs: dict[tuple[int, int], int], most: int, most_direct: int
) -> None:
    network = network_of(pairs)
    for position, member in enumerate(network.members.tolist()):
        found = neighbourhood(network, position, most=most, most_direct=most_direct)
        numbers = network.members[found.positions].tolist()
        leads = [None if one < 0 else numbers[one] for one in found.parent]
        rows, direct = found_slowly(pairs, member, most, most_direct)
        assert list(zip(numbers, leads, found.weight.tolist(), strict=True)) == rows
        assert found.direct == direct
        assert len(numbers) <= most


def test_the_ties_of_a_neighbourhood_are_all_between_its_members_the_strongest_first() -> None:
    network = network_of({(1, 2): 1, (2, 1): 1, (2, 3): 4, (3, 4): 1, (1, 3): 1, (4, 5): 9})
    found = neighbourhood(network, 0, most=4)
    assert network.members[found.positions].tolist() == [1, 2, 3, 4]
    first, second, weight = found.ties(network)
    assert list(zip(first.tolist(), second.tolist(), weight.tolist(), strict=True)) == [
        (1, 2, 4.0),
        (0, 1, 2.0),
        (0, 2, 1.0),
        (2, 3, 1.0),
    ]
    assert np.issubdtype(first.dtype, np.int64)
