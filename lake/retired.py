"""Retired records: records that the newest snapshot of a source lacks are removed; which, when and by which file is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from lake.arrivals import RETIRED
from lake.contracts import MEMBERS, TIMESTAMP, Table
from lake.landing import write_records
from lake.storage.delta import DAY, Lake

SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "table": pl.String(),
    "key": pl.String(),
    "event_date": pl.Date(),
    "source": pl.String(),
    "source_file": pl.String(),
    "arrival_id": pl.String(),
    "retired_by": pl.String(),
    "retired_by_file": pl.String(),
    "retired_at": TIMESTAMP,
    "as_of": pl.Date(),
}


def records_of_source(lake: Lake, table: Table, ledger: pl.DataFrame, source: str) -> pl.LazyFrame:
    """Scan the records that a source has in a table: one row per record.

    Columns: the key, the day where the table has one, `source_file`, `arrival_id`.

    Args:
        lake: The lake.
        table: The contract of the table.
        ledger: One row per arrival.
        source: The source's identity in the ledger.
    """
    arrivals = ledger.filter(pl.col("table") == table.name, pl.col("source") == source).select("arrival_id").lazy()
    day = [DAY] if table.time is not None else []
    records = lake.scan_or_empty(table.name, table.landed_schema).select(table.key, *day, "source_file", "arrival_id")
    return records.join(arrivals, on="arrival_id", how="semi")


def retire(lake: Lake, table: Table, removed: pl.DataFrame) -> dict[str, int]:
    """Remove records from a table.

    Args:
        lake: The lake.
        table: The contract of the table.
        removed: One row per record, as `records_of_source` returns it.

    Returns:
        Arrival → the number of its records that were retired.
    """
    if removed.is_empty():
        return {}
    # Only the days of the removed records are rewritten.
    write_records(lake, table, pl.DataFrame(schema=table.landed_schema), removed=removed)
    return dict(sorted(removed.group_by("arrival_id").len().iter_rows()))


def record_retired(lake: Lake, table: Table, removed: pl.DataFrame, *, by: Mapping[str, Any], at: datetime, as_of: date) -> None:
    """Record which records were retired, when and by which file.

    Args:
        lake: The lake.
        table: The contract of the table.
        removed: One row per record, as `records_of_source` returns it.
        by: The ledger's row of the snapshot that lacks them.
        at: The time of ingestion.
        as_of: The night.
    """
    facts = {"table": table.name, "source": by["source"], "retired_by": by["arrival_id"], "retired_by_file": by["path"]}
    rows = removed.rename({table.key: "key"}).with_columns(
        *([] if DAY in removed.columns else [pl.lit(None, dtype=pl.Date).alias(DAY)]),
        *(pl.lit(value).alias(name) for name, value in facts.items()),
        retired_at=pl.lit(at),
        as_of=pl.lit(as_of),
    )
    lake.append(RETIRED, rows.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()))


def retired_on(lake: Lake, as_of: date) -> dict[str, int]:
    """Return the number of records that were retired on a night, by table."""
    retired = lake.scan_or_empty(RETIRED, SCHEMA).filter(pl.col("as_of") == as_of)
    return dict(retired.group_by("table").len().sort("table").collect().iter_rows())


def scan_retired_members(lake: Lake) -> pl.LazyFrame:
    """Scan the members whose record was retired and has not arrived again: one row per member, `member_id`."""
    retired = lake.scan_or_empty(RETIRED, SCHEMA).filter(pl.col("table") == MEMBERS.name)
    members = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id")
    return retired.select(pl.col("key").alias("member_id")).unique().join(members, on="member_id", how="anti")
