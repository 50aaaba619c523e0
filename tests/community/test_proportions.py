from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.proportions import difference, shrunk, wilson

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_an_interval_holds_its_share_and_stays_within_0_and_1(counts: tuple[int, int]) -> None:
    estimate = wilson(*counts)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@given(COUNTS, COUNTS)
def test_a_difference_is_turned_round_by_exchanging_the_groups(one: tuple[int, int], other: tuple[int, int]) -> None:
    there, back = difference(*one, *other), difference(*other, *one)
    assert there.low <= there.value <= there.high
    assert (there.low, there.value) == pytest.approx((-back.high, -back.value))


def test_published_examples_come_out() -> None:
    # Newcombe 1998, Statistics in Medicine 17:873, method 10: 56/70 − 48/80 and 9/10 − 3/10.
    assert wilson(56, 70).low == pytest.approx(0.6920, abs=1e-3)
    known = {(56, 70, 48, 80): (0.0524, 0.3339), (9, 10, 3, 10): (0.1705, 0.8090), (10, 10, 0, 10): (0.6075, 1.0)}
    for counts, (low, high) in known.items():
        estimate = difference(*counts)
        assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=2e-4)


@given(COUNTS, st.floats(0, 1))
def test_a_group_is_drawn_towards_the_share_of_all_and_the_more_the_smaller_it_is(counts: tuple[int, int], of_all: float) -> None:
    own, drawn = counts[0] / counts[1], shrunk(*counts, share_of_all=of_all).value
    assert min(own, of_all) - 1e-12 <= drawn <= max(own, of_all) + 1e-12
    larger = shrunk(10 * counts[0], 10 * counts[1], share_of_all=of_all).value
    assert abs(larger - own) <= abs(drawn - own) + 1e-12
    assert shrunk(0, 0, share_of_all=of_all).value == pytest.approx(of_all)
