"""What each member did in periods of 28 days: the ground of the assessments of the whole community."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from community.absence import PERIOD_DAYS
from features.history import EVENT_PREFIX, ORDER_ACTIVITIES, is_activity

# Thirteen periods are 52 weeks, so that the last one is that of a year before, on the same days of the week.
PERIODS: Final = 14
PERIOD_SCHEMA: Final = pl.Schema(
    {
        "period": pl.Int64(),
        "member_no": pl.Int32(),
        "active": pl.Int64(),
        "contributions": pl.Int64(),
        "responses": pl.Int64(),
        "connected": pl.Int64(),
        "spend_minor": pl.Int64(),
    }
)
_CONTENT: Final = "content"


def by_member_and_period(daily: pl.LazyFrame, ties: pl.LazyFrame, *, as_of: date, posting_events: Sequence[str]) -> pl.DataFrame:
    """Sum what members did by period.

    One row per period and member_no in which they did anything, the newest period first, in any order within it; columns of
    `PERIOD_SCHEMA`. Period 0 is the 28 days that end with the night, period 1 the 28 days before, and so on. `active` and
    `connected` are 0 or 1: who responded to somebody, or was responded to, is connected, if active. Nothing is null.

    Args:
        daily: One row per event_date, member_no and activity, as in `features.history.History`; days after the night are ignored.
        ties: One row per event_date, member_no and other_no, likewise.
        as_of: The night.
        posting_events: The types of events that are contributions.
    """
    # One period after the other: the groups of all of them together would be more than fit into the caches.
    summed = [_of_period(daily, ties, period, as_of=as_of, posting_events=posting_events) for period in range(PERIODS)]
    return pl.concat(summed)


def _of_period(
    daily: pl.LazyFrame, ties: pl.LazyFrame, period: int, *, as_of: date, posting_events: Sequence[str]
) -> pl.DataFrame:
    last = as_of - timedelta(days=period * PERIOD_DAYS)
    in_period = pl.col("event_date").is_between(last - timedelta(days=PERIOD_DAYS - 1), last)
    done, seen = daily.filter(in_period), ties.filter(in_period)
    given = seen.group_by("member_no").agg(responses=pl.col("n").cast(pl.Int64).sum())
    tied = pl.concat([seen.select("member_no"), seen.select(pl.col("other_no").alias("member_no"))]).unique()
    active = done.filter(is_activity()).select("member_no").unique().with_columns(active=pl.lit(1, pl.Int64))
    return (
        # Who only was responded to did nothing.
        active.join(_amounts(done, posting_events), on="member_no", how="full", coalesce=True)
        .join(given, on="member_no", how="left")
        .join(tied.with_columns(tied=pl.lit(1, pl.Int64)), on="member_no", how="left")
        .with_columns(pl.exclude("member_no").fill_null(0))
        .with_columns(period=pl.lit(period, pl.Int64), connected=pl.col("tied") * pl.col("active"))
        .select(PERIOD_SCHEMA.names())
        .cast(PERIOD_SCHEMA)
        .collect(engine="streaming")
    )


def _amounts(done: pl.LazyFrame, posting_events: Sequence[str]) -> pl.LazyFrame:
    """Sum contributions and spend: one row per member_no with any; few of the rows of a large community are of these kinds."""
    posting = [f"{EVENT_PREFIX}{name}" for name in posting_events]
    n, activity = pl.col("n").cast(pl.Int64), pl.col("activity")
    # Columns are made before rows are grouped: conditions within groups take longer.
    parts = done.filter(activity.is_in([_CONTENT, *posting, *ORDER_ACTIVITIES])).select(
        "member_no",
        pieces=pl.when(activity == _CONTENT).then(n).otherwise(0),
        posts=pl.when(activity.is_in(posting)).then(n).otherwise(0),
        spend_minor=pl.when(activity.is_in(ORDER_ACTIVITIES)).then("amount_minor").otherwise(0),
    )
    # A piece of content often arrives as an event, too; their sum would count it twice.
    return parts.group_by("member_no").sum().with_columns(contributions=pl.max_horizontal("pieces", "posts"))
