"""The quarantine: bad rows with their values, the rules they broke and their source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from lake.contracts import TIMESTAMP
from lake.storage.delta import Lake

QUARANTINE: Final = "quarantine"
OPEN: Final = "open"
READMITTED: Final = "readmitted"
SUPERSEDED: Final = "superseded"
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "quarantine_id": pl.String(),
    "arrival_id": pl.String(),
    "table": pl.String(),
    "source": pl.String(),
    "path": pl.String(),
    "row_no": pl.Int64(),
    "rules": pl.List(pl.String()),
    "values": pl.String(),
    "as_of": pl.Date(),
    "quarantined_at": TIMESTAMP,
    "status": pl.String(),
}


def read_quarantine(lake: Lake) -> pl.DataFrame:
    """Read the quarantine: one row per row ever quarantined, with its status: open, readmitted or superseded by a newer file."""
    return lake.scan_or_empty(QUARANTINE, SCHEMA).collect().sort("quarantine_id")


def write_quarantine(lake: Lake, rows: pl.DataFrame) -> None:
    """Replace the whole quarantine."""
    lake.replace(QUARANTINE, rows.select(pl.col(column).cast(dtype) for column, dtype in SCHEMA.items()).sort("quarantine_id"))


def add(quarantine: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Add tonight's bad rows; adding the same arrival twice, as after a crash, adds nothing.

    Args:
        quarantine: The quarantine before.
        new: Tonight's rows, in the quarantine's schema.
    """
    return pl.concat([quarantine.join(new.select("quarantine_id"), on="quarantine_id", how="anti"), new])


def supersede(quarantine: pl.DataFrame, arrivals: pl.DataFrame) -> pl.DataFrame:
    """Close the open rows of files of which a newer version has arrived: it shows whether they were repaired.

    Args:
        quarantine: The quarantine before.
        arrivals: Tonight's arrivals: `table`, `source`, `path`, `arrival_id`.
    """
    # The last arrival of a path is its newest version; rows of that arrival itself stay open.
    newer = arrivals.select("table", "source", "path", newer_id="arrival_id").unique(["table", "source", "path"], keep="last")
    is_superseded = (pl.col("status") == OPEN) & pl.col("newer_id").is_not_null() & (pl.col("newer_id") != pl.col("arrival_id"))
    return (
        quarantine.join(newer, on=["table", "source", "path"], how="left")
        .with_columns(status=pl.when(is_superseded).then(pl.lit(SUPERSEDED)).otherwise("status"))
        .select(list(SCHEMA))
    )


def supersede_repeated(quarantine: pl.DataFrame, arrivals: pl.DataFrame) -> pl.DataFrame:
    """Close the open rows that a newer arrival has quarantined again, value for value; the others stay open.

    A query with a watermark returns only what changed: a row that it does not return again may still be bad.

    Args:
        quarantine: The quarantine, tonight's rows included.
        arrivals: Tonight's arrivals of such queries: `table`, `source`, `path`, `arrival_id`.
    """
    row_columns = ["table", "source", "path", "values"]
    arrived = quarantine.join(arrivals.select("arrival_id"), on="arrival_id", how="semi")
    newer = arrived.select(*row_columns, newer_id="arrival_id").unique(row_columns, keep="last", maintain_order=True)
    is_superseded = (pl.col("status") == OPEN) & pl.col("newer_id").is_not_null() & (pl.col("newer_id") != pl.col("arrival_id"))
    return (
        quarantine.join(newer, on=row_columns, how="left")
        .with_columns(status=pl.when(is_superseded).then(pl.lit(SUPERSEDED)).otherwise("status"))
        .select(list(SCHEMA))
    )


def set_status(quarantine: pl.DataFrame, quarantine_ids: pl.Series, status: str) -> pl.DataFrame:
    """Return the quarantine with the status of some rows changed.

    Args:
        quarantine: The quarantine before.
        quarantine_ids: The rows to change.
        status: The new status: `OPEN`, `READMITTED` or `SUPERSEDED`.
    """
    is_chosen = pl.col("quarantine_id").is_in(quarantine_ids.implode())
    return quarantine.with_columns(status=pl.when(is_chosen).then(pl.lit(status)).otherwise("status"))
