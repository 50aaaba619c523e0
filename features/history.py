"""The input of features, and `cut`, the only place where the history is limited to the days up to `as_of`."""

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
    """Everything that is known about a community, including days after any `as_of`.

    Args:
        members: One row per member: member_no, member_id, seen_from (null: always seen), joined_date, platform, region,
            gender, birth_year, referrer_no, can_contact, can_profile.
        daily: One row per event_date, member_no, activity: n, amount_minor, n_night, n_morning, n_afternoon, n_evening.
        ties: One row per event_date, member_no, other_no: n interactions that member_no gave to other_no.
        available: The available data: table names, and "table.column" for optional columns with any value.
        event_types: The event types with features of their own, most frequent first, the same for a whole panel.
        everybody: All members, in the columns of `members`, if `members` are only some of them; referrals are counted among all.
    """

    members: pl.LazyFrame
    daily: pl.LazyFrame
    ties: pl.LazyFrame
    available: frozenset[str]
    event_types: tuple[str, ...]
    everybody: pl.LazyFrame | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class SeenHistory(History):
    """A history without days after `as_of`, as `cut` returns it; feature builders accept no other."""

    as_of: date


def cut(history: History, as_of: date) -> SeenHistory:
    """Return the history up to and including `as_of`.

    Nothing else keeps later days out of the features, so every computation of features starts here.
    """
    return SeenHistory(
        members=_known_members(history.members, as_of),
        daily=history.daily.filter(pl.col("event_date") <= as_of),
        ties=history.ties.filter(pl.col("event_date") <= as_of),
        available=history.available,
        event_types=history.event_types,
        everybody=None if history.everybody is None else _known_members(history.everybody, as_of),
        as_of=as_of,
    )


def restrict_members(history: History, is_chosen: Callable[[pl.Expr], pl.Expr]) -> History:
    """Return the part of a history that the features of some members need; their features are the same as in the whole.

    Args:
        history: The whole history.
        is_chosen: The condition on a `member_no` to be one of them.
    """
    giver, receiver = is_chosen(pl.col("member_no")), is_chosen(pl.col("other_no"))
    return replace(
        history,
        members=history.members.filter(giver),
        daily=history.daily.filter(giver),
        # Ties received are needed too: they decide how many people interacted with a member, and who did so in return.
        ties=history.ties.filter(giver | receiver),
        everybody=history.members if history.everybody is None else history.everybody,
    )


def is_activity() -> pl.Expr:
    """Return whether a row of `History.daily` is activity of the member: an event, an order or a refund."""
    activity = pl.col("activity")
    return activity.str.starts_with(EVENT_PREFIX) | activity.is_in(ORDER_ACTIVITIES)


def _known_members(members: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    # A member may be active before joining: the date of joining is in the future then, and must not be known yet.
    joined = pl.col("joined_date")
    return members.filter(pl.col("seen_from").is_null() | (pl.col("seen_from") <= as_of)).with_columns(
        joined_date=pl.when(joined <= as_of).then(joined)
    )
