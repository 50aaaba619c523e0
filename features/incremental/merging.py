"""Adding what a night changes to what is held of all members, in place, without touching the others.

A night changes the sums of a part of the members only. Both tables are sorted by a whole number, so each changed row finds its
place by a search, and the unchanged ones are copied: a fraction of the cost of grouping everything again.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

Whole = npt.NDArray[np.integer]
_KEY = "key"


def merged(held: pl.DataFrame, changes: pl.DataFrame, *, key: pl.Expr, folds: Mapping[str, np.ufunc]) -> pl.DataFrame:
    """Fold rows of changes into the held rows with the same key, and put those without one in their places.

    One row per key, sorted; the columns of `held`.

    Args:
        held: Sorted by `key`, which is unique; nothing is null.
        changes: The same columns, likewise; nothing is null.
        key: A whole number of a row, never negative.
        folds: Column → how two of its values become one; every column but those that `key` is made of.
    """
    keys, changed = (frame.select(key.cast(pl.UInt64)).to_series().to_numpy() for frame in (held, changes))
    place = np.searchsorted(keys, changed)
    met = np.zeros(len(changed), dtype=np.bool_)
    inside = place < len(keys)
    met[inside] = keys[place[inside]] == changed[inside]
    both = held.with_columns(_merged(held[name], changes[name], fold, place[met], met) for name, fold in folds.items())
    if met.all():
        return both
    order = pl.Series(_KEY, keys), pl.Series(_KEY, changed[~met])
    missing = changes.filter(pl.Series(~met)).select(held.columns)
    merged = both.with_columns(order[0]).merge_sorted(missing.with_columns(order[1]), key=_KEY)
    return merged.drop(_KEY)


def _merged(held: pl.Series, changes: pl.Series, fold: np.ufunc, place: Whole, met: npt.NDArray[np.bool_]) -> pl.Series:
    values = held.to_physical().to_numpy(writable=True)
    values[place] = fold(values[place], changes.to_physical().to_numpy()[met])
    return pl.Series(held.name, values).cast(held.dtype)
