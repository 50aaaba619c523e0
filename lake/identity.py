"""The rule for identity: which mapped rows are one record, and what a record's key is.

Mapped rows are never dropped for looking alike. Within one file the lines of one order are summed; a key the source does
not have is derived from the row, so that the same file sent again changes nothing.
"""

from __future__ import annotations

import hashlib
from typing import Final

import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT, Table
from lake.mapping import ROW_NO
from lake.times import local_date

_MICRO_PER_UNIT: Final = 1_000_000
_MICRO_PER_MINOR: Final = _MICRO_PER_UNIT // MINOR_UNITS_PER_UNIT
_KEY_BYTES: Final = 16


def with_keys(rows: pl.DataFrame, *, table: Table) -> pl.DataFrame:
    """Give every mapped row a key, derived where the source maps none.

    One row per mapped row, before and after. A derived key is a hash of the row's mapped values and of its occurrence number
    among identical rows of the same file.

    Args:
        rows: The mapped rows of one file, with `row_no`.
        table: Their contract.
    """
    if table.key in rows.columns:
        return rows
    values = sorted(column for column in rows.columns if column != ROW_NO)
    text = pl.concat_str(
        [pl.concat_str(pl.lit(f"{column}\x1f"), _canonical(rows, column), pl.lit("\x1e")) for column in values if column]
    )
    keyed = rows.with_columns(text.alias("text")).with_columns(occurrence=pl.int_range(pl.len()).over("text"))
    digests = [
        hashlib.blake2b(f"{row}\x1d{number}".encode(), digest_size=_KEY_BYTES).hexdigest()
        for row, number in keyed.select("text", "occurrence").iter_rows()
    ]
    return rows.with_columns(pl.Series(table.key, digests, dtype=pl.String))


def as_records(rows: pl.DataFrame, *, table: Table, timezone: str) -> pl.DataFrame:
    """Turn the good rows of one file into records as the lake stores them.

    One row per key. Order lines are summed: the amount is the lines' exact sum in hundredths, the time and the other values
    are the earliest line's.

    Args:
        rows: Valid mapped rows of one file, with `row_no` and a key.
        table: Their contract.
        timezone: The community's, which decides the day.

    Returns:
        Every column of the table's landed schema but the provenance; unmapped columns are null.
    """
    records = rows
    if "amount" in table.columns:
        records = _sum_lines(rows, table)
    if table.time is not None:
        records = records.with_columns(event_date=local_date(pl.col(table.time), timezone=timezone))
    landed = {column: dtype for column, dtype in table.landed_schema.items() if column not in _provenance(table)}
    return records.select(
        (pl.col(column).cast(dtype) if column in records.columns else pl.lit(None, dtype=dtype)).alias(column)
        for column, dtype in landed.items()
    )


def _provenance(table: Table) -> set[str]:
    return set(table.landed_schema) - set(table.columns) - {"amount_minor", "event_date"}


def _sum_lines(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    assert table.time is not None
    others = [column for column in rows.columns if column not in (table.key, "amount", ROW_NO)]
    # Millionths keep prices such as 0.125 exact until the order is complete; 128 bits keep the sum from overflowing.
    micro = (pl.col("amount") * _MICRO_PER_UNIT).round(0).cast(pl.Int64).cast(pl.Int128)
    orders = (
        rows.sort(table.time, ROW_NO)
        .with_columns(micro=micro)
        .group_by(table.key, maintain_order=True)
        .agg(pl.col("micro").sum(), *(pl.col(column).drop_nulls().first() for column in others))
    )
    half_up = ((pl.col("micro").abs() + _MICRO_PER_MINOR // 2) // _MICRO_PER_MINOR).cast(pl.Int64)
    signed = pl.when(pl.col("micro") < 0).then(-half_up).otherwise(half_up)
    return orders.with_columns(amount_minor=signed).drop("micro")


def _canonical(rows: pl.DataFrame, column: str) -> pl.Expr:
    value = pl.col(column)
    if rows[column].dtype.is_temporal():
        value = value.cast(pl.Int64)
    return value.cast(pl.String).fill_null("\x00")
