from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.network.layout import around, spread

WIDTH, HEIGHT = 300, 380


def gaps(place: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The room between every two circles."""
    between = [
        np.hypot(*(place[one] - place[two])) - radius[one] - radius[two] for one in range(len(place)) for two in range(one)
    ]
    return np.array(between)


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0, 1.5))
def test_no_circle_lies_upon_another_or_outside(n: int, seed: int, spread_of_sizes: float) -> None:
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, spread_of_sizes, n)
    radius = np.maximum(np.sqrt(size / size.sum() * 0.25 * WIDTH * HEIGHT / np.pi), 9.0)
    weight = np.triu(rng.random((n, n)) * (rng.random((n, n)) < 0.3), 1)
    place = spread(weight + weight.T, radius, width=WIDTH, height=HEIGHT)
    assert place.shape == (n, 2)
    assert (gaps(place, radius) > -0.5).all()
    assert (place >= radius[:, None] - 1e-9).all()
    assert (place <= np.array([WIDTH, HEIGHT]) - radius[:, None] + 1e-9).all()
    assert (place == spread(weight + weight.T, radius, width=WIDTH, height=HEIGHT)).all()


def test_circles_with_ties_lie_nearer_than_those_without() -> None:
    weight = np.zeros((8, 8))
    weight[:4, :4] = weight[4:, 4:] = 1.0
    np.fill_diagonal(weight, 0.0)
    place = spread(weight, np.full(8, 10.0), width=WIDTH, height=HEIGHT)
    apart = np.hypot(*(place[:, None] - place[None, :]).transpose(2, 0, 1))
    assert apart[:4, 4:].mean() > 1.5 * apart[:4, :4].mean()


def test_circles_at_the_same_place_are_parted() -> None:
    place = spread(np.zeros((2, 2)), np.array([70.0, 70.0]), width=WIDTH, height=HEIGHT)
    assert np.hypot(*(place[0] - place[1])) == pytest.approx(140, abs=1) or np.hypot(*(place[0] - place[1])) > 140


def test_without_circles_there_is_nothing_to_place() -> None:
    assert spread(np.zeros((0, 0)), np.zeros(0), width=WIDTH, height=HEIGHT).shape == (0, 2)


def test_neighbours_lie_on_the_inner_circle_with_theirs_outside_behind_them() -> None:
    #                  member, three neighbours, two of the first's and one of the last's
    parent = np.array([-1, 0, 0, 0, 1, 1, 3])
    place = around(parent, np.array([0, 1, 2, 1, 0, 0, 0]))
    assert np.hypot(*place.T).tolist() == pytest.approx([0, 0.5, 0.5, 0.5, 1, 1, 1])
    turn = np.arctan2(place[:, 0], place[:, 1]) % (2 * np.pi)
    # Those of group 1 side by side, then the one of group 2; the first has half of the circle for two neighbours.
    assert turn[[1, 3, 2]].tolist() == pytest.approx([np.pi * part for part in (2 / 4, 5 / 4, 7 / 4)])
    assert turn[[4, 5]].mean() == pytest.approx(turn[1])
    assert turn[6] == pytest.approx(turn[3])


def test_a_member_without_neighbours_is_in_the_middle() -> None:
    assert around(np.array([-1]), np.array([0])).tolist() == [[0.0, 0.0]]
