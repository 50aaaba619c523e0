"""Record identity: which mapped rows are one record, and what a record's key is.

Identical mapped rows are never dropped as duplicates. Within one file the lines of one order are summed. Where the source has no
key, it is derived from the row's values, so that the same file sent again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from typing import Final

import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT, PROVENANCE, Table
from lake.sources.mapping import ROW_NO
from lake.sources.times import local_date

_MICRO_PER_UNIT: Final = 1_000_000
_MICRO_PER_MINOR: Final = _MICRO_PER_UNIT // MINOR_UNITS_PER_UNIT
_KEY_BYTES: Final = 16


def with_keys(rows: pl.DataFrame, *, table: Table, prefix: str | None = None, taken: Container[str] = ()) -> pl.DataFrame:
    """Add the key to every mapped row, derived if the source maps none.

    One row per mapped row, before and after. A derived key is a hash of the row's mapped values and of its occurrence number
    among identical rows of the same file; in a table with an identity it is a hash of these columns alone, so that two rows with
    one identity have one key.

    Args:
        rows: The mapped rows of one file, with `row_no`.
        table: The contract of the table.
        prefix: The prefix of the source's keys; None for keys without prefix.
        taken: Keys that other rows of the same file have already, as when quarantined rows of a landed file are replayed.
    """
    if table.identity:
        return rows.with_columns(_row_text(rows, table.identity).map_elements(_hash, return_dtype=pl.String).alias(table.key))
    if table.key not in rows.columns:
        rows = _with_derived_keys(rows, table=table, prefix=prefix, taken=taken)
    return rows if prefix is None else rows.with_columns(prefixed(pl.col(table.key), prefix))


def prefixed(key: pl.Expr, prefix: str) -> pl.Expr:
    """Return a prefixed key: prefix, colon and key; null stays null."""
    return (pl.lit(f"{prefix}:") + key).alias(key.meta.output_name())


def _with_derived_keys(rows: pl.DataFrame, *, table: Table, prefix: str | None, taken: Container[str]) -> pl.DataFrame:
    # Sorted by name, so that the order of a mapping does not change keys.
    row_text = _row_text(rows, sorted(column for column in rows.columns if column != ROW_NO))
    digests: list[str] = []
    # How many occurrence numbers of a row's text were taken already; they are skipped.
    skipped: dict[str, int] = {}
    # Identical rows must have different keys, and the same ones when the file is read again: hence the occurrence number.
    for row, occurrence in _with_occurrence(rows.select(written=row_text)).iter_rows():
        key = _key(row, occurrence + skipped.get(row, 0))
        while (key if prefix is None else f"{prefix}:{key}") in taken:
            skipped[row] = skipped.get(row, 0) + 1
            key = _key(row, occurrence + skipped[row])
        digests.append(key)
    return rows.with_columns(pl.Series(table.key, digests, dtype=pl.String))


def as_records(rows: pl.DataFrame, *, table: Table, timezone: str) -> pl.DataFrame:
    """Convert the valid rows of one file to records as the lake stores them.

    One row per key. Order lines are summed: the amount is the lines' exact sum in hundredths, halves rounded away from zero;
    the time is the earliest line's, and each other value that of the earliest line that has one.

    Args:
        rows: Valid mapped rows of one file, with `row_no` and a key.
        table: The contract of the table.
        timezone: The community's timezone, which decides the day.

    Returns:
        Every column of the table's landed schema but the provenance; unmapped columns are null.
    """
    records = rows
    if "amount" in table.columns:
        records = _sum_lines(rows, table)
    if table.time is not None:
        records = records.with_columns(event_date=local_date(pl.col(table.time), timezone=timezone))
    landed = {column: dtype for column, dtype in table.landed_schema.items() if column not in PROVENANCE}
    return records.select(
        (pl.col(column).cast(dtype) if column in records.columns else pl.lit(None, dtype=dtype)).alias(column)
        for column, dtype in landed.items()
    )


def _row_text(rows: pl.DataFrame, columns: Sequence[str]) -> pl.Expr:
    # Control characters as separators keep ("a", "bc") and ("ab", "c") apart.
    return pl.concat_str(
        part for column in columns for part in (pl.lit(f"{column}\x1f"), _canonical(rows, column), pl.lit("\x1e"))
    )


def _key(row: str, occurrence: int) -> str:
    return _hash(f"{row}\x1d{occurrence}")


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).hexdigest()


def _with_occurrence(rows: pl.DataFrame) -> pl.DataFrame:
    """Number identical rows 0, 1, 2 … in their order."""
    # Sorting finds identical rows faster than grouping by long texts.
    ordered = rows.with_row_index("place").sort("written", maintain_order=True)
    at = pl.int_range(pl.len())
    begins = pl.col("written").ne_missing(pl.col("written").shift(1)) | (at == 0)
    numbered = ordered.with_columns(occurrence=at - pl.when(begins).then(at).forward_fill())
    return numbered.sort("place").select("written", "occurrence")


def _sum_lines(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    assert table.time is not None
    # Millionths keep prices such as 0.125 exact until the order is complete; 128 bits keep the sum from overflowing.
    micro = (pl.col("amount") * _MICRO_PER_UNIT).round(0).cast(pl.Int128)
    lines = rows.sort(table.time, ROW_NO).with_columns(micro=micro).drop("amount", ROW_NO)
    # Most orders have one line: only the others are grouped.
    is_alone = pl.col(table.key).is_unique()
    other_columns = [column for column in lines.columns if column not in (table.key, "micro")]
    summed = (
        lines.filter(~is_alone)
        .group_by(table.key, maintain_order=True)
        .agg(pl.col("micro").sum(), *(pl.col(column).drop_nulls().first() for column in other_columns))
    )
    orders = pl.concat([lines.filter(is_alone), summed.select(lines.columns)])
    # Rounded once per order, away from zero, so that a refund has exactly the amount of its order with the sign reversed.
    half_up = ((pl.col("micro").abs() + _MICRO_PER_MINOR // 2) // _MICRO_PER_MINOR).cast(pl.Int64)
    signed = pl.when(pl.col("micro") < 0).then(-half_up).otherwise(half_up)
    return orders.with_columns(amount_minor=signed).drop("micro")


def _canonical(rows: pl.DataFrame, column: str) -> pl.Expr:
    value = pl.col(column)
    # As microseconds, independent of how Polars prints a time.
    if rows[column].dtype.is_temporal():
        value = value.cast(pl.Int64)
    # A null differs from every text, the empty one included.
    return value.cast(pl.String).fill_null("\x00")
