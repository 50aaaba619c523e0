"""Casting one mapped column to its contract type, telling which values do not fit."""

from __future__ import annotations

from typing import Final

import polars as pl

from lake.times import to_utc

_YES: Final = ("true", "t", "yes", "y", "1", "1.0")
_NO: Final = ("false", "f", "no", "n", "0", "0.0")
_MOST_MISREAD_SHARE: Final = 0.2


def cast_to(values: pl.Series, dtype: pl.DataType, *, timezone: str, date_format: str | None) -> tuple[pl.Series, pl.Series]:
    """Cast a column.

    Args:
        values: What the expression gave, of any type.
        dtype: The contract's type.
        timezone: The zone of times that name none.
        date_format: How times are written; None for ISO text.

    Returns:
        The cast column, and a mask that is true where a value was there and did not cast. Empty text is null.
    """
    if values.dtype == pl.String:
        values = values.set(values.str.strip_chars() == "", None)
    if dtype == pl.String:
        typed = _as_text(values)
    elif dtype.is_temporal():
        typed = to_utc(values, timezone=timezone, date_format=date_format)
    elif dtype == pl.Boolean:
        typed = _as_yes_or_no(values)
    elif dtype.is_integer():
        typed = _as_whole_number(values, dtype)
    else:
        typed = _as_number(values)
    typed = typed.alias(values.name)
    return typed, values.is_not_null() & typed.is_null()


def numeric_reading(column: pl.Series) -> pl.Series | None:
    """A text column read as numbers, when nearly all of it is numbers and none is a code with leading zeros.

    Returns:
        Int64 or Float64 with null where the text is no number, or None when the column is not numeric.
    """
    text = column.str.strip_chars()
    text = text.set(text == "", None)
    numbers = text.cast(pl.Float64, strict=False)
    present = len(text) - text.null_count()
    misread = numbers.null_count() - text.null_count()
    if misread == present or (misread > 1 and misread > _MOST_MISREAD_SHARE * present):
        return None
    if text.str.contains(r"^[+-]?0\d").any():
        return None
    whole = text.cast(pl.Int64, strict=False)
    return whole if whole.null_count() == numbers.null_count() else numbers


def _as_text(values: pl.Series) -> pl.Series:
    if values.dtype.is_float():
        # A whole number that travelled as a float, as ids do once a column has a gap, is written without its .0
        whole = values.cast(pl.Int64, strict=False)
        is_whole = (values == whole.cast(values.dtype)).fill_null(False)
        return whole.cast(pl.String).zip_with(is_whole, values.cast(pl.String))
    if values.dtype.is_nested() or values.dtype == pl.Object:
        return pl.Series(values.name, [None if value is None else str(value) for value in values], dtype=pl.String)
    if values.dtype == pl.Binary:
        return values.cast(pl.String, strict=False)
    return values.cast(pl.String)


def _as_yes_or_no(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    text = _as_text(values).str.strip_chars().str.to_lowercase()
    yes = text.is_in(_YES)
    return yes.set(~(yes | text.is_in(_NO)), None)


def _as_whole_number(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    numbers = _as_number(values)
    whole = numbers.round(0)
    return whole.set((whole != numbers).fill_null(True) | ~numbers.is_finite().fill_null(False), None).cast(dtype, strict=False)


def _as_number(values: pl.Series) -> pl.Series:
    if values.dtype == pl.String:
        values = values.str.strip_chars()
    if values.dtype.is_temporal() or values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
        return pl.Series(values.name, [None] * len(values), dtype=pl.Float64)
    return values.cast(pl.Float64, strict=False)
