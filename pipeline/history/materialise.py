"""The rollups of a community that is small enough, read once by those who look at many nights of them.

They have a file for every day. Whoever counts from the beginning, or looks at a past night, goes through all of them several
times, and where there are thousands of days with few rows, opening them is most of the work.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import polars as pl

from features.history import History
from lake.contracts import DAILY, TIES
from lake.storage.delta import Lake

AnyHistory = TypeVar("AnyHistory", bound=History)


def materialise_if_small(history: AnyHistory, lake: Lake, *, max_rows: int) -> AnyHistory:
    """Read what a history holds of the rollups, unless the lake's have more rows than may be held.

    Args:
        history: What may be looked at of the lake's rollups.
        lake: The lake, which knows from its log how many rows there are.
        max_rows: Rows of both rollups together.
    """
    rows = sum(lake.rows_by_day(table)["rows"].sum() for table in (DAILY, TIES))
    if rows > max_rows:
        return history
    daily, ties = pl.collect_all([history.daily, history.ties], engine="streaming")
    return replace(history, daily=daily.lazy(), ties=ties.lazy())
