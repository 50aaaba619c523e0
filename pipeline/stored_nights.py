"""What nights leave in the lake for later nights: tables that hold the rows of one night beside those of others."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from lake.storage.delta import Lake

SCORES: Final = "scores"
TIERS_TABLE: Final = "tiers"
GROUPS: Final = "groups"
NIGHT: Final = "as_of"


def previous_night(lake: Lake, as_of: date) -> date | None:
    """The newest night before this one that was scored."""
    return max((day for day in lake.days(SCORES, column=NIGHT) if day < as_of), default=None)


def read_scores(lake: Lake, as_of: date) -> pl.DataFrame:
    """One row per member: what a night's lists said, reasons left out."""
    return lake.scan(SCORES).filter(pl.col(NIGHT) == as_of).collect()


def store_night(lake: Lake, table: str, rows: pl.DataFrame, as_of: date) -> None:
    """Write a night's rows unless they are there already, so that running a night again leaves the lake as it is."""
    if as_of in lake.days(table, column=NIGHT):
        held = lake.scan(table).filter(pl.col(NIGHT) == as_of).collect()
        if held.select(rows.columns).equals(rows):
            return
    lake.replace_days(table, rows, days={as_of}, column=NIGHT)
