"""Sums per member and kind of activity over every window, and the first and last day of each kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.history import EVENT_PREFIX, ORDER_ACTIVITIES
from features.incremental.merging import merged
from features.kinds import FIXED_KINDS, OTHER_EVENT, event_kinds, kind_of_activity
from features.windows import age_days, band_sums, window_name, window_names, window_sums

DISTINCT_TYPES_WINDOWS_DAYS: Final = (28, 90, 365)
_MONEY_KINDS: Final = ("order", "refund", "feedback")
_KEY: Final = ("member_no", "activity")
# How first and last days add up, and what stands for a day that never was: of no other day is it the first or the last.
_ENDS: Final[dict[str, tuple[np.ufunc, int]]] = {
    "first_date": (np.minimum, int(np.iinfo(np.int32).max)),
    "last_date": (np.maximum, int(np.iinfo(np.int32).min)),
}

Whole = npt.NDArray[np.integer]
_Columns = dict[str, Whole]


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


def compute_sums(daily: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Sum each activity of each member over every window that ends with `as_of`.

    One row per member_no and activity, sorted: `n_<w>d`, `n_lifetime` (Int32), `amount_minor_<w>d`, `amount_minor_lifetime`
    (Int64), `first_date`, `last_date`. Nothing is null.

    Args:
        daily: Rows of `History.daily`, none later than `as_of`.
        as_of: The last day of every window.
    """
    return _summed_by_age(daily.with_columns(age_days=age_days(as_of)))


def update_sums(held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame, *, held_as_of: date, as_of: date) -> pl.DataFrame:
    """Carry `compute_sums` to a later night: take off what the moved days were worth, add what they are worth now.

    Args:
        held: The sums of the earlier night.
        was: Every row of the moved days as the earlier night saw them.
        now: Every row of the moved days as the later night sees them.
        held_as_of: The earlier night.
        as_of: The later night.
    """
    # Days that are taken off leave no first or last day; who lost one is counted anew.
    taken_off = was.lazy().with_columns(
        -pl.col("n", "amount_minor"), age_days=age_days(held_as_of), event_date=pl.lit(None, dtype=pl.Date)
    )
    changes = _summed_by_age(pl.concat([taken_off, now.lazy().with_columns(age_days=age_days(as_of))])).with_columns(
        pl.col(name).fill_null(pl.lit(never, dtype=pl.Int32).cast(pl.Date)) for name, (_, never) in _ENDS.items()
    )
    key = _key(_ranks(held.lazy(), changes.lazy()))
    folds = {name: _fold_of(name) for name in held.columns if name not in _KEY}
    return merged(held, changes, key=key, folds=folds).filter(pl.col("n_lifetime") > 0)


def _summed_by_age(daily: pl.LazyFrame) -> pl.DataFrame:
    """One row per member_no and activity, sorted, as `compute_sums`; `age_days` says what lies in which window."""
    ranks = _ranks(daily.select("activity"))
    rows = daily.with_columns(_key(ranks).alias("key"))
    day = pl.col("event_date")
    counts = rows.group_by("key").agg(*band_sums("n"), first_date=day.min(), last_date=day.max())
    # Few rows are worth money: they alone are summed in 64 bits.
    amounts = rows.filter(pl.col("amount_minor") != 0).group_by("key").agg(*band_sums("amount_minor"))
    sums = counts.select("key", *window_sums("n"), "first_date", "last_date").sort("key").collect(engine="streaming")
    money = amounts.select("key", *window_sums("amount_minor")).collect(engine="streaming")
    both = sums.join(money, on="key", how="left", maintain_order="left")
    amount_names = window_names("amount_minor")
    return both.select(*_taken_apart(ranks), *window_names("n"), pl.col(amount_names).fill_null(0), "first_date", "last_date")


def _ranks(*activities: pl.LazyFrame) -> pl.Enum:
    """Every activity that occurs in a column of that name, in the order of the alphabet."""
    found = pl.concat([rows.select("activity").unique() for rows in activities])
    return pl.Enum(found.unique().collect(engine="streaming")["activity"].sort())


def _key(ranks: pl.Enum) -> pl.Expr:
    """One whole number for a member and an activity, of their order: grouped and found several times faster than the two."""
    rank = pl.col("activity").cast(ranks).to_physical().cast(pl.Int64)
    return pl.col("member_no").cast(pl.Int64) * max(len(ranks.categories), 1) + rank


def _taken_apart(ranks: pl.Enum) -> list[pl.Expr]:
    key, size = pl.col("key"), max(len(ranks.categories), 1)
    return [
        (key // size).cast(pl.Int32).alias("member_no"),
        pl.lit(ranks.categories).gather(key % size).alias("activity"),
    ]


def lost_first_or_last_days(held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame) -> pl.Series:
    """Members who no longer have the first or the last day of an activity; arguments as in `update_sums`."""
    gone = was.join(now, on=[*_KEY, "event_date"], how="anti").select(*_KEY, "event_date")
    ends = gone.join(held.select(*_KEY, "first_date", "last_date"), on=_KEY)
    day = pl.col("event_date")
    return ends.filter((day == pl.col("first_date")) | (day == pl.col("last_date")))["member_no"]


def member_totals(sums: pl.DataFrame, *, event_types: tuple[str, ...]) -> pl.DataFrame:
    """Lay the sums out by kind.

    One row per member_no in `sums`, sorted; the columns named by `count`, `amount`, `first_date`, `last_date` and
    `distinct_event_types`. Counts are 0 and dates null for kinds the member never did.

    Args:
        sums: As `compute_sums` returns them, sorted by member_no.
        event_types: The event types with features of their own.
    """
    slugs = (*event_kinds(event_types), OTHER_EVENT)
    member_no = sums["member_no"].unique(maintain_order=True)
    place, kind_of_row = sums["member_no"].rle_id().to_numpy(), _kinds_of_rows(sums, event_types)
    rows_of = {kind: np.flatnonzero((kind_of_row == kind).to_numpy()) for kind in (*slugs, *FIXED_KINDS)}
    values = {name: sums[name].to_physical().to_numpy() for name in (*_sum_names(amounts=True), *_ENDS)}
    kinds: dict[str, _Columns] = {}
    for kind, rows in rows_of.items():
        names = (*_sum_names(amounts=kind in _MONEY_KINDS), *_ENDS)
        columns = {name: values[name][rows] for name in names}
        kinds[kind] = _laid_out(columns, place[rows], height=member_no.len())
    kinds["event"] = _summed(kinds[slug] for slug in slugs)
    kinds["activity"] = _summed(kinds[kind] for kind in ("event", *ORDER_ACTIVITIES))
    wide = [_frame_of(kind, columns) for kind, columns in kinds.items()]
    return pl.concat([member_no.to_frame(), *wide, _distinct_types(sums, place, height=member_no.len())], how="horizontal")


def _kinds_of_rows(sums: pl.DataFrame, event_types: tuple[str, ...]) -> pl.Series:
    kinds = kind_of_activity(event_types)
    known = pl.Enum(list(dict.fromkeys([*kinds.values(), OTHER_EVENT])))
    return sums["activity"].replace_strict(list(kinds), list(kinds.values()), default=OTHER_EVENT, return_dtype=known)


def _laid_out(rows: _Columns, place: Whole, *, height: int) -> _Columns:
    """Fold the rows of each member, which lie one after another, into one row per member: sums, first and last days."""
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    several = len(begins) < len(place)
    columns = {}
    for name, values in rows.items():
        columns[name] = np.full(height, _ENDS[name][1] if name in _ENDS else 0, dtype=values.dtype)
        columns[name][place[begins]] = _fold_of(name).reduceat(values, begins) if several else values
    return columns


def _summed(parts: Iterable[_Columns]) -> _Columns:
    """Sum kinds: their counts, the first of their first days and the last of their last."""
    every = list(parts)
    names = [*_sum_names(amounts=False), *_ENDS]
    return {name: _fold_of(name).reduce([part[name] for part in every], dtype=every[0][name].dtype) for name in names}


def _fold_of(name: str) -> np.ufunc:
    return _ENDS[name][0] if name in _ENDS else np.add


def _frame_of(kind: str, columns: _Columns) -> pl.DataFrame:
    days = [pl.when(pl.col(name) != absent).then(name).cast(pl.Date).alias(name) for name, (_, absent) in _ENDS.items()]
    return pl.DataFrame(columns).with_columns(days).rename(lambda name: _column(kind, name))


def _distinct_types(sums: pl.DataFrame, place: Whole, *, height: int) -> pl.DataFrame:
    """One row per member; `place` says which is a row's."""
    is_event = sums["activity"].str.starts_with(EVENT_PREFIX).to_numpy()
    used = {days: place[is_event & (sums[f"n_{days}d"].to_numpy() > 0)] for days in DISTINCT_TYPES_WINDOWS_DAYS}
    return pl.DataFrame(
        {
            window_name(_column("event", "distinct_types"), days): np.bincount(rows, minlength=height).astype(np.int32)
            for days, rows in used.items()
        }
    )


def _sum_names(*, amounts: bool) -> list[str]:
    return [*window_names("n"), *(window_names("amount_minor") if amounts else [])]


def _column(kind: str, name: str) -> str:
    # No event type's slug contains a colon, so no event type can overwrite an ingredient of another step.
    return f"{kind}:{name}"
