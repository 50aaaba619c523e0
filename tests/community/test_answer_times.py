"""How long a first answer takes, pieces that still wait included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.answer_times import answer_times

# A textbook sample: remission times of 21 patients (Freireich et al. 1963), here as weeks taken for hours.
FREIREICH = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def slow_share(hours: list[int], answered: list[bool], until: int) -> float:
    """The product-limit estimate, hour by hour."""
    waiting = 1.0
    for hour in range(until + 1):
        at_risk = sum(1 for one in hours if one >= hour)
        now = sum(1 for one, is_answered in zip(hours, answered, strict=True) if one == hour and is_answered)
        waiting *= 1 - now / at_risk if at_risk else 1
    return 1 - waiting


def test_the_textbook_sample_has_the_textbook_median_and_share() -> None:
    times = answer_times(np.array(FREIREICH, dtype=float), np.array(RELAPSED, dtype=bool))
    assert (times.pieces, times.answered) == (21, 9)
    assert times.median_hours == 23
    # The published curve is at 0.448 from 23 on.
    assert times.day_share == pytest.approx(1 - 0.448, abs=1e-3)
    assert times.day_share_low < times.day_share < times.day_share_high
    assert times.median_hours_low == 13
    assert times.median_hours_high is None


def test_a_piece_that_still_waits_is_not_dropped() -> None:
    with_waiting = answer_times(np.array([1.0, 2.0, 400.0, 400.0, 400.0]), np.array([True, True, False, False, False]))
    assert with_waiting.day_share == pytest.approx(2 / 5)
    assert with_waiting.median_hours is None


def test_where_all_or_none_are_answered_the_interval_still_is_one() -> None:
    every = answer_times(np.array([1.0, 2.0]), np.array([True, True]))
    assert (every.day_share, every.day_share_high) == (1.0, 1.0)
    assert 0 < every.day_share_low < 1
    none = answer_times(np.array([30.0, 40.0]), np.array([False, False]))
    assert (none.day_share, none.day_share_low, none.median_hours) == (0.0, 0.0, None)
    assert 0 < none.day_share_high < 1


def test_nothing_has_no_answer_times() -> None:
    with pytest.raises(ValueError, match="need a piece"):
        answer_times(np.array([]), np.array([], dtype=bool))


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=30), st.randoms())
def test_the_share_is_the_slow_one_in_any_order(pieces: list[tuple[int, bool]], random: object) -> None:
    hours, answered = [hour for hour, _ in pieces], [is_answered for _, is_answered in pieces]
    times = answer_times(np.array(hours, dtype=float), np.array(answered))
    assert times.day_share == pytest.approx(slow_share(hours, answered, 24))
    assert times.day_share_low <= times.day_share + 1e-12
    assert times.day_share <= times.day_share_high + 1e-12
    random.shuffle(pieces)  # type: ignore[attr-defined]
    again = answer_times(
        np.array([hour for hour, _ in pieces], dtype=float), np.array([is_answered for _, is_answered in pieces])
    )
    assert again == times
