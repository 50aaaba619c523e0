"""Which currencies a table's money is in, with tonight's arrivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from lake.contracts import Table
from lake.storage.delta import Lake

_CURRENCY = "currency"


def rows_by_currency(lake: Lake, table: Table, arriving: Sequence[pl.LazyFrame]) -> Mapping[str, int]:
    """Count records by currency as written, those without one aside; what arrives takes the place of what has its key.

    The lake's log tells whether any record says a currency; in a community that maps none, nothing is read.

    Args:
        lake: The lake before tonight's arrivals land.
        table: A table with a currency.
        arriving: Tonight's good records of it, oldest first.
    """
    arrived = [frame.select(table.key, _CURRENCY) for frame in arriving]
    held = []
    if lake.exists(table.name) and _CURRENCY in lake.filled_columns(table.name):
        held = [lake.scan(table.name).select(table.key, _CURRENCY)]
    counted = _counted([*held, *arrived])
    if len(counted) <= 1 or not arrived:
        return counted
    # Only now are keys looked at, which takes longer: a file that corrects a currency takes the place of what was wrong.
    newest = pl.concat(arrived).unique(table.key, keep="last", maintain_order=True)
    return _counted([*(frame.join(newest.select(table.key), on=table.key, how="anti") for frame in held), newest])


def _counted(frames: Sequence[pl.LazyFrame]) -> dict[str, int]:
    if not frames:
        return {}
    said = pl.concat(frames).filter(pl.col(_CURRENCY).is_not_null())
    return dict(said.group_by(_CURRENCY).agg(rows=pl.len()).collect(engine="streaming").iter_rows())
