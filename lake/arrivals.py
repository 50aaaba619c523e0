"""The ledger of arrivals: every file or query result ever ingested, and what became of each of its rows.

For every arrival, at any time: rows read = left out + merged + added + replaced + quarantined + landed. A record that landed and
was retired later stays counted as landed and is counted as retired too: the lake has landed - retired records.

Recording commits a landing. The ledger contains the version of every table it counts; later commits, of a run that was killed
before it recorded, are undone before the next run lands. So code that writes to these tables must call `record` afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import polars as pl

from lake.contracts import MEMBERS_PARTS, TABLES, TIMESTAMP
from lake.quarantine import QUARANTINE
from lake.storage.delta import Lake

ARRIVALS: Final = "arrivals"
# Tables behind the landed ones: parts contributed by each source or file, standing refusals, retired records.
ORDERS_PARTS: Final = "orders_parts"
REFUSALS: Final = "refusals"
RETIRED: Final = "retired"
RECORDED_TABLES: Final = (*TABLES, QUARANTINE, MEMBERS_PARTS, ORDERS_PARTS, REFUSALS, RETIRED)
COUNTS: Final = ("left_out", "merged", "added", "replaced", "quarantined", "landed")
RETIRED_COUNT: Final = "retired"
_VERSIONS: Final = "versions"
_KEPT_AFTER: Final = "kept_after"
_REFUSALS_BY_SOURCE: Final = "refusals_by_source"
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "arrival_id": pl.String(),
    "table": pl.String(),
    "source": pl.String(),
    "path": pl.String(),
    "content_hash": pl.String(),
    "size_bytes": pl.Int64(),
    "modified_ns": pl.Int64(),
    "arrived_at": TIMESTAMP,
    "as_of": pl.Date(),
    "sequence": pl.Int64(),
    "rows_read": pl.Int64(),
    **{count: pl.Int64() for count in COUNTS},
    RETIRED_COUNT: pl.Int64(),
    "key_prefix": pl.String(),
    # The newest value that a query with a watermark has returned, as `lake.sources.watermarks` writes it; null for all others.
    "watermark": pl.String(),
}


class CountingError(AssertionError):
    """Rows were lost or counted twice: a bug in Evenfall, detected before the landing is recorded."""


def read_arrivals(lake: Lake) -> pl.DataFrame:
    """Read the ledger: one row per arrival, by `sequence`; counts that an earlier release did not record are 0."""
    ledger = lake.scan_or_empty(ARRIVALS, SCHEMA).collect().sort("sequence")
    missing = {column: 0 if column in (*COUNTS, RETIRED_COUNT) else None for column in SCHEMA if column not in ledger.columns}
    return ledger.with_columns(pl.lit(value).alias(column) for column, value in missing.items()).select(
        pl.col(column).cast(dtype) for column, dtype in SCHEMA.items()
    )


def paths_by_source(arrivals: pl.DataFrame, table: str) -> dict[str, list[str]]:
    """Return the paths that have arrived, by source of a table."""
    table_arrivals = arrivals.filter(pl.col("table") == table)
    return dict(table_arrivals.group_by("source").agg(pl.col("path").unique()).iter_rows())


def record(
    lake: Lake, arrivals: pl.DataFrame, *, kept_after: Mapping[str, date] | None = None, members_arrived: bool = False
) -> None:
    """Check the counting identity and replace the ledger; this commits what was landed.

    Args:
        lake: The lake, with tonight's records landed.
        arrivals: One row per arrival ever, in the ledger's schema.
        kept_after: Table → the last day that has aged out of it; None leaves it unchanged.
        members_arrived: Whether members have arrived, so that refusals are stored by source from now on.

    Raises:
        CountingError: The counting identity does not hold.
    """
    check_identity(arrivals, record_counts={name: lake.row_count(name) for name in TABLES})
    rows = arrivals.select(pl.col(column).cast(dtype) for column, dtype in SCHEMA.items()).sort("sequence")
    # The metadata of a commit replaces that of the one before, so what stays valid is repeated.
    aged_out = read_kept_after(lake) if kept_after is None else kept_after
    # The ledger is written last and in one commit, which makes everything landed before it count at once.
    metadata: dict[str, object] = {_VERSIONS: {name: lake.version(name) for name in RECORDED_TABLES}}
    if aged_out:
        metadata[_KEPT_AFTER] = {table: day.isoformat() for table, day in sorted(aged_out.items())}
    if members_arrived or has_refusals_by_source(lake):
        metadata[_REFUSALS_BY_SOURCE] = True
    lake.replace(ARRIVALS, rows, metadata=metadata)


def read_kept_after(lake: Lake) -> dict[str, date]:
    """Return the last day that has aged out, by table; rows up to that day are not landed again."""
    recorded = lake.metadata(ARRIVALS).get(_KEPT_AFTER, {})
    return {table: date.fromisoformat(day) for table, day in recorded.items()}


def has_refusals_by_source(lake: Lake) -> bool:
    """Return whether refusals are stored by source; an earlier release stored them in the rows of members only."""
    # The ledger's metadata decides, not the existence of the table: a killed run may have created it without recording.
    return bool(lake.metadata(ARRIVALS).get(_REFUSALS_BY_SOURCE, False))


def undo_unrecorded(lake: Lake, tables: Iterable[str] = RECORDED_TABLES) -> list[str]:
    """Undo commits that were never recorded, because the run was killed in between.

    Args:
        lake: The lake, with no other run writing to it.
        tables: Names among `RECORDED_TABLES`.

    Returns:
        The tables that changed.
    """
    recorded = lake.metadata(ARRIVALS).get(_VERSIONS, {})
    # A ledger from before versions were recorded: nothing is known of what to undo.
    if lake.exists(ARRIVALS) and not recorded:
        return []
    recorded_versions = {name: int(recorded.get(name, -1)) for name in tables if lake.exists(name)}
    return [
        name
        for name, version in recorded_versions.items()
        if lake.version(name) != version and lake.restore(name, version=version)
    ]


def check_identity(arrivals: pl.DataFrame, *, record_counts: Mapping[str, int]) -> None:
    """Check the counting identity of every arrival, and that the lake has as many records as the ledger says.

    Args:
        arrivals: The ledger.
        record_counts: Table → its number of records in the lake.

    Raises:
        CountingError: It does not hold; the message names the arrival or the table, and both numbers.
    """
    # A sum alone would hide two errors that cancel each other.
    is_negative = pl.any_horizontal(pl.col(count) < 0 for count in (*COUNTS, RETIRED_COUNT))
    wrong = arrivals.filter(is_negative | pl.sum_horizontal(COUNTS).ne_missing(pl.col("rows_read")))  # noqa: TID251 - whole numbers
    for row in wrong.head(1).iter_rows(named=True):
        counts = ", ".join(f"{count} {row[count]}" for count in COUNTS)
        raise CountingError(f"{row['source']} ({row['path']}): {row['rows_read']} rows read, but {counts}")
    landed = dict(arrivals.group_by("table").agg((pl.col("landed") - pl.col(RETIRED_COUNT)).sum()).iter_rows())
    for table, rows in record_counts.items():
        if landed.get(table, 0) != rows:
            raise CountingError(f"{table}: the ledger says {landed.get(table, 0)} records, the lake holds {rows}")


def move_counts(arrivals: pl.DataFrame, *, count: str, changes: Mapping[str, int]) -> pl.DataFrame:
    """Add changes to one of the counts of arrivals.

    Args:
        arrivals: The ledger.
        count: The column to change, one of `COUNTS` or `RETIRED_COUNT`.
        changes: `arrival_id` → the change.

    Raises:
        CountingError: The ledger does not have one of these arrivals.
    """
    unknown = set(changes) - set(arrivals["arrival_id"])
    if unknown:
        raise CountingError(f"{count} changed for arrivals that the ledger does not have: {', '.join(sorted(unknown))}")
    change = pl.col("arrival_id").replace_strict(dict(changes), default=0, return_dtype=pl.Int64)
    return arrivals.with_columns((pl.col(count) + change).alias(count)) if changes else arrivals
