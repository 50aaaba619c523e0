"""Merging the rows that a night changes into the sorted totals of all members.

A night changes the totals of some members only. Both tables are sorted by an integer key, so a binary search finds the row of
each change and unchanged rows are copied: a fraction of the cost of grouping everything again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

Whole = npt.NDArray[np.integer]
_KEY = "key"


def merge_changes(rows: pl.DataFrame, changes: pl.DataFrame, *, key: pl.Expr, folds: Mapping[str, np.ufunc]) -> pl.DataFrame:
    """Combine changes with the rows of the same key, and insert changes whose key is new.

    One row per key, sorted by it; the columns of `rows`.

    Args:
        rows: Sorted by `key`, which is unique; nothing is null.
        changes: The same columns, sorted and unique likewise; nothing is null.
        key: An integer per row, never negative.
        folds: Column → the function that makes one of two of its values; every column but those that `key` is made of.
    """
    keys, changed_keys = (frame.select(key.cast(pl.UInt64)).to_series().to_numpy() for frame in (rows, changes))
    position = np.searchsorted(keys, changed_keys)
    has_row = np.zeros(len(changed_keys), dtype=np.bool_)
    # A key beyond the last one gets the position after the end, which must not be read.
    inside = position < len(keys)
    has_row[inside] = keys[position[inside]] == changed_keys[inside]
    folded = rows.with_columns(_fold(rows[name], changes[name], fold, position[has_row], has_row) for name, fold in folds.items())
    if has_row.all():
        return folded
    order = pl.Series(_KEY, keys), pl.Series(_KEY, changed_keys[~has_row])
    new_rows = changes.filter(pl.Series(~has_row)).select(rows.columns)
    merged = folded.with_columns(order[0]).merge_sorted(new_rows.with_columns(order[1]), key=_KEY)
    return merged.drop(_KEY)


def _fold(column: pl.Series, changes: pl.Series, fold: np.ufunc, position: Whole, has_row: npt.NDArray[np.bool_]) -> pl.Series:
    # Plain indexed assignment suffices, without `ufunc.at`: keys are unique, so no position occurs twice.
    values = column.to_physical().to_numpy(writable=True)
    values[position] = fold(values[position], changes.to_physical().to_numpy()[has_row])
    return pl.Series(column.name, values).cast(column.dtype)
