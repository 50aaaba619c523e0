"""Sums per member and kind of activity over every window, and the first and last day of each kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl
import polars.selectors as cs

from features.history import EVENT_PREFIX, ORDER_ACTIVITIES, SeenHistory
from features.kinds import FIXED_KINDS, OTHER_EVENT, event_kinds, kind_of_activity
from features.windows import age_days, band_sums, window_name, window_names, window_sums

DISTINCT_TYPES_WINDOWS_DAYS: Final = (28, 90, 365)
_MONEY_KINDS: Final = ("order", "refund", "feedback")


def count(kind: str, days: int | None) -> pl.Expr:
    """How often a member did `kind` in the window of `days` (None: ever); 0 when never."""
    return pl.col(window_name(_column(kind, "n"), days))


def amount(kind: str, days: int | None) -> pl.Expr:
    """Sum of `amount_minor` of `kind` in the window of `days` (None: ever); 0 when nothing."""
    return pl.col(window_name(_column(kind, "amount_minor"), days))


def first_date(kind: str) -> pl.Expr:
    """The day on which a member first did `kind`; null when never."""
    return pl.col(_column(kind, "first_date"))


def last_date(kind: str) -> pl.Expr:
    """The day on which a member last did `kind`; null when never."""
    return pl.col(_column(kind, "last_date"))


def distinct_event_types(days: int) -> pl.Expr:
    """How many different event types a member used in the window of `days`, those without features included."""
    return pl.col(window_name(_column("event", "distinct_types"), days))


def member_totals(seen: SeenHistory) -> pl.LazyFrame:
    """Sum every kind of activity over every window.

    One row per member_no with any row in `daily`; the columns named by `count`, `amount`, `first_date`, `last_date` and
    `distinct_event_types`. Counts are 0 and dates null for kinds the member never did.
    """
    by_activity = _totals_by_activity(seen)
    by_kind = _totals_by_kind(by_activity, seen.event_types)
    slugs = (*event_kinds(seen.event_types), OTHER_EVENT)
    wide = by_activity.select("member_no").unique()
    # One small join per kind is several times faster than pivoting with a filtered sum per kind and window.
    for kind in (*slugs, *FIXED_KINDS):
        wide = wide.join(_columns_of(by_kind, kind), on="member_no", how="left")
    wide = wide.join(_distinct_types(by_activity), on="member_no", how="left").with_columns(cs.integer().fill_null(0))
    return wide.with_columns(_summed("event", slugs)).with_columns(_summed("activity", ("event", *ORDER_ACTIVITIES)))


def _totals_by_activity(seen: SeenHistory) -> pl.LazyFrame:
    return (
        seen.daily.with_columns(age_days=age_days(seen.as_of))
        .group_by("member_no", "activity")
        .agg(*band_sums("n"), *band_sums("amount_minor"), **_first_and_last("event_date", "event_date"))
        .with_columns(*window_sums("n"), *window_sums("amount_minor"))
    )


def _totals_by_kind(by_activity: pl.LazyFrame, event_types: tuple[str, ...]) -> pl.LazyFrame:
    kinds = kind_of_activity(event_types)
    kind = pl.col("activity").replace_strict(list(kinds), list(kinds.values()), default=OTHER_EVENT, return_dtype=pl.String)
    return by_activity.group_by("member_no", kind.alias("kind")).agg(
        pl.col(_sum_names(amounts=True)).sum(), **_first_and_last("first_date", "last_date")
    )


def _columns_of(by_kind: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    names = [*_sum_names(amounts=kind in _MONEY_KINDS), "first_date", "last_date"]
    rows = by_kind.filter(pl.col("kind") == kind)
    return rows.select("member_no", pl.col(names).name.prefix(_column(kind, "")))


def _distinct_types(by_activity: pl.LazyFrame) -> pl.LazyFrame:
    used = {
        window_name(_column("event", "distinct_types"), days): (pl.col(f"n_{days}d") > 0).sum().cast(pl.Int32)
        for days in DISTINCT_TYPES_WINDOWS_DAYS
    }
    events = by_activity.filter(pl.col("activity").str.starts_with(EVENT_PREFIX))
    return events.group_by("member_no").agg(**used)


def _summed(kind: str, parts: Iterable[str]) -> list[pl.Expr]:
    def columns(suffix: str) -> list[str]:
        return [_column(part, suffix) for part in parts]

    return [
        *(pl.sum_horizontal(columns(name)).alias(_column(kind, name)) for name in _sum_names(amounts=False)),
        pl.min_horizontal(columns("first_date")).alias(_column(kind, "first_date")),
        pl.max_horizontal(columns("last_date")).alias(_column(kind, "last_date")),
    ]


def _sum_names(*, amounts: bool) -> list[str]:
    return [*window_names("n"), *(window_names("amount_minor") if amounts else [])]


def _first_and_last(first: str, last: str) -> dict[str, pl.Expr]:
    return {"first_date": pl.col(first).min(), "last_date": pl.col(last).max()}


def _column(kind: str, name: str) -> str:
    # No event type's slug contains a colon, so no event type can overwrite an ingredient of another step.
    return f"{kind}:{name}"
