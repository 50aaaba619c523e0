"""Figures about a member's active days in the last year: gaps, runs, weeks and weekdays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.calendar import WEEK_DAYS
from features.incremental.active_days import DAY_PARTS, activity_bitmaps
from features.incremental.activity_bitmap import WORD_BITS, Words, count_days, day_mask, shift_younger, unpack_bits
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS, WINDOWS_DAYS

__all__ = ["DAY_PARTS", "STREAK_WINDOW_DAYS", "WEEKS_WINDOWS_DAYS", "active_day_rhythm"]

WEEKS_WINDOWS_DAYS: Final = (28, 91, 364)
STREAK_WINDOW_DAYS: Final = 90
_SATURDAY: Final = 6
# Unpacked, a member's year takes a byte per day: a batch of this size stays within the processor's cache.
_MEMBERS_PER_BATCH: Final = 20_000

Whole = npt.NDArray[np.int64]
# 32 bits suffice for a batch of members times the days of a year, and half as wide numbers are sorted in half the time.
Small = npt.NDArray[np.int32]


def active_day_rhythm(active: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Compute the figures about the active days of the last 365 days.

    One row per row of `active`, in its order. Integers are counts of days, weeks or activity; `gap.median_days` (Float64) is
    null with fewer than two active days.

    Args:
        active: As `features.incremental.active_days.compute_active_days` returns it.
        as_of: The day of age 0.
    """
    words = activity_bitmaps(active)
    batches = [
        _figures(words[begin : begin + _MEMBERS_PER_BATCH], as_of)
        for begin in range(0, max(active.height, 1), _MEMBERS_PER_BATCH)
    ]
    return pl.concat([active.select("member_no", pl.col("^active\\..*$")), pl.concat(batches)], how="horizontal")


def _figures(words: Words, as_of: date) -> pl.DataFrame:
    return pl.DataFrame(_day_counts(words) | _weekday_counts(words, as_of) | _week_counts(words) | _gaps_and_runs(words))


def _day_counts(words: Words) -> dict[str, pl.Series]:
    return {f"active.days_{days}d": pl.Series(count_days(words, range(days))) for days in WINDOWS_DAYS}


def _weekday_counts(words: Words, as_of: date) -> dict[str, pl.Series]:
    ages: dict[int, list[int]] = {day: [] for day in range(1, WEEK_DAYS + 1)}
    for age in range(LONGEST_WINDOW_DAYS):
        ages[(as_of - timedelta(days=age)).isoweekday()].append(age)
    weekend = [age for day in ages if day >= _SATURDAY for age in ages[day]]
    counts = {
        f"active.weekend_days_{days}d": pl.Series(count_days(words, [age for age in weekend if age < days]))
        for days in LONG_WINDOWS_DAYS
    }
    most_used = np.max([count_days(words, weekday_ages) for weekday_ages in ages.values()], axis=0)
    return counts | {"active.most_used_weekday_days_365d": pl.Series(most_used)}


def _week_counts(words: Words) -> dict[str, pl.Series]:
    """Count the blocks of seven days, counted back from `as_of`, with any active day."""
    # Bit `age` becomes the OR of bits `age` … `age` + 6 in three steps (2, 4, then 7 days), so that reading every seventh
    # bit says whether its week has an active day.
    of_two = words | shift_younger(words, 1)
    of_four = of_two | shift_younger(of_two, 2)
    of_week = of_four | shift_younger(of_four, 3)
    return {f"active.weeks_{days}d": pl.Series(count_days(of_week, range(0, days, WEEK_DAYS))) for days in WEEKS_WINDOWS_DAYS}


def _gaps_and_runs(words: Words) -> dict[str, pl.Series]:
    """Compute gaps between consecutive active days and runs of active days.

    All members' active days lie in one flat array: those of member i begin at `first[i]` and are sorted newest first.
    """
    active_days = count_days(words, range(LONGEST_WINDOW_DAYS)).astype(np.int64)
    first = np.cumsum(active_days) - active_days
    member = np.repeat(np.arange(len(words), dtype=np.int32), active_days)
    # Row and column of each set bit from the flat positions: the result of `numpy.nonzero` in a fifth of its time.
    age = (np.flatnonzero(unpack_bits(words)) - member.astype(np.int64) * LONGEST_WINDOW_DAYS).astype(np.int32)
    # Differences of the flat array; at each member's newest day the difference mixes two members and is no gap: set to 0.
    gap = np.diff(age, prepend=0)
    gap[first[active_days > 0]] = 0
    return {
        "gap.n": _int32_series(np.maximum(active_days - 1, 0)),
        "gap.sum_days": pl.Series(_per_member(np.add, gap, first, active_days)),
        "gap.sum_squared_days": pl.Series(_per_member(np.add, gap * gap, first, active_days)),
        "gap.longest_days": pl.Series(_per_member(np.maximum, gap, first, active_days)),
        "gap.median_days": _median_gap(gap, member, first, active_days),
        "streak.longest_days_90d": pl.Series(_longest_run(words)),
        "streak.latest_days": _int32_series(_latest_run(gap, first, active_days)),
    }


def _per_member(fold: np.ufunc, values: Small, first: Whole, active_days: Whole) -> Whole:
    """Reduce each member's values, which are adjacent; 0 for members without any."""
    folded = np.zeros(len(active_days), dtype=np.int64)
    is_active = active_days > 0
    # `reduceat` fails on positions past the end and returns a neighbour's value for an empty range: empty members are left out.
    if is_active.any():
        folded[is_active] = fold.reduceat(values, first[is_active])
    return folded


def _median_gap(gap: Small, member: Small, first: Whole, active_days: Whole) -> pl.Series:
    # One sort orders by member and then by gap, as a member's number is multiplied by more than the longest gap. The 0 of the
    # newest day, which is no gap, comes first within a member and is skipped by the `+ 1` below.
    ordered = np.sort(member * (LONGEST_WINDOW_DAYS + 1) + gap) - member * (LONGEST_WINDOW_DAYS + 1)
    several = active_days > 1
    lower, upper = (first[several] + 1 + (active_days[several] - 2 + side) // 2 for side in (0, 1))
    median = np.full(len(active_days), np.nan)
    median[several] = (ordered[lower] + ordered[upper]) / 2
    return pl.Series(median).fill_nan(None)


def _longest_run(words: Words) -> Small:
    """Count the longest run of active days within the streak window.

    `words & (words shifted by one day)` keeps the days that follow a remaining day, so each round shortens every run by one day:
    the number of rounds until nothing remains is the length of the longest run.
    """
    longest = np.zeros(len(words), dtype=np.int32)
    remaining = (words & day_mask(range(STREAK_WINDOW_DAYS)))[:, : -(-STREAK_WINDOW_DAYS // WORD_BITS)]
    members = np.arange(len(words))
    while (has_days := remaining.any(axis=1)).any():
        remaining, members = remaining[has_days], members[has_days]
        longest[members] += 1
        remaining &= shift_younger(remaining, 1)
    return longest


def _latest_run(gap: Small, first: Whole, active_days: Whole) -> Whole:
    """Count the consecutive days that end with the last active day: those before the first gap of more than one day."""
    member_end = first + active_days
    # The next break at or after a member's newest day may belong to a later member: the run then ends with the member's days.
    breaks = np.append(np.flatnonzero(gap > 1), len(gap))
    run_end: Whole = np.minimum(breaks[np.searchsorted(breaks, first)], member_end)
    return run_end - first


def _int32_series(values: npt.NDArray[np.integer]) -> pl.Series:
    return pl.Series(values.astype(np.int32))
