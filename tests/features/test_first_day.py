"""Days far from the rest are no history; slow beginnings and long pauses are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from features.first_day import first_day_of_history

BEGAN = date(2024, 1, 1)


def steady(first: date, days: int, rows: int = 30) -> dict[date, int]:
    return {first + timedelta(days=day): rows for day in range(days)}


@pytest.mark.parametrize(
    "far",
    [
        {date(1970, 1, 1): 1},
        {date(1970, 1, 1): 20, date(1999, 12, 31): 2, date(2001, 1, 1): 50},
        {BEGAN - timedelta(days=181): 72},  # 72 of 7,272 rows are 99 in 10,000
    ],
)
def test_few_rows_long_before_the_rest_are_no_history(far: dict[date, int]) -> None:
    assert first_day_of_history(steady(BEGAN, 240) | far) == BEGAN


def test_as_many_as_one_in_a_hundred_or_as_near_as_half_a_year_are_history() -> None:
    many, near = BEGAN - timedelta(days=1000), BEGAN - timedelta(days=180)
    assert first_day_of_history(steady(BEGAN, 240) | {many: 73}) == many
    assert first_day_of_history(steady(BEGAN, 240) | {near: 1}) == near


def test_a_single_row_may_be_far_in_a_small_community() -> None:
    assert first_day_of_history(steady(BEGAN, 10, rows=1) | {date(1970, 1, 1): 1}) == BEGAN
    assert first_day_of_history(steady(BEGAN, 10, rows=1) | {date(1970, 1, 1): 2}) == date(1970, 1, 1)


def test_a_slow_trickle_is_where_history_begins() -> None:
    trickle = {BEGAN - timedelta(days=90 * back): 1 for back in range(1, 9)}
    assert first_day_of_history(steady(BEGAN, 240, rows=10_000) | trickle) == BEGAN - timedelta(days=720)


def test_a_long_pause_does_not_end_the_history_before_it() -> None:
    paused = steady(BEGAN, 100) | steady(BEGAN + timedelta(days=400), 300)
    assert first_day_of_history(paused) == BEGAN
    # A young community that comes back from its summer has little after the pause, and all its history before it.
    assert first_day_of_history(steady(BEGAN, 200) | steady(BEGAN + timedelta(days=320), 2)) == BEGAN


def test_days_without_rows_and_no_days_at_all_begin_nothing() -> None:
    assert first_day_of_history({}) is None
    assert first_day_of_history({date(1970, 1, 1): 0} | steady(BEGAN, 3)) == BEGAN
