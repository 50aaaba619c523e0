"""Sums per member and kind of activity over every window, and the first and last day of each kind.

`compute_sums` and `update_sums` produce the stored sums by activity; `member_totals` turns them into one wide row per member.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.history import EVENT_PREFIX, ORDER_ACTIVITIES
from features.incremental.merging import merge_changes
from features.kinds import FIXED_KINDS, OTHER_EVENT, event_kinds, kind_of_activity
from features.windows import age_days, band_sums, window_name, window_names, window_sums

DISTINCT_TYPES_WINDOWS_DAYS: Final = (28, 90, 365)
_MONEY_KINDS: Final = ("order", "refund", "feedback")
_KEY: Final = ("member_no", "activity")
# How two first or last days combine, and the int32 sentinel for "no date": the neutral element of that function, so that it never
# wins over a real day and merging needs no nulls.
_ENDS: Final[dict[str, tuple[np.ufunc, int]]] = {
    "first_date": (np.minimum, int(np.iinfo(np.int32).max)),
    "last_date": (np.maximum, int(np.iinfo(np.int32).min)),
}

Whole = npt.NDArray[np.integer]
_Columns = dict[str, Whole]


def count(kind: str, days: int | None) -> pl.Expr:
    """Return how often a member did `kind` in the window of `days` (None: ever); 0 when never."""
    return pl.col(window_name(_column(kind, "n"), days))


def amount(kind: str, days: int | None) -> pl.Expr:
    """Return the sum of `amount_minor` of `kind` in the window of `days` (None: ever); 0 when nothing."""
    return pl.col(window_name(_column(kind, "amount_minor"), days))


def first_date(kind: str) -> pl.Expr:
    """Return the day on which a member first did `kind`; null when never."""
    return pl.col(_column(kind, "first_date"))


def last_date(kind: str) -> pl.Expr:
    """Return the day on which a member last did `kind`; null when never."""
    return pl.col(_column(kind, "last_date"))


def distinct_event_types(days: int) -> pl.Expr:
    """Return the number of distinct event types of a member in the window of `days`, including types without features."""
    return pl.col(window_name(_column("event", "distinct_types"), days))


def compute_sums(daily: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Sum each activity of each member over every window that ends with `as_of`.

    One row per member_no and activity, sorted: `n_<w>d`, `n_lifetime` (Int32), `amount_minor_<w>d`, `amount_minor_lifetime`
    (Int64), `first_date`, `last_date`. Nothing is null.

    Args:
        daily: Rows of `History.daily`, none later than `as_of`.
        as_of: The last day of every window.
    """
    return _sum_by_window(daily.with_columns(age_days=age_days(as_of)))


def update_sums(
    previous: pl.DataFrame, rows_before: pl.DataFrame, rows_now: pl.DataFrame, *, previous_as_of: date, as_of: date
) -> pl.DataFrame:
    """Update the result of `compute_sums` from an earlier night to a later one.

    The contribution of the moved days at the earlier night is subtracted, and their contribution now is added.

    Args:
        previous: The sums of the earlier night.
        rows_before: Every row of the moved days as the earlier night saw them.
        rows_now: Every row of the moved days as the later night sees them.
        previous_as_of: The earlier night.
        as_of: The later night.
    """
    # Subtracted rows have no date: a minimum or maximum cannot be undone by subtraction. Members whose first or last day is
    # gone are found by `lost_first_or_last_days` and recomputed.
    subtracted = rows_before.lazy().with_columns(
        -pl.col("n", "amount_minor"), age_days=age_days(previous_as_of), event_date=pl.lit(None, dtype=pl.Date)
    )
    changes = _sum_by_window(pl.concat([subtracted, rows_now.lazy().with_columns(age_days=age_days(as_of))])).with_columns(
        pl.col(name).fill_null(pl.lit(no_date, dtype=pl.Int32).cast(pl.Date)) for name, (_, no_date) in _ENDS.items()
    )
    key = _key(_ranks(previous.lazy(), changes.lazy()))
    folds = {name: _fold_of(name) for name in previous.columns if name not in _KEY}
    return merge_changes(previous, changes, key=key, folds=folds).filter(pl.col("n_lifetime") > 0)


def _sum_by_window(daily: pl.LazyFrame) -> pl.DataFrame:
    """Return one row per member_no and activity, sorted, as `compute_sums`; `age_days` decides which windows a row is in."""
    ranks = _ranks(daily.select("activity"))
    rows = daily.with_columns(_key(ranks).alias("key"))
    day = pl.col("event_date")
    counts = rows.group_by("key").agg(*band_sums("n"), first_date=day.min(), last_date=day.max())
    # Few rows have an amount: only those are summed in 64 bits.
    amounts = rows.filter(pl.col("amount_minor") != 0).group_by("key").agg(*band_sums("amount_minor"))
    sums = counts.select("key", *window_sums("n"), "first_date", "last_date").sort("key").collect(engine="streaming")
    money = amounts.select("key", *window_sums("amount_minor")).collect(engine="streaming")
    joined = sums.join(money, on="key", how="left", maintain_order="left")
    amount_names = window_names("amount_minor")
    return joined.select(*_unpacked_key(ranks), *window_names("n"), pl.col(amount_names).fill_null(0), "first_date", "last_date")


def _ranks(*activities: pl.LazyFrame) -> pl.Enum:
    """Return the activities that occur in any of the columns `activity`, in alphabetical order."""
    names = pl.concat([rows.select("activity").unique() for rows in activities])
    return pl.Enum(names.unique().collect(engine="streaming")["activity"].sort())


def _key(ranks: pl.Enum) -> pl.Expr:
    """Return one integer for a member and an activity, which sorts by member and then activity.

    Grouping and searching one integer is several times faster than two columns, one of them text.
    """
    rank = pl.col("activity").cast(ranks).to_physical().cast(pl.Int64)
    return pl.col("member_no").cast(pl.Int64) * max(len(ranks.categories), 1) + rank


def _unpacked_key(ranks: pl.Enum) -> list[pl.Expr]:
    key, size = pl.col("key"), max(len(ranks.categories), 1)
    return [
        (key // size).cast(pl.Int32).alias("member_no"),
        pl.lit(ranks.categories).gather(key % size).alias("activity"),
    ]


def lost_first_or_last_days(previous: pl.DataFrame, rows_before: pl.DataFrame, rows_now: pl.DataFrame) -> pl.Series:
    """Return the members who no longer have the first or the last day of an activity.

    Args:
        previous: The sums of the earlier night.
        rows_before: Every row of the moved days as the earlier night saw them.
        rows_now: Every row of the moved days as the later night sees them.
    """
    lost_rows = rows_before.join(rows_now, on=[*_KEY, "event_date"], how="anti").select(*_KEY, "event_date")
    ends = lost_rows.join(previous.select(*_KEY, "first_date", "last_date"), on=_KEY)
    day = pl.col("event_date")
    return ends.filter((day == pl.col("first_date")) | (day == pl.col("last_date")))["member_no"]


def member_totals(sums: pl.DataFrame, *, event_types: tuple[str, ...]) -> pl.DataFrame:
    """Pivot the sums by kind.

    One row per member_no in `sums`, sorted; the columns named by `count`, `amount`, `first_date`, `last_date` and
    `distinct_event_types`. Counts are 0 and dates null for kinds the member never did.

    Args:
        sums: As `compute_sums` returns them, sorted by member_no.
        event_types: The event types with features of their own.
    """
    slugs = (*event_kinds(event_types), OTHER_EVENT)
    member_no = sums["member_no"].unique(maintain_order=True)
    member_index, kind_of_row = sums["member_no"].rle_id().to_numpy(), _kinds_of_rows(sums, event_types)
    rows_of = {kind: np.flatnonzero((kind_of_row == kind).to_numpy()) for kind in (*slugs, *FIXED_KINDS)}
    values = {name: sums[name].to_physical().to_numpy() for name in (*_sum_names(amounts=True), *_ENDS)}
    kinds: dict[str, _Columns] = {}
    for kind, rows in rows_of.items():
        names = (*_sum_names(amounts=kind in _MONEY_KINDS), *_ENDS)
        columns = {name: values[name][rows] for name in names}
        kinds[kind] = _one_row_per_member(columns, member_index[rows], height=member_no.len())
    kinds["event"] = _combined_kinds(kinds[slug] for slug in slugs)
    kinds["activity"] = _combined_kinds(kinds[kind] for kind in ("event", *ORDER_ACTIVITIES))
    wide = [_frame_of(kind, columns) for kind, columns in kinds.items()]
    return pl.concat([member_no.to_frame(), *wide, _distinct_types(sums, member_index, height=member_no.len())], how="horizontal")


def _kinds_of_rows(sums: pl.DataFrame, event_types: tuple[str, ...]) -> pl.Series:
    kinds = kind_of_activity(event_types)
    kind_type = pl.Enum(list(dict.fromkeys([*kinds.values(), OTHER_EVENT])))
    return sums["activity"].replace_strict(list(kinds), list(kinds.values()), default=OTHER_EVENT, return_dtype=kind_type)


def _one_row_per_member(rows: _Columns, member_index: Whole, *, height: int) -> _Columns:
    """Combine the rows of each member, which are adjacent, into one row per member: sums, first and last days."""
    # Several activities may be of one kind (event types that share a slug): then a member has several rows.
    begins = np.flatnonzero(np.diff(member_index, prepend=-1))
    has_several_rows = len(begins) < len(member_index)
    columns = {}
    for name, values in rows.items():
        columns[name] = np.full(height, _ENDS[name][1] if name in _ENDS else 0, dtype=values.dtype)
        columns[name][member_index[begins]] = _fold_of(name).reduceat(values, begins) if has_several_rows else values
    return columns


def _combined_kinds(parts: Iterable[_Columns]) -> _Columns:
    """Combine kinds into one: the sum of their counts, the earliest first day and the latest last day."""
    columns_of_kinds = list(parts)
    names = [*_sum_names(amounts=False), *_ENDS]
    # NumPy would sum int32 as int64; the columns keep their type.
    return {
        name: _fold_of(name).reduce([part[name] for part in columns_of_kinds], dtype=columns_of_kinds[0][name].dtype)
        for name in names
    }


def _fold_of(name: str) -> np.ufunc:
    return _ENDS[name][0] if name in _ENDS else np.add


def _frame_of(kind: str, columns: _Columns) -> pl.DataFrame:
    days = [pl.when(pl.col(name) != no_date).then(name).cast(pl.Date).alias(name) for name, (_, no_date) in _ENDS.items()]
    return pl.DataFrame(columns).with_columns(days).rename(lambda name: _column(kind, name))


def _distinct_types(sums: pl.DataFrame, member_index: Whole, *, height: int) -> pl.DataFrame:
    """Count distinct event types: one row per member; `member_index` holds the member of each row of `sums`."""
    is_event = sums["activity"].str.starts_with(EVENT_PREFIX).to_numpy()
    used = {days: member_index[is_event & (sums[f"n_{days}d"].to_numpy() > 0)] for days in DISTINCT_TYPES_WINDOWS_DAYS}
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
