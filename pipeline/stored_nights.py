"""Tables in which nights store results for later nights, with one day of the table per night."""

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
    """Return the newest night before `as_of` that was scored, or None."""
    return max((day for day in lake.days(SCORES, column=NIGHT) if day < as_of), default=None)


def read_scores(lake: Lake, as_of: date) -> pl.DataFrame:
    """Read the scores of a night: one row per member, the columns of its member list without reasons and decisions."""
    return lake.scan(SCORES).filter(pl.col(NIGHT) == as_of).collect()


def store_night(lake: Lake, table: str, rows: pl.DataFrame, as_of: date) -> None:
    """Write a night's rows, unless the same rows are stored already.

    Args:
        lake: The lake.
        table: The name of the table.
        rows: The rows of the night.
        as_of: The night.
    """
    # Without this check a night that is run again would add a version to the table, and its receipt would change.
    if as_of in lake.days(table, column=NIGHT):
        stored = lake.scan(table).filter(pl.col(NIGHT) == as_of).collect()
        # Columns that a night of an earlier release lacks are added, as for a new night.
        if set(rows.columns) <= set(stored.columns) and stored.select(rows.columns).equals(rows):
            return
    lake.replace_days(table, rows, days={as_of}, column=NIGHT, may_add_columns=True)
