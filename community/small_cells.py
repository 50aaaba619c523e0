"""Small counts in tables that leave the house: none below a limit is shown, and none can be computed from what is shown.

Source: primary and complementary suppression, Hundepool et al., "Statistical Disclosure Control", 2012. Cells that must not be
shown are put together in one row; as long as that row is too small, the smallest cell that could be shown joins it. So every sum
or difference of rows and total is a sum of cells that may be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

FEWEST_IN_A_CELL: Final = 10
# The row of the values that are not shown on their own.
OTHER: Final = "(other)"


def protect(cells: pl.DataFrame, counts: Sequence[str], *, fewest: int = FEWEST_IN_A_CELL) -> pl.DataFrame:
    """Put small cells together until none is left: one row per value that may be shown, largest first, then perhaps `OTHER`.

    Empty where not even two rows could be shown: a single one would repeat the total.

    Args:
        cells: One row per value: value, and the counts; every member counts in exactly one row.
        counts: The columns that must not be small; other columns are dropped.
        fewest: The smallest count that may be shown.
    """
    smallest = pl.min_horizontal(counts)
    # The order depends on the counts alone, so that it says nothing of who is in the row of the others.
    ranked = cells.select("value", *counts).sort(smallest, *counts, "value")
    hidden = ranked.filter(smallest < fewest).height
    while 0 < hidden < ranked.height and min(ranked.head(hidden).select(pl.col(counts).sum()).row(0)) < fewest:
        hidden += 1
    # Of equal rows none may be shown beside a hidden one: which of them is hidden would say which value was small.
    while 0 < hidden < ranked.height and ranked.row(hidden)[1:] == ranked.row(hidden - 1)[1:]:
        hidden += 1
    shown = ranked.slice(hidden)
    if hidden:
        together = ranked.head(hidden).select(pl.lit(OTHER).alias("value"), pl.col(counts).sum())
        # All that is left may be the others, who would be the total.
        shown = pl.concat([shown.reverse(), together]) if shown.height else shown
    else:
        shown = shown.reverse()
    return shown if shown.height > 1 else shown.clear()
