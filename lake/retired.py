"""Retired records: what the newest snapshot of a source lacks leaves the lake, and what, when and by which file is kept."""

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


def held_of_source(lake: Lake, table: Table, ledger: pl.DataFrame, source: str) -> pl.LazyFrame:
    """One row per record that a source has in a table: the key, the day where there is one, `source_file`, `arrival_id`."""
    theirs = ledger.filter(pl.col("table") == table.name, pl.col("source") == source).select("arrival_id").lazy()
    day = [DAY] if table.time is not None else []
    held = lake.scan_or_empty(table.name, table.landed_schema).select(table.key, *day, "source_file", "arrival_id")
    return held.join(theirs, on="arrival_id", how="semi")


def retire(lake: Lake, table: Table, gone: pl.DataFrame) -> dict[str, int]:
    """Take records out of a table.

    Args:
        lake: The lake.
        table: Their contract.
        gone: One row per record, as `held_of_source` has it.

    Returns:
        Arrival → how many of its records were retired.
    """
    if gone.is_empty():
        return {}
    write_records(lake, table, pl.DataFrame(schema=table.landed_schema), gone=gone)
    return dict(sorted(gone.group_by("arrival_id").len().iter_rows()))


def keep_retired(lake: Lake, table: Table, gone: pl.DataFrame, *, by: Mapping[str, Any], at: datetime, as_of: date) -> None:
    """Note which records were retired, when and by which file.

    Args:
        lake: The lake.
        table: Their contract.
        gone: One row per record, as `held_of_source` has it.
        by: The ledger's row of the snapshot that lacks them.
        at: The clock at ingestion.
        as_of: The night.
    """
    noted = {"table": table.name, "source": by["source"], "retired_by": by["arrival_id"], "retired_by_file": by["path"]}
    rows = gone.rename({table.key: "key"}).with_columns(
        *([] if DAY in gone.columns else [pl.lit(None, dtype=pl.Date).alias(DAY)]),
        *(pl.lit(value).alias(name) for name, value in noted.items()),
        retired_at=pl.lit(at),
        as_of=pl.lit(as_of),
    )
    lake.append(RETIRED, rows.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()))


def retired_on(lake: Lake, as_of: date) -> dict[str, int]:
    """Table → how many of its records were retired on a night."""
    retired = lake.scan_or_empty(RETIRED, SCHEMA).filter(pl.col("as_of") == as_of)
    return dict(retired.group_by("table").len().sort("table").collect().iter_rows())


def scan_retired_members(lake: Lake) -> pl.LazyFrame:
    """One row per member whose record was retired and has not come back: `member_id`."""
    retired = lake.scan_or_empty(RETIRED, SCHEMA).filter(pl.col("table") == MEMBERS.name)
    held = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id")
    return retired.select(pl.col("key").alias("member_id")).unique().join(held, on="member_id", how="anti")
