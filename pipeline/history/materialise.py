"""Materialise the daily rollups in memory where the community is small enough.

The rollups have one file per day. Computing totals from the beginning, or the features of a past night, scans all of them
several times; with thousands of days of few rows each, opening the files is most of the work.
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
    """Read the rollups of a history into memory, unless the lake's rollups have more than `max_rows` rows.

    Args:
        history: A history over the lake's rollups.
        lake: The lake of these rollups.
        max_rows: Limit on the rows of both rollups together.

    Returns:
        The history with `daily` and `ties` in memory, or the same history unchanged.
    """
    # The row counts come from the table logs, without opening a data file. They are an upper bound: the history may be cut.
    rows = sum(lake.rows_by_day(table)["rows"].sum() for table in (DAILY, TIES))
    if rows > max_rows:
        return history
    daily, ties = pl.collect_all([history.daily, history.ties], engine="streaming")
    return replace(history, daily=daily.lazy(), ties=ties.lazy())
