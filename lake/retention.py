"""Retention: days that have aged out of a table are removed, counted as left out, and not landed again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import polars as pl

from lake.arrivals import move_counts, read_arrivals, read_kept_after, record
from lake.contracts import TABLES
from lake.quarantine import QUARANTINE, READMITTED, read_quarantine, write_quarantine
from lake.record_parts import BY_FILE, remove_orphaned_parts
from lake.storage.delta import DAY, Lake

TIMED_TABLES: Final = tuple(name for name, table in TABLES.items() if table.time is not None)


def expire(lake: Lake, *, keep_days: Mapping[str, int], as_of: date) -> dict[str, int]:
    """Remove the days that have aged out as of a night, and record up to which day rows are not landed again.

    The removed rows count as left out from then on. They are gone for a past night that is run again, too.

    Args:
        lake: The lake, with tonight's records landed and recorded.
        keep_days: Table (or `quarantine`) → days to keep, the night's own included; other tables are kept without limit.
        as_of: The night.

    Returns:
        Table → number of rows removed; tables without any are left out.
    """
    ledger, kept_after = read_arrivals(lake), read_kept_after(lake)
    removed_rows: dict[str, int] = {}
    kept_after_before = dict(kept_after)
    for table in TIMED_TABLES:
        if table not in keep_days or not lake.exists(table):
            continue
        # Never earlier than before: a longer retention does not bring back rows that are already removed.
        last_expired = max(as_of - timedelta(days=keep_days[table]), kept_after.get(table, date.min))
        kept_after[table] = last_expired
        removed = _remove_days(lake, table, until=last_expired)
        # Moved from one count to another, so that the counting identity holds after the rows are gone.
        ledger = move_counts(ledger, count="landed", changes={arrival: -rows for arrival, rows in removed.items()})
        ledger = move_counts(ledger, count="left_out", changes=removed)
        removed_rows[table] = sum(removed.values())
        if table == BY_FILE.table.name and removed:
            ledger = _remove_expired_parts(lake, ledger)
    if QUARANTINE in keep_days:
        removed = _remove_quarantined(lake, until=as_of - timedelta(days=keep_days[QUARANTINE]))
        ledger = move_counts(ledger, count="quarantined", changes={arrival: -rows for arrival, rows in removed.items()})
        ledger = move_counts(ledger, count="left_out", changes=removed)
        removed_rows[QUARANTINE] = sum(removed.values())
    if kept_after != kept_after_before or any(removed_rows.values()):
        record(lake, ledger, kept_after=kept_after)
    return {table: rows for table, rows in removed_rows.items() if rows}


def expire_nights(lake: Lake, tables: Mapping[str, int], *, column: str, as_of: date) -> dict[str, int]:
    """Remove the nights that have aged out of tables with one row per night and member.

    Args:
        lake: The lake.
        tables: Table → days to keep.
        column: The column with the night.
        as_of: The night.

    Returns:
        Table → number of nights removed; tables without any are left out.
    """
    removed = {}
    for table, keep_days in tables.items():
        days = {day for day in lake.days(table, column=column) if day <= as_of - timedelta(days=keep_days)}
        if days:
            # `replace_days` with an empty frame removes the days; the metadata of the last commit is repeated.
            nothing = lake.scan(table).head(0).collect()
            lake.replace_days(table, nothing, days=days, column=column, metadata=lake.metadata(table) or None)
            removed[table] = len(days)
    return removed


def _remove_days(lake: Lake, table: str, *, until: date) -> dict[str, int]:
    """Remove a table's days up to `until`; returns the number of rows that each arrival lost."""
    days = {day for day in lake.days(table) if day <= until}
    if not days:
        return {}
    counted = lake.scan(table).filter(pl.col(DAY) <= until).group_by("arrival_id").len().collect(engine="streaming")
    lake.replace_days(table, pl.DataFrame(schema=TABLES[table].landed_schema), days=days)
    return dict(sorted(counted.iter_rows()))


def _remove_expired_parts(lake: Lake, ledger: pl.DataFrame) -> pl.DataFrame:
    """Remove the parts of orders that have aged out; returns the ledger with their rows counted as left out."""
    removed = remove_orphaned_parts(lake, BY_FILE, ledger)
    ledger = move_counts(ledger, count="added", changes={arrival: -rows for arrival, rows in removed.items()})
    return move_counts(ledger, count="left_out", changes=removed)


def _remove_quarantined(lake: Lake, *, until: date) -> dict[str, int]:
    """Remove quarantined rows of nights up to `until`; returns by how much each arrival's count of them decreases."""
    quarantine = read_quarantine(lake)
    is_expired = quarantine["as_of"].is_null() & (quarantine["quarantined_at"].dt.date() <= until) | (
        quarantine["as_of"] <= until
    ).fill_null(value=False)
    if not is_expired.any():
        return {}
    write_quarantine(lake, quarantine.filter(~is_expired))
    # A re-admitted row has landed since and is counted as landed.
    return dict(
        sorted(quarantine.filter(is_expired & (quarantine["status"] != READMITTED)).group_by("arrival_id").len().iter_rows())
    )
