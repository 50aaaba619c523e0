"""Count the currencies of a table's amounts, tonight's arrivals included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from lake.contracts import Table
from lake.storage.delta import Lake

_CURRENCY = "currency"


def rows_by_currency(lake: Lake, table: Table, arriving: Sequence[pl.LazyFrame]) -> Mapping[str, int]:
    """Count records by currency as written; records without a currency are not counted.

    An arriving record replaces the landed one of the same key. Whether any landed record has a currency is read from the
    lake's log, so that a community that maps no currency pays nothing.

    Args:
        lake: The lake before tonight's arrivals land.
        table: A table with a currency.
        arriving: Tonight's good records of the table, oldest first.

    Returns:
        Currency → number of records.
    """
    arriving_currencies = [frame.select(table.key, _CURRENCY) for frame in arriving]
    landed = []
    if lake.exists(table.name) and _CURRENCY in lake.filled_columns(table.name):
        landed = [lake.scan(table.name).select(table.key, _CURRENCY)]
    counts = _count([*landed, *arriving_currencies])
    if len(counts) <= 1 or not arriving_currencies:
        return counts
    # The join on keys is slow and only needed where several currencies are left: a file that corrects wrong ones is no error.
    newest = pl.concat(arriving_currencies).unique(table.key, keep="last", maintain_order=True)
    return _count([*(frame.join(newest.select(table.key), on=table.key, how="anti") for frame in landed), newest])


def _count(frames: Sequence[pl.LazyFrame]) -> dict[str, int]:
    if not frames:
        return {}
    with_currency = pl.concat(frames).filter(pl.col(_CURRENCY).is_not_null())
    return dict(with_currency.group_by(_CURRENCY).agg(rows=pl.len()).collect(engine="streaming").iter_rows())
