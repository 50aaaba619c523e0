"""Tiny histories and landed tables for the tests of this room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from features.history import DAILY_SCHEMA, TIES_SCHEMA, History
from lake.contracts import TABLES

MEMBERS_SCHEMA = {
    "member_no": pl.Int32,
    "member_id": pl.String,
    "seen_from": pl.Date,
    "joined_date": pl.Date,
    "platform": pl.String,
    "region": pl.String,
    "gender": pl.String,
    "birth_year": pl.Int32,
    "referrer_no": pl.Int32,
    "can_contact": pl.Boolean,
    "can_profile": pl.Boolean,
}
EVERYTHING = frozenset(
    {
        *TABLES,
        *("events.target_member_id", "contacts.opened_at", "contacts.clicked_at", "feedback.score"),
        *(f"members.{name}" for name in ("platform", "region", "gender", "birth_year", "referrer_id")),
    }
)
AS_OF = date(2024, 3, 31)
PARTS = ("n_night", "n_morning", "n_afternoon", "n_evening")


def landed(table: str, rows: Sequence[dict[str, Any]]) -> pl.LazyFrame:
    """Rows of a landed table; a column that a row does not give is null."""
    return pl.LazyFrame(list(rows), schema=TABLES[table].landed_schema)


def utc(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def daily_frame(rows: Sequence[tuple[date, int, str, int, int]]) -> pl.LazyFrame:
    """Rows of event_date, member_no, activity, n, amount_minor; everything happened in the morning."""
    columns = ["event_date", "member_no", "activity", "n", "amount_minor"]
    frame = pl.LazyFrame(rows, schema={name: DAILY_SCHEMA[name] for name in columns}, orient="row")
    return frame.with_columns(
        n_night=pl.lit(0, pl.Int32), n_morning="n", n_afternoon=pl.lit(0, pl.Int32), n_evening=pl.lit(0, pl.Int32)
    )


def members_frame(rows: Sequence[Mapping[str, Any]]) -> pl.LazyFrame:
    return pl.LazyFrame([{"member_id": f"m{row['member_no']}"} | dict(row) for row in rows], schema=MEMBERS_SCHEMA)


def history_of(
    *,
    daily: Sequence[tuple[date, int, str, int, int]] = (),
    ties: Sequence[tuple[date, int, int, int]] = (),
    members: Sequence[Mapping[str, Any]] = ({"member_no": 1}, {"member_no": 2}),
    available: frozenset[str] = EVERYTHING,
    event_types: tuple[str, ...] = ("post", "comment"),
) -> History:
    return History(
        members=members_frame(members),
        daily=daily_frame(daily),
        ties=pl.LazyFrame(ties, schema=TIES_SCHEMA, orient="row"),
        available=available,
        event_types=event_types,
    )
