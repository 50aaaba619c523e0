"""Weekly cohorts: of the members who joined in a week, how many were active in each week after it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl

WEEK_DAYS: Final = 7
COHORTS_SCHEMA: Final = pl.Schema(
    {"cohort_week": pl.Date(), "weeks_since": pl.Int32(), "members": pl.Int64(), "active": pl.Int64(), "share": pl.Float64()}
)


def first_cohort_day(as_of: date, *, weeks: int) -> date:
    """Return the first day of the oldest of so many weeks that end with the night."""
    return as_of - timedelta(days=WEEK_DAYS * weeks - 1)


def weekly_cohorts(joined: pl.DataFrame, days_active: pl.DataFrame, *, as_of: date, weeks: int) -> pl.DataFrame:
    """Return how many of each cohort came back: one row per cohort_week and weeks_since that is over, in `COHORTS_SCHEMA`.

    Weeks are of seven days and end with the night, so that the newest cohort joined in the last seven days. `weeks_since` counts
    from the week of joining, which is 0; `members` is the size of the cohort, `active` how many of it were active in that week.
    A cohort without members has no rows. Nothing after the night counts.

    Args:
        joined: One row per member: member_no, and the day on which the member was seen first.
        days_active: One row per member_no and day of activity; further days and members do no harm.
        as_of: The night.
        weeks: How many cohorts.
    """
    first = first_cohort_day(as_of, weeks=weeks)
    week = (pl.col("day") - pl.lit(first)).dt.total_days() // WEEK_DAYS
    new = joined.filter(pl.col("day").is_between(first, as_of)).select("member_no", cohort=week)
    sizes = new.group_by("cohort").agg(members=pl.len())
    seen = days_active.filter(pl.col("day").is_between(first, as_of)).select("member_no", week=week).unique()
    active = new.join(seen, on="member_no").group_by("cohort", "week").agg(active=pl.len())
    # One row per cohort and week since, with zeros where nobody came.
    every = sizes.with_columns(week=pl.int_ranges(pl.col("cohort"), weeks)).explode("week")
    counted = every.join(active, on=["cohort", "week"], how="left").with_columns(pl.col("active").fill_null(0))
    rows = counted.select(
        cohort_week=pl.lit(first) + pl.duration(days=pl.col("cohort") * WEEK_DAYS),
        weeks_since=pl.col("week") - pl.col("cohort"),
        members="members",
        active="active",
        share=pl.col("active") / pl.col("members"),
    )
    return rows.sort("cohort_week", "weeks_since").cast(COHORTS_SCHEMA)
