"""Intervals of shares and of their difference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.shares import Z95, difference, is_more, wilson, z_for


def test_an_interval_is_wilsons() -> None:
    # Newcombe (1998), table I: 81 of 263.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe (1998b), table II, method 10: 56 of 70 and 48 of 80.
    assert difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_more_is_said_only_beyond_chance() -> None:
    assert is_more(56, 70, 48, 80) is True
    assert is_more(48, 80, 56, 70) is False
    assert is_more(5, 7, 4, 8) is None
    assert is_more(0, 0, 4, 8) is None


def test_the_more_is_looked_at_the_wider_are_the_intervals() -> None:
    assert z_for(0) == z_for(1) == pytest.approx(Z95)
    assert z_for(10) == pytest.approx(2.807, abs=1e-3)
    assert is_more(56, 70, 48, 80, z=z_for(100)) is None


@given(st.integers(1, 500), st.data())
def test_a_share_lies_in_its_interval(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = wilson(hits, trials)
    assert 0 <= low <= hits / trials + 1e-12
    assert hits / trials - 1e-12 <= high <= 1
