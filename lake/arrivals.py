"""The ledger of arrivals: every file or query result ever taken in, and where each of its rows went.

For every arrival, at every time: rows read = left out + merged + added + replaced + quarantined + landed. A record that landed
and was retired since stays counted as landed, and is counted as retired beside it: the lake holds landed - retired records.

Recording is what makes a landing count. The ledger notes the version of every table it speaks of; whatever was written after
that by a run that died is taken back before the next one lands. So whoever writes to these tables records afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import polars as pl

from lake.contracts import TABLES, TIMESTAMP
from lake.quarantine import QUARANTINE
from lake.storage.delta import Lake

ARRIVALS: Final = "arrivals"
# What stands behind the landed tables: what each source or file gave to a record, standing refusals, retired records.
MEMBERS_PARTS: Final = "members_parts"
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
    # The newest value that a query with a watermark gave so far, as `lake.sources.watermarks` writes it; null for all others.
    "watermark": pl.String(),
}


class CountingError(AssertionError):
    """Rows were lost or counted twice: a bug of ours, found before anybody relied on the lake."""


def read_arrivals(lake: Lake) -> pl.DataFrame:
    """One row per arrival, in the order they came; what a ledger of an earlier release did not count is 0."""
    held = lake.scan_or_empty(ARRIVALS, SCHEMA).collect().sort("sequence")
    lacking = {column: 0 if column in (*COUNTS, RETIRED_COUNT) else None for column in SCHEMA if column not in held.columns}
    return held.with_columns(pl.lit(value).alias(column) for column, value in lacking.items()).select(
        pl.col(column).cast(dtype) for column, dtype in SCHEMA.items()
    )


def paths_by_source(arrivals: pl.DataFrame, table: str) -> dict[str, list[str]]:
    """Source of a table → the paths that have arrived from it."""
    of_table = arrivals.filter(pl.col("table") == table)
    return dict(of_table.group_by("source").agg(pl.col("path").unique()).iter_rows())


def record(
    lake: Lake, arrivals: pl.DataFrame, *, kept_after: Mapping[str, date] | None = None, has_heard_members: bool = False
) -> None:
    """Write the ledger anew, having checked that every row is accounted for.

    Args:
        lake: The lake, with tonight's records landed.
        arrivals: One row per arrival ever, in the ledger's schema.
        kept_after: Table → the last day that has aged out of it; None leaves it as it is.
        has_heard_members: Whether members have arrived and what they said of consent is kept by source.

    Raises:
        CountingError: The counting identity does not hold.
    """
    check_identity(arrivals, held={name: lake.row_count(name) for name in TABLES})
    rows = arrivals.select(pl.col(column).cast(dtype) for column, dtype in SCHEMA.items()).sort("sequence")
    aged_out = read_kept_after(lake) if kept_after is None else kept_after
    metadata: dict[str, object] = {_VERSIONS: {name: lake.version(name) for name in RECORDED_TABLES}}
    if aged_out:
        metadata[_KEPT_AFTER] = {table: day.isoformat() for table, day in sorted(aged_out.items())}
    if has_heard_members or knows_who_refused(lake):
        metadata[_REFUSALS_BY_SOURCE] = True
    lake.replace(ARRIVALS, rows, metadata=metadata)


def read_kept_after(lake: Lake) -> dict[str, date]:
    """Table → the last day that has aged out of it; rows up to that day do not come back."""
    held = lake.metadata(ARRIVALS).get(_KEPT_AFTER, {})
    return {table: date.fromisoformat(day) for table, day in held.items()}


def knows_who_refused(lake: Lake) -> bool:
    """Whether refusals are kept by source; an earlier release kept them in the rows of members alone.

    It is noted with the ledger: a table that a killed run made is there, although nothing of it counts.
    """
    return bool(lake.metadata(ARRIVALS).get(_REFUSALS_BY_SOURCE, False))


def undo_unrecorded(lake: Lake, tables: Iterable[str] = RECORDED_TABLES) -> list[str]:
    """Take back what was written to the tables but never recorded, because the run was killed in between.

    Args:
        lake: The lake, with no run going on.
        tables: Names among `RECORDED_TABLES`.

    Returns:
        The tables that changed.
    """
    recorded = lake.metadata(ARRIVALS).get(_VERSIONS, {})
    if lake.exists(ARRIVALS) and not recorded:
        return []
    known = {name: int(recorded.get(name, -1)) for name in tables if lake.exists(name)}
    return [name for name, version in known.items() if lake.version(name) != version and lake.restore(name, version=version)]


def check_identity(arrivals: pl.DataFrame, *, held: Mapping[str, int]) -> None:
    """Assert the counting identity for every arrival, and that the lake holds exactly what the ledger says.

    Raises:
        CountingError: Naming the arrival or the table and both numbers.
    """
    is_negative = pl.any_horizontal(pl.col(count) < 0 for count in (*COUNTS, RETIRED_COUNT))
    wrong = arrivals.filter(is_negative | pl.sum_horizontal(COUNTS).ne_missing(pl.col("rows_read")))  # noqa: TID251 - whole numbers
    for row in wrong.head(1).iter_rows(named=True):
        told = ", ".join(f"{count} {row[count]}" for count in COUNTS)
        raise CountingError(f"{row['source']} ({row['path']}): {row['rows_read']} rows read, but {told}")
    landed = dict(arrivals.group_by("table").agg((pl.col("landed") - pl.col(RETIRED_COUNT)).sum()).iter_rows())
    for table, rows in held.items():
        if landed.get(table, 0) != rows:
            raise CountingError(f"{table}: the ledger says {landed.get(table, 0)} records, the lake holds {rows}")


def move_counts(arrivals: pl.DataFrame, *, count: str, changes: Mapping[str, int]) -> pl.DataFrame:
    """Add changes to one of the counts, by `arrival_id`.

    Raises:
        CountingError: A change of an arrival that the ledger does not have.
    """
    unknown = set(changes) - set(arrivals["arrival_id"])
    if unknown:
        raise CountingError(f"{count} changed for arrivals that the ledger does not have: {', '.join(sorted(unknown))}")
    change = pl.col("arrival_id").replace_strict(dict(changes), default=0, return_dtype=pl.Int64)
    return arrivals.with_columns((pl.col(count) + change).alias(count)) if changes else arrivals
