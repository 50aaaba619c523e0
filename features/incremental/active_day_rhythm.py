"""The rhythm of a member's active days in the last year: gaps, runs, weeks and weekdays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.incremental.active_days import DAY_PARTS, bitmaps_of
from features.incremental.activity_bitmap import WORD_BITS, Words, bits_of, days_in, mask_of, younger
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS, WINDOWS_DAYS

__all__ = ["DAY_PARTS", "STREAK_WINDOW_DAYS", "WEEKS_WINDOWS_DAYS", "active_day_rhythm"]

WEEKS_WINDOWS_DAYS: Final = (28, 91, 364)
STREAK_WINDOW_DAYS: Final = 90
_DAYS_PER_WEEK: Final = 7
_SATURDAY: Final = 6
# Unpacked, a member's year is a byte a day: so many members at once stay within the processor's cache.
_MEMBERS_AT_ONCE: Final = 20_000

Whole = npt.NDArray[np.int64]
# A year of days of so many members at once fits, and half as wide numbers are sorted in half the time.
Small = npt.NDArray[np.int32]


def active_day_rhythm(active: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Describe the active days of the last 365 days.

    One row per row of `active`, in its order. Integers are counts of days, weeks or activity; `gap.median_days` (Float64) is
    null with fewer than two active days.

    Args:
        active: As `features.incremental.active_days.compute_active_days` returns it.
        as_of: The night.
    """
    words = bitmaps_of(active)
    batches = [
        _describe(words[begin : begin + _MEMBERS_AT_ONCE], as_of) for begin in range(0, max(active.height, 1), _MEMBERS_AT_ONCE)
    ]
    return pl.concat([active.select("member_no", pl.col("^active\\..*$")), pl.concat(batches)], how="horizontal")


def _describe(words: Words, as_of: date) -> pl.DataFrame:
    return pl.DataFrame(_day_counts(words) | _weekday_counts(words, as_of) | _week_counts(words) | _gaps_and_runs(words))


def _day_counts(words: Words) -> dict[str, pl.Series]:
    return {f"active.days_{days}d": pl.Series(days_in(words, range(days))) for days in WINDOWS_DAYS}


def _weekday_counts(words: Words, as_of: date) -> dict[str, pl.Series]:
    ages: dict[int, list[int]] = {day: [] for day in range(1, _DAYS_PER_WEEK + 1)}
    for age in range(LONGEST_WINDOW_DAYS):
        ages[(as_of - timedelta(days=age)).isoweekday()].append(age)
    weekend = [age for day in ages if day >= _SATURDAY for age in ages[day]]
    counts = {
        f"active.weekend_days_{days}d": pl.Series(days_in(words, [age for age in weekend if age < days]))
        for days in LONG_WINDOWS_DAYS
    }
    most_used = np.max([days_in(words, of_weekday) for of_weekday in ages.values()], axis=0)
    return counts | {"active.most_used_weekday_days_365d": pl.Series(most_used)}


def _week_counts(words: Words) -> dict[str, pl.Series]:
    """Count the weeks, the newest first, with any active day in them."""
    # Each day tells of itself and the six before it: those of 2 days, then of 4, then of 7.
    of_two = words | younger(words, 1)
    of_four = of_two | younger(of_two, 2)
    of_week = of_four | younger(of_four, 3)
    return {f"active.weeks_{days}d": pl.Series(days_in(of_week, range(0, days, _DAYS_PER_WEEK))) for days in WEEKS_WINDOWS_DAYS}


def _gaps_and_runs(words: Words) -> dict[str, pl.Series]:
    """Describe the days between consecutive active days, and the days without any between them."""
    active_days = days_in(words, range(LONGEST_WINDOW_DAYS)).astype(np.int64)
    first = np.cumsum(active_days) - active_days
    member = np.repeat(np.arange(len(words), dtype=np.int32), active_days)
    # The same as `numpy.nonzero`, in a fifth of its time.
    age = (np.flatnonzero(bits_of(words)) - member.astype(np.int64) * LONGEST_WINDOW_DAYS).astype(np.int32)
    # The gap before each active day of a member but the newest, newest first.
    gap = np.diff(age, prepend=0)
    gap[first[active_days > 0]] = 0
    return {
        "gap.n": _counted(np.maximum(active_days - 1, 0)),
        "gap.sum_days": pl.Series(_per_member(np.add, gap, first, active_days)),
        "gap.sum_squared_days": pl.Series(_per_member(np.add, gap * gap, first, active_days)),
        "gap.longest_days": pl.Series(_per_member(np.maximum, gap, first, active_days)),
        "gap.median_days": _median_gap(gap, member, first, active_days),
        "streak.longest_days_90d": pl.Series(_longest_run(words)),
        "streak.latest_days": _counted(_latest_run(gap, first, active_days)),
    }


def _per_member(fold: np.ufunc, values: Small, first: Whole, active_days: Whole) -> Whole:
    """Fold each member's values, which lie one after another; 0 for members without any."""
    folded = np.zeros(len(active_days), dtype=np.int64)
    some = active_days > 0
    if some.any():
        folded[some] = fold.reduceat(values, first[some])
    return folded


def _median_gap(gap: Small, member: Small, first: Whole, active_days: Whole) -> pl.Series:
    # Members apart, then gaps by length: the 0 that stands for no gap comes first among a member's.
    ordered = np.sort(member * (LONGEST_WINDOW_DAYS + 1) + gap) - member * (LONGEST_WINDOW_DAYS + 1)
    several = active_days > 1
    lower, upper = (first[several] + 1 + (active_days[several] - 2 + side) // 2 for side in (0, 1))
    median = np.full(len(active_days), np.nan)
    median[several] = (ordered[lower] + ordered[upper]) / 2
    return pl.Series(median).fill_nan(None)


def _longest_run(words: Words) -> Small:
    """Count the longest run of active days: how often those days can be kept that follow a day that was kept."""
    longest = np.zeros(len(words), dtype=np.int32)
    kept = (words & mask_of(range(STREAK_WINDOW_DAYS)))[:, : -(-STREAK_WINDOW_DAYS // WORD_BITS)]
    running = np.arange(len(words))
    while (lasting := kept.any(axis=1)).any():
        kept, running = kept[lasting], running[lasting]
        longest[running] += 1
        kept &= younger(kept, 1)
    return longest


def _latest_run(gap: Small, first: Whole, active_days: Whole) -> Whole:
    """Count the consecutive days that end with the last active one: those before the first gap of more than a day."""
    beyond = first + active_days
    breaks = np.append(np.flatnonzero(gap > 1), len(gap))
    until: Whole = np.minimum(breaks[np.searchsorted(breaks, first)], beyond)
    return until - first


def _counted(values: npt.NDArray[np.integer]) -> pl.Series:
    return pl.Series(values.astype(np.int32))
