"""Sums per member and kind of activity over every window, and the first and last day of each kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

import polars as pl
import polars.selectors as cs

from features.history import EVENT_PREFIX, ORDER_ACTIVITIES
from features.kinds import FIXED_KINDS, OTHER_EVENT, event_kinds, kind_of_activity
from features.windows import age_days, band_sums, window_name, window_names, window_sums

DISTINCT_TYPES_WINDOWS_DAYS: Final = (28, 90, 365)
_MONEY_KINDS: Final = ("order", "refund", "feedback")
_KEY: Final = ("member_no", "activity")


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


def count_sums(daily: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Sum each activity of each member over every window that ends with `as_of`.

    One row per member_no and activity, sorted: `n_<w>d`, `n_lifetime` (Int32), `amount_minor_<w>d`, `amount_minor_lifetime`
    (Int64), `first_date`, `last_date`. Nothing is null.

    Args:
        daily: Rows of `History.daily`, none later than `as_of`.
        as_of: The last day of every window.
    """
    return (
        daily.with_columns(age_days=age_days(as_of))
        .group_by(_KEY)
        .agg(
            *band_sums("n"),
            *band_sums("amount_minor"),
            first_date=pl.col("event_date").min(),
            last_date=pl.col("event_date").max(),
        )
        .select(*_KEY, *window_sums("n"), *window_sums("amount_minor"), "first_date", "last_date")
        .sort(_KEY)
        .collect(engine="streaming")
    )


def advance_sums(held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame, *, held_as_of: date, as_of: date) -> pl.DataFrame:
    """Carry `count_sums` to a later night: take off what the moved days were worth, add what they are worth now.

    Args:
        held: The sums of the earlier night.
        was: Every row of the moved days as the earlier night saw them.
        now: Every row of the moved days as the later night sees them.
        held_as_of: The earlier night.
        as_of: The later night.
    """
    sums = cs.starts_with("n_", "amount_minor_")
    taken_off = count_sums(was.lazy(), as_of=held_as_of).select(
        *_KEY, -sums, *(pl.lit(None, dtype=pl.Date).alias(name) for name in ("first_date", "last_date"))
    )
    return (
        pl.concat([held, taken_off, count_sums(now.lazy(), as_of=as_of)])
        .lazy()
        .group_by(_KEY)
        .agg(sums.sum(), pl.col("first_date").min(), pl.col("last_date").max())
        .filter(pl.col("n_lifetime") > 0)
        .sort(_KEY)
        .collect(engine="streaming")
    )


def lost_first_or_last_days(held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame) -> pl.Series:
    """Members who no longer have the first or the last day of an activity; arguments as in `advance_sums`."""
    gone = was.join(now, on=[*_KEY, "event_date"], how="anti").select(*_KEY, "event_date")
    ends = gone.join(held.select(*_KEY, "first_date", "last_date"), on=_KEY)
    day = pl.col("event_date")
    return ends.filter((day == pl.col("first_date")) | (day == pl.col("last_date")))["member_no"]


def member_totals(sums: pl.DataFrame, *, event_types: tuple[str, ...]) -> pl.DataFrame:
    """Lay the sums out by kind.

    One row per member_no in `sums`; the columns named by `count`, `amount`, `first_date`, `last_date` and
    `distinct_event_types`. Counts are 0 and dates null for kinds the member never did.
    """
    by_kind = _totals_by_kind(sums, event_types)
    slugs = (*event_kinds(event_types), OTHER_EVENT)
    wide = sums.select("member_no").unique(maintain_order=True)
    # One small join per kind is several times faster than pivoting with a filtered sum per kind and window.
    for kind in (*slugs, *FIXED_KINDS):
        wide = wide.join(_columns_of(by_kind, kind), on="member_no", how="left")
    wide = wide.join(_distinct_types(sums), on="member_no", how="left").with_columns(cs.integer().fill_null(0))
    return wide.with_columns(_summed("event", slugs)).with_columns(_summed("activity", ("event", *ORDER_ACTIVITIES)))


def _totals_by_kind(sums: pl.DataFrame, event_types: tuple[str, ...]) -> pl.DataFrame:
    kinds = kind_of_activity(event_types)
    kind = pl.col("activity").replace_strict(list(kinds), list(kinds.values()), default=OTHER_EVENT, return_dtype=pl.String)
    return sums.group_by("member_no", kind.alias("kind")).agg(
        pl.col(_sum_names(amounts=True)).sum(), pl.col("first_date").min(), pl.col("last_date").max()
    )


def _columns_of(by_kind: pl.DataFrame, kind: str) -> pl.DataFrame:
    names = [*_sum_names(amounts=kind in _MONEY_KINDS), "first_date", "last_date"]
    rows = by_kind.filter(pl.col("kind") == kind)
    return rows.select("member_no", pl.col(names).name.prefix(_column(kind, "")))


def _distinct_types(sums: pl.DataFrame) -> pl.DataFrame:
    used = {
        window_name(_column("event", "distinct_types"), days): (pl.col(f"n_{days}d") > 0).sum().cast(pl.Int32)
        for days in DISTINCT_TYPES_WINDOWS_DAYS
    }
    events = sums.filter(pl.col("activity").str.starts_with(EVENT_PREFIX))
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


def _column(kind: str, name: str) -> str:
    # No event type's slug contains a colon, so no event type can overwrite an ingredient of another step.
    return f"{kind}:{name}"
