"""Casting of one mapped column to its contract type, with a mask of the values that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import polars as pl

from lake.sources.source_settings import SourceSettings
from lake.sources.times import to_utc

YES: Final = ("true", "t", "yes", "y", "1", "1.0")
_NO: Final = ("false", "f", "no", "n", "0", "0.0")
_NUL: Final = "\x00"
_MOST_MISREAD_SHARE: Final = 0.2
# Invisible characters: byte-order marks, zero-width spaces, marks of writing direction.
_INVISIBLE: Final = "\ufeff\u200b\u2060\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_AROUND_TEXT: Final = "".join(map(chr, filter(lambda code: chr(code).isspace(), range(0x3001)))) + _INVISIBLE
_SPREADSHEET_TEXT: Final = r'^="(.*)"$'


def cast_to(values: pl.Series, dtype: pl.DataType, *, timezone: str, settings: SourceSettings) -> tuple[pl.Series, pl.Series]:
    """Cast a column.

    Text is stripped of blanks and invisible characters around it, and of the ="007" by which spreadsheets keep leading zeros, so
    that ids of one system match those of another. Text with a NUL does not cast, since not every file format can store it.

    Args:
        values: The values of the expression, of any type.
        dtype: The contract's type.
        timezone: The timezone of times without one.
        settings: The source's formats of times, and words for yes and no.

    Returns:
        The cast column, and a mask that is true where a value exists and did not cast.
    """
    values = without_blanks(values)
    if dtype == pl.String:
        typed = as_text(values).str.strip_chars(_AROUND_TEXT)
        # Checked first, because a regular expression on every text is much slower.
        if typed.str.starts_with('="').any():
            typed = typed.str.replace(_SPREADSHEET_TEXT, "$1")
        typed = typed.set(typed.str.contains(_NUL, literal=True), None)
    elif dtype.is_temporal():
        typed = to_utc(values, timezone=timezone, date_format=settings.date_formats)
    elif dtype == pl.Boolean:
        typed = _as_yes_or_no(values, yes=settings.yes or YES, no=settings.no or _NO)
    elif dtype.is_integer():
        typed = _as_whole_number(values, dtype)
    else:
        typed = as_number(values)
    typed = typed.alias(values.name)
    return typed, values.is_not_null() & typed.is_null()


def as_text(values: pl.Series) -> pl.Series:
    """Write values as text, such that reading the text again gives the same value.

    A whole number stored as a float or decimal, as ids are once a column has a gap, is written without its .0; lists and structs
    are written as JSON; bytes that are not UTF-8 text as hexadecimal digits.
    """
    if values.dtype.is_float():
        whole = values.cast(pl.Int64, strict=False)
        is_whole = (values == whole.cast(values.dtype)).fill_null(False)
        return whole.cast(pl.String).zip_with(is_whole, values.cast(pl.String))
    if isinstance(values.dtype, pl.Decimal):
        text = values.cast(pl.String)
        return text.str.replace(r"\.0+$", "")
    if values.dtype.is_nested():
        return _each_as_text(values, lambda value: json.dumps(value, default=str, ensure_ascii=False))
    if values.dtype == pl.Object:
        return _each_as_text(values, str)
    if values.dtype == pl.Binary:
        return _bytes_as_text(values)
    return values.cast(pl.String)


def as_number(values: pl.Series) -> pl.Series:
    """Read values as Float64; null where the value is not a finite number."""
    if values.dtype == pl.String:
        values = values.str.strip_chars()
    if values.dtype.is_temporal() or values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
        return pl.Series(values.name, [None] * len(values), dtype=pl.Float64)
    numbers = values.cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite(), None)


def numeric_reading(column: pl.Series) -> pl.Series | None:
    """Read a text column as numbers if nearly all values are numbers and none is a code with leading zeros.

    A column without values counts as numeric.

    Returns:
        Int64 or Float64, null where the text is not a number; None if the column is not numeric.
    """
    text = without_blanks(column).str.strip_chars()
    numbers = as_number(text)
    present = len(text) - text.null_count()
    misread = numbers.null_count() - text.null_count()
    # A single misread value is allowed even in a short column: it is more likely a bad value than a text column.
    if (present and misread == present) or (misread > 1 and misread > _MOST_MISREAD_SHARE * present):
        return None
    # Leading zeros are part of a code such as a postcode, and would be lost in a number.
    if text.str.contains(r"^[+-]?0\d").any():
        return None
    whole = text.cast(pl.Int64, strict=False)
    return whole if whole.null_count() == numbers.null_count() else numbers


def without_blanks(values: pl.Series) -> pl.Series:
    """Return the values with null for blank text and for NaN."""
    if values.dtype == pl.String:
        return values.set(values.str.strip_chars(_AROUND_TEXT) == "", None)
    return values.fill_nan(None) if values.dtype.is_float() else values


def _each_as_text(values: pl.Series, write: Callable[[Any], str]) -> pl.Series:
    texts = [None if value is None else write(value) for value in values.to_list()]
    return pl.Series(values.name, texts, dtype=pl.String)


def _bytes_as_text(values: pl.Series) -> pl.Series:
    try:
        texts = values.cast(pl.String)
    except pl.exceptions.ComputeError:
        texts = None
    if texts is not None and not texts.str.contains(_NUL, literal=True).any():
        return texts
    # Value by value: whether an id is written as text or as hexadecimal must not depend on other rows.
    return _each_as_text(values, _value_as_text)


def _value_as_text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return value.hex() if _NUL in text else text


def _as_yes_or_no(values: pl.Series, *, yes: tuple[str, ...], no: tuple[str, ...]) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    text = as_text(values).str.strip_chars().str.to_lowercase()
    is_yes = text.is_in(yes)
    return is_yes.set(~(is_yes | text.is_in(no)), None)


def _as_whole_number(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    numbers = as_number(values)
    # 1.5 is not a whole number and becomes null, rather than being rounded silently.
    whole = numbers.round(0)
    return whole.set(whole != numbers, None).cast(dtype, strict=False)
