"""The rhythm of a member's active days in the last year: gaps, runs, weeks and weekdays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.active_days import DAY_PARTS, bits_of, words_of
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS, WINDOWS_DAYS

__all__ = ["DAY_PARTS", "STREAK_WINDOW_DAYS", "WEEKS_WINDOWS_DAYS", "active_day_rhythm"]

WEEKS_WINDOWS_DAYS: Final = (28, 91, 364)
STREAK_WINDOW_DAYS: Final = 90
_DAYS_PER_WEEK: Final = 7
_SATURDAY: Final = 6
# Unpacked, a member's year is a byte a day: so many members at once stay within the processor's cache.
_MEMBERS_AT_ONCE: Final = 20_000

Bits = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


def active_day_rhythm(active: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Describe the active days of the last 365 days.

    One row per row of `active`, in its order. Integers are counts of days, weeks or activity; `gap.median_days` (Float64) is
    null with fewer than two active days.

    Args:
        active: As `features.active_days.count_active_days` returns it.
        as_of: The night.
    """
    words = words_of(active)
    weekday = np.array([(as_of - timedelta(days=age)).isoweekday() for age in range(LONGEST_WINDOW_DAYS)])
    batches = [
        _describe(bits_of(words[begin : begin + _MEMBERS_AT_ONCE]), weekday)
        for begin in range(0, max(active.height, 1), _MEMBERS_AT_ONCE)
    ]
    return pl.concat([active.select("member_no", pl.col("^active\\..*$")), pl.concat(batches)], how="horizontal")


def _describe(bits: Bits, weekday: Whole) -> pl.DataFrame:
    return pl.DataFrame(_day_counts(bits) | _weekday_counts(bits, weekday) | _week_counts(bits) | _gaps_and_runs(bits))


def _day_counts(bits: Bits) -> dict[str, pl.Series]:
    return {f"active.days_{days}d": _counted(bits[:, :days].sum(axis=1)) for days in WINDOWS_DAYS}


def _weekday_counts(bits: Bits, weekday: Whole) -> dict[str, pl.Series]:
    weekend: Bits = np.asarray(weekday >= _SATURDAY)
    counts = {
        f"active.weekend_days_{days}d": _counted(bits[:, :days][:, weekend[:days]].sum(axis=1)) for days in LONG_WINDOWS_DAYS
    }
    by_weekday = [bits[:, weekday == day].sum(axis=1) for day in range(1, _DAYS_PER_WEEK + 1)]
    return counts | {"active.most_used_weekday_days_365d": _counted(np.max(by_weekday, axis=0))}


def _week_counts(bits: Bits) -> dict[str, pl.Series]:
    weeks = LONGEST_WINDOW_DAYS // _DAYS_PER_WEEK
    by_week = bits[:, : weeks * _DAYS_PER_WEEK].reshape(len(bits), weeks, _DAYS_PER_WEEK)
    return {
        f"active.weeks_{days}d": _counted(by_week[:, : days // _DAYS_PER_WEEK].any(axis=2).sum(axis=1))
        for days in WEEKS_WINDOWS_DAYS
    }


def _gaps_and_runs(bits: Bits) -> dict[str, pl.Series]:
    """Describe the days between consecutive active days, and the days without any between them."""
    member, age = np.nonzero(bits)
    active_days = np.bincount(member, minlength=len(bits))
    first = np.cumsum(active_days) - active_days
    # The gap before each active day of a member but the newest, newest first.
    gap = np.diff(age, prepend=0)
    gap[first[active_days > 0]] = 0
    return {
        "gap.n": _counted(np.maximum(active_days - 1, 0)),
        "gap.sum_days": pl.Series(_per_member(np.add, gap, first, active_days)),
        "gap.sum_squared_days": pl.Series(_per_member(np.add, gap * gap, first, active_days)),
        "gap.longest_days": pl.Series(_per_member(np.maximum, gap, first, active_days)),
        "gap.median_days": _median_gap(gap, member, first, active_days),
        "streak.longest_days_90d": _counted(_longest_run(bits[:, :STREAK_WINDOW_DAYS])),
        "streak.latest_days": _counted(_latest_run(gap, first, active_days)),
    }


def _per_member(fold: np.ufunc, values: Whole, first: Whole, active_days: Whole) -> Whole:
    """Fold each member's values, which lie one after another; 0 for members without any."""
    folded = np.zeros(len(active_days), dtype=np.int64)
    some = active_days > 0
    if some.any():
        folded[some] = fold.reduceat(values, first[some])
    return folded


def _median_gap(gap: Whole, member: Whole, first: Whole, active_days: Whole) -> pl.Series:
    # Members apart, then gaps by length: the 0 that stands for no gap comes first among a member's.
    ordered = np.sort(member * (LONGEST_WINDOW_DAYS + 1) + gap) - member * (LONGEST_WINDOW_DAYS + 1)
    several = active_days > 1
    lower, upper = (first[several] + 1 + (active_days[several] - 2 + side) // 2 for side in (0, 1))
    median = np.full(len(active_days), np.nan)
    median[several] = (ordered[lower] + ordered[upper]) / 2
    return pl.Series(median).fill_nan(None)


def _longest_run(bits: Bits) -> Whole:
    run = np.zeros(len(bits), dtype=np.int64)
    longest = run.copy()
    for on_day in bits.T:
        run = (run + 1) * on_day
        np.maximum(longest, run, out=longest)
    return longest


def _latest_run(gap: Whole, first: Whole, active_days: Whole) -> Whole:
    """Count the consecutive days that end with the last active one: those before the first gap of more than a day."""
    place = np.arange(len(gap)) - np.repeat(first, active_days)
    until_break = np.where(gap > 1, place, np.repeat(active_days, active_days))
    return _per_member(np.minimum, until_break, first, active_days)


def _counted(values: npt.NDArray[np.integer]) -> pl.Series:
    return pl.Series(values.astype(np.int32))
