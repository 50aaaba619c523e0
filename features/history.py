"""What features may look at, and the one place where time is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import polars as pl

EVENT_PREFIX: Final = "event:"
ORDER_ACTIVITIES: Final = ("order", "refund")


DAILY_SCHEMA: Final = pl.Schema(
    {
        "event_date": pl.Date(),
        "member_no": pl.Int32(),
        "activity": pl.String(),
        "n": pl.Int32(),
        "amount_minor": pl.Int64(),
        **{f"n_{part}": pl.Int32() for part in ("night", "morning", "afternoon", "evening")},
    }
)
TIES_SCHEMA: Final = pl.Schema(
    {
        "event_date": pl.Date(),
        "member_no": pl.Int32(),
        "other_no": pl.Int32(),
        "n": pl.Int32(),
    }
)


@dataclass(frozen=True)
class History:
    """Everything that is known of a community, later days included.

    Args:
        members: One row per member: member_no, member_id, seen_from (null: always seen), joined_date, platform, region,
            gender, birth_year, referrer_no, can_contact, can_profile.
        daily: One row per event_date, member_no, activity: n, amount_minor, n_night, n_morning, n_afternoon, n_evening.
        ties: One row per event_date, member_no, other_no: n interactions that member_no gave to other_no.
        available: What the community brings: table names, and "table.column" for optional columns with any value.
        event_types: The event types with features of their own, most frequent first, the same for a whole panel.
        everybody: As `members`, where `members` are only some of them: also the others are counted as having been brought.
    """

    members: pl.LazyFrame
    daily: pl.LazyFrame
    ties: pl.LazyFrame
    available: frozenset[str]
    event_types: tuple[str, ...]
    everybody: pl.LazyFrame | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class SeenHistory(History):
    """A history that `cut` has ended with `as_of`; the only kind that feature builders accept."""

    as_of: date


def cut(history: History, as_of: date) -> SeenHistory:
    """End a history with `as_of`, that day included: the only line between the features and the future."""
    return SeenHistory(
        members=_known_members(history.members, as_of),
        daily=history.daily.filter(pl.col("event_date") <= as_of),
        ties=history.ties.filter(pl.col("event_date") <= as_of),
        available=history.available,
        event_types=history.event_types,
        everybody=None if history.everybody is None else _known_members(history.everybody, as_of),
        as_of=as_of,
    )


def of_some(history: History, chosen: Callable[[pl.Expr], pl.Expr]) -> History:
    """Keep what the features of some members look at; they come out exactly as they do among everybody.

    Args:
        history: The whole history.
        chosen: Whether a `member_no` is one of them.
    """
    giver, receiver = chosen(pl.col("member_no")), chosen(pl.col("other_no"))
    return replace(
        history,
        members=history.members.filter(giver),
        daily=history.daily.filter(giver),
        # The ties of those who only received are needed to know whom they share with.
        ties=history.ties.filter(giver | receiver),
        everybody=history.members if history.everybody is None else history.everybody,
    )


def is_activity() -> pl.Expr:
    """Whether a row of `History.daily` counts as activity: an event, an order or a refund of the member's own."""
    activity = pl.col("activity")
    return activity.str.starts_with(EVENT_PREFIX) | activity.is_in(ORDER_ACTIVITIES)


def _known_members(members: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    # A member may act before joining; the day of joining is then still in the future.
    joined = pl.col("joined_date")
    return members.filter(pl.col("seen_from").is_null() | (pl.col("seen_from") <= as_of)).with_columns(
        joined_date=pl.when(joined <= as_of).then(joined)
    )
