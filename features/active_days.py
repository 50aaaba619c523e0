"""The rhythm of a member's active days in the last year: gaps, runs, weeks, weekdays and hours."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.history import SeenHistory, is_activity
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS, WINDOWS_DAYS, age_days

DAY_PARTS: Final = ("night", "morning", "afternoon", "evening")
WEEKS_WINDOWS_DAYS: Final = (28, 91, 364)
STREAK_WINDOW_DAYS: Final = 90
_DAYS_PER_WEEK: Final = 7
_SATURDAY: Final = 6


def active_day_rhythm(seen: SeenHistory) -> pl.LazyFrame:
    """Describe the active days of the last 365 days.

    One row per member_no active in that window. Integers are counts of days, weeks or activity and 0 when there are none;
    `gap.median_days` (Float64) is null with fewer than two active days.
    """
    days = _sorted_active_days(seen)
    return (
        days.group_by("member_no")
        .agg(*_day_counts(), *_weekday_counts(), *_week_counts(), *_day_part_sums(), *_gap_sums())
        .join(_runs_per_member(days), on="member_no", how="left")
        .with_columns(pl.selectors.unsigned_integer().cast(pl.Int32))
    )


def _sorted_active_days(seen: SeenHistory) -> pl.LazyFrame:
    """One row per member_no and active day, in that order, with its age and the gap to the member's previous active day."""
    parts = [f"n_{part}" for part in DAY_PARTS]
    same_member = pl.col("member_no") == pl.col("member_no").shift(1)
    gap = pl.col("age_days").shift(1) - pl.col("age_days")
    week = pl.col("age_days") // _DAYS_PER_WEEK
    return (
        seen.daily.with_columns(age_days=age_days(seen.as_of))
        .filter(is_activity(), pl.col("age_days") < LONGEST_WINDOW_DAYS)
        .group_by("member_no", "event_date", "age_days")
        .agg(pl.col(parts).sum())
        .sort("member_no", "event_date")
        .with_columns(
            gap_days=pl.when(same_member).then(gap),
            opens_week=(~same_member | (week != week.shift(1))).fill_null(value=True),
        )
    )


def _day_counts() -> list[pl.Expr]:
    return [(pl.col("age_days") < days).sum().alias(f"active.days_{days}d") for days in WINDOWS_DAYS]


def _weekday_counts() -> list[pl.Expr]:
    weekday = pl.col("event_date").dt.weekday()
    weekend = [
        ((weekday >= _SATURDAY) & (pl.col("age_days") < days)).sum().alias(f"active.weekend_days_{days}d")
        for days in LONG_WINDOWS_DAYS
    ]
    most_used = pl.max_horizontal([(weekday == day).sum() for day in range(1, _DAYS_PER_WEEK + 1)])
    return [*weekend, most_used.alias("active.most_used_weekday_days_365d")]


def _week_counts() -> list[pl.Expr]:
    opens_week, age = pl.col("opens_week"), pl.col("age_days")
    return [(opens_week & (age < days)).sum().alias(f"active.weeks_{days}d") for days in WEEKS_WINDOWS_DAYS]


def _day_part_sums() -> list[pl.Expr]:
    return [
        pl.when(pl.col("age_days") < days).then(pl.col(f"n_{part}")).otherwise(0).sum().alias(f"active.{part}_n_{days}d")
        for part in DAY_PARTS
        for days in LONG_WINDOWS_DAYS
    ]


def _gap_sums() -> list[pl.Expr]:
    # Whole sums instead of mean and deviation: integers add up to the same in any order.
    gap = pl.col("gap_days").cast(pl.Int64)
    return [
        gap.count().alias("gap.n"),
        gap.sum().alias("gap.sum_days"),
        (gap * gap).sum().alias("gap.sum_squared_days"),
        gap.max().fill_null(0).alias("gap.longest_days"),
        gap.median().alias("gap.median_days"),
    ]


def _runs_per_member(days: pl.LazyFrame) -> pl.LazyFrame:
    """One row per member_no: the longest run of active days in the last 90 days and the run that ends at the last one."""
    first_age, last_age = pl.col("first_age"), pl.col("last_age")
    in_window = pl.min_horizontal(first_age, pl.lit(STREAK_WINDOW_DAYS - 1)) - last_age + 1
    # Age and row number fall and rise in step within a run of consecutive days, so their sum names the run.
    runs = (
        days.with_row_index("row")
        .group_by("member_no", run=pl.col("row").cast(pl.Int64) + pl.col("age_days"))
        .agg(first_age=pl.col("age_days").max(), last_age=pl.col("age_days").min())
    )
    return runs.group_by("member_no").agg(
        in_window.filter(last_age < STREAK_WINDOW_DAYS).max().fill_null(0).cast(pl.Int32).alias("streak.longest_days_90d"),
        (first_age - last_age + 1).filter(last_age == last_age.min()).max().alias("streak.latest_days"),
    )
