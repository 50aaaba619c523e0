"""What each member did in periods of 28 days: the ground of the assessments of the whole community."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
_KEYS_PER_MEMBER: Final = 16


def by_member_and_period(daily: pl.LazyFrame, ties: pl.LazyFrame, *, as_of: date, posting_events: Sequence[str]) -> pl.DataFrame:
    """Sum what members did by period.

    One row per member_no and period in which they did anything, sorted by them; columns of `PERIOD_SCHEMA`. Period 0 is the 28
    days that end with the night, period 1 the 28 days before, and so on. `active` and `connected` are 0 or 1: who responded to
    somebody, or was responded to, is connected, if active. Nothing is null.

    Args:
        daily: One row per event_date, member_no and activity, as in `features.history.History`; days after the night are ignored.
        ties: One row per event_date, member_no and other_no, likewise.
        as_of: The night.
        posting_events: The types of events that are contributions.
    """
    did = _summed(pl.concat([_daily_parts(daily, as_of, posting_events), *_tie_parts(ties, as_of)], how="diagonal"))
    return (
        # Who only was responded to did nothing.
        did.filter((pl.col("active") > 0) | (pl.col("contributions") > 0))
        .with_columns(connected=pl.col("connected") * pl.col("active"))
        .sort("key")
        .select(PERIOD_SCHEMA.names())
        .cast(PERIOD_SCHEMA)
        .collect(engine="streaming")
    )


def _daily_parts(daily: pl.LazyFrame, as_of: date, posting_events: Sequence[str]) -> pl.LazyFrame:
    posting = [f"{EVENT_PREFIX}{name}" for name in posting_events]
    n, is_content = pl.col("n").cast(pl.Int64), pl.col("activity") == _CONTENT
    # Columns are made before rows are grouped: conditions within groups take longer.
    return daily.filter(_in_periods(as_of), is_activity() | is_content).select(
        _key(as_of, "member_no"),
        active=is_activity().cast(pl.Int64),
        pieces=pl.when(is_content).then(n).otherwise(0),
        posts=pl.when(pl.col("activity").is_in(posting)).then(n).otherwise(0),
        spend_minor=pl.when(pl.col("activity").is_in(ORDER_ACTIVITIES)).then("amount_minor"),
    )


def _tie_parts(ties: pl.LazyFrame, as_of: date) -> Iterator[pl.LazyFrame]:
    seen, connected = ties.filter(_in_periods(as_of)), pl.lit(1, dtype=pl.Int64)
    yield seen.select(_key(as_of, "member_no"), responses=pl.col("n").cast(pl.Int64), connected=connected)
    yield seen.select(_key(as_of, "other_no"), connected=connected)


def _summed(parts: pl.LazyFrame) -> pl.LazyFrame:
    return (
        parts.group_by("key")
        .agg(pl.col("active", "connected").max(), pl.col("pieces", "posts", "responses", "spend_minor").sum())
        .with_columns(pl.col("active", "connected").fill_null(0))
        .with_columns(
            period=pl.col("key") & (_KEYS_PER_MEMBER - 1),
            member_no=pl.col("key") // _KEYS_PER_MEMBER,
            # A piece of content often arrives as an event, too; their sum would count it twice.
            contributions=pl.max_horizontal("pieces", "posts"),
        )
    )


def _key(as_of: date, member: str) -> pl.Expr:
    """Return member and period as one number, by which rows are grouped faster than by two."""
    period = (pl.lit(as_of) - pl.col("event_date")).dt.total_days() // PERIOD_DAYS
    return (pl.col(member).cast(pl.Int64) * _KEYS_PER_MEMBER + period).alias("key")


def _in_periods(as_of: date) -> pl.Expr:
    return pl.col("event_date").is_between(as_of - timedelta(days=PERIODS * PERIOD_DAYS - 1), as_of)
