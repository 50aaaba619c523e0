"""Keeping times: what has aged out of a table is removed by day, counted, and does not come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import polars as pl

from lake.arrivals import move_counts, read_arrivals, read_kept_after, record
from lake.contracts import TABLES
from lake.quarantine import QUARANTINE, READMITTED, read_quarantine, write_quarantine
from lake.record_parts import BY_FILE, forget_parts
from lake.storage.delta import DAY, Lake

TIMED_TABLES: Final = tuple(name for name, table in TABLES.items() if table.time is not None)


def expire(lake: Lake, *, keep_days: Mapping[str, int], as_of: date) -> dict[str, int]:
    """Remove the days that have aged out as of a night, and note up to which day nothing comes back.

    The rows count as left out from then on. A past night that is run again finds what a later one has left of its days.

    Args:
        lake: The lake, with tonight's records landed and recorded.
        keep_days: Table (or `quarantine`) → days kept, the night's own included; a table that is not named is kept for ever.
        as_of: The night.

    Returns:
        Table → rows removed, tables without any left out.
    """
    ledger, kept_after = read_arrivals(lake), read_kept_after(lake)
    moved: dict[str, int] = {}
    before = dict(kept_after)
    for table in TIMED_TABLES:
        if table not in keep_days or not lake.exists(table):
            continue
        last_gone = max(as_of - timedelta(days=keep_days[table]), kept_after.get(table, date.min))
        kept_after[table] = last_gone
        gone = _remove_days(lake, table, until=last_gone)
        ledger = move_counts(ledger, count="landed", changes={arrival: -rows for arrival, rows in gone.items()})
        ledger = move_counts(ledger, count="left_out", changes=gone)
        moved[table] = sum(gone.values())
        if table == BY_FILE.table.name and gone:
            ledger = _forget_old_parts(lake, ledger)
    if QUARANTINE in keep_days:
        gone = _remove_quarantined(lake, until=as_of - timedelta(days=keep_days[QUARANTINE]))
        ledger = move_counts(ledger, count="quarantined", changes={arrival: -rows for arrival, rows in gone.items()})
        ledger = move_counts(ledger, count="left_out", changes=gone)
        moved[QUARANTINE] = sum(gone.values())
    if kept_after != before or any(moved.values()):
        record(lake, ledger, kept_after=kept_after)
    return {table: rows for table, rows in moved.items() if rows}


def expire_nights(lake: Lake, tables: Mapping[str, int], *, column: str, as_of: date) -> dict[str, int]:
    """Remove the nights that have aged out of tables that hold one row per night and member.

    Args:
        lake: The lake.
        tables: Table → days kept.
        column: The column that says which night.
        as_of: Tonight.

    Returns:
        Table → nights removed, tables without any left out.
    """
    removed = {}
    for table, keep_days in tables.items():
        days = {day for day in lake.days(table, column=column) if day <= as_of - timedelta(days=keep_days)}
        if days:
            nothing = lake.scan(table).head(0).collect()
            lake.replace_days(table, nothing, days=days, column=column, metadata=lake.metadata(table) or None)
            removed[table] = len(days)
    return removed


def _remove_days(lake: Lake, table: str, *, until: date) -> dict[str, int]:
    """Remove a table's days up to one; returns how many rows each arrival lost."""
    days = {day for day in lake.days(table) if day <= until}
    if not days:
        return {}
    counted = lake.scan(table).filter(pl.col(DAY) <= until).group_by("arrival_id").len().collect(engine="streaming")
    lake.replace_days(table, pl.DataFrame(schema=TABLES[table].landed_schema), days=days)
    return dict(sorted(counted.iter_rows()))


def _forget_old_parts(lake: Lake, ledger: pl.DataFrame) -> pl.DataFrame:
    """Take away the parts of orders that have aged out; returns the ledger with their rows left out."""
    gone = forget_parts(lake, BY_FILE, ledger)
    ledger = move_counts(ledger, count="added", changes={arrival: -rows for arrival, rows in gone.items()})
    return move_counts(ledger, count="left_out", changes=gone)


def _remove_quarantined(lake: Lake, *, until: date) -> dict[str, int]:
    """Remove quarantined rows that came with a night up to `until`; returns how many each arrival has fewer there."""
    held = read_quarantine(lake)
    old = held["as_of"].is_null() & (held["quarantined_at"].dt.date() <= until) | (held["as_of"] <= until).fill_null(value=False)
    if not old.any():
        return {}
    write_quarantine(lake, held.filter(~old))
    # A re-admitted row has landed since and is counted there.
    return dict(sorted(held.filter(old & (held["status"] != READMITTED)).group_by("arrival_id").len().iter_rows()))
