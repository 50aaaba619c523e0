"""Ratios of counts to what was expected, drawn towards 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.shares import Z95
from community.shrinkage import dispersion, shrink


def test_a_dispersion_is_how_much_wider_than_poisson_counts_spread_and_at_least_1() -> None:
    assert dispersion(np.array([8.0, 0.0]), np.array([4.0, 4.0])) == (16 + 16) / 8
    assert dispersion(np.array([4.0, 4.0]), np.array([4.0, 4.0])) == 1
    assert dispersion(np.array([]), np.array([])) == 1


def test_groups_that_differ_as_chance_makes_them_have_no_ratio_of_their_own() -> None:
    ratios = shrink(np.array([11.0, 9.0, 10.0]), np.array([10.0, 10.0, 10.0]), spread=1.0, z=Z95)
    assert ratios.ratio.tolist() == ratios.low.tolist() == ratios.high.tolist() == [1, 1, 1]
    assert shrink(np.array([30.0]), np.array([10.0]), spread=1.0, z=Z95).ratio.tolist() == [1]


def test_a_ratio_is_the_mean_of_the_gamma_and_a_small_group_is_drawn_farther() -> None:
    counts, expected = np.array([400.0, 4.0, 196.0]), np.array([200.0, 2.0, 398.0])
    ratios = shrink(counts, expected, spread=1.0, z=Z95)
    # By hand: the excess of the weighted squares over its degrees of freedom, by the sum of the weights.
    squares = 200 * 1.0**2 + 2 * 1.0**2 + 398 * (196 / 398 - 1) ** 2
    shape = 600 / (squares - 2)
    assert ratios.ratio.tolist() == pytest.approx([(shape + c) / (shape + e) for c, e in zip(counts, expected, strict=True)])
    assert ratios.ratio[0] > ratios.ratio[1] > 1
    assert ratios.low[0] > 1
    assert ratios.low[1] < 1 < ratios.high[1]


def test_a_wider_spread_is_a_wider_interval() -> None:
    counts, expected = np.array([400.0, 4.0, 196.0]), np.array([200.0, 2.0, 398.0])
    narrow, wide = (shrink(counts, expected, spread=spread, z=Z95) for spread in (1.0, np.array([4.0, 1.0, 1.0])))
    assert wide.high[0] - wide.low[0] > narrow.high[0] - narrow.low[0]


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 40)), min_size=2, max_size=12))
def test_a_shrunk_ratio_lies_between_1_and_the_raw_one(groups: list[tuple[int, float]]) -> None:
    counts, expected = (np.array(column, dtype=float) for column in zip(*groups, strict=True))
    ratios = shrink(counts, expected, spread=1.0, z=Z95)
    raw = counts / expected
    assert (ratios.ratio >= np.minimum(raw, 1) - 1e-9).all()
    assert (ratios.ratio <= np.maximum(raw, 1) + 1e-9).all()
    assert (ratios.low <= ratios.high).all()
