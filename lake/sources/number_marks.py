"""Conversion of numbers with a decimal comma or thousands separators to the form that Polars reads.

Only columns from which a number is computed are changed, so that 1.234 stays as it is where it is an id or a version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from lake.contracts import TABLES
from lake.sources.casting import as_number
from lake.sources.source_settings import SourceSettings

_NUMERIC: Final = frozenset(
    name for table in TABLES.values() for name, column in table.columns.items() if column.dtype.is_numeric()
)
# Blanks and apostrophes may be one of several characters.
_MARKS: Final = {" ": "[ \u00a0\u202f]", "'": "['\u2019]"}


def with_plain_numbers(rows: pl.DataFrame, settings: SourceSettings) -> pl.DataFrame:
    """Return the rows with numbers as text without thousands separators and with a decimal point.

    One row per record, before and after. In a column of amounts, a value that is not written with the configured marks becomes a
    text that is not a number, so that 1.234 is never read as 1.2 where the comma is the decimal mark. A column that only takes
    part in another expression is changed if all its values are such numbers.

    Args:
        rows: The export.
        settings: The source, with its decimal mark and thousands separator.
    """
    if settings.decimal == "." and settings.thousands is None:
        return rows
    pattern = _pattern(settings)
    numeric, computed = _inputs(rows, settings)
    changed = [_with_plain_marks(rows[name], settings, pattern) for name in rows.columns if name in numeric]
    for name in computed - numeric:
        text = rows[name].str.strip_chars()
        # An input of another expression may be a text such as a version: only a column of numbers throughout is changed.
        if (text.str.contains(pattern) | (text == "")).all():
            changed.append(_with_plain_marks(rows[name], settings, pattern))
    return rows.with_columns(changed)


def _pattern(settings: SourceSettings) -> str:
    mark = settings.thousands
    grouped = "" if mark is None else rf"|\d{{1,3}}(?:{_MARKS.get(mark, re.escape(mark))}\d{{3}})+"
    decimal = re.escape(settings.decimal)
    return rf"^[+-]?(?:(?:\d+{grouped})(?:{decimal}\d*)?|{decimal}\d+)$"


def _with_plain_marks(column: pl.Series, settings: SourceSettings, pattern: str) -> pl.Series:
    text = column.str.strip_chars()
    fits = text.str.contains(pattern).fill_null(False)
    plain = text
    if settings.thousands is not None:
        plain = plain.str.replace_all(_MARKS.get(settings.thousands, re.escape(settings.thousands)), "")
    plain = plain.str.replace(settings.decimal, ".", literal=True)
    # 1.234 in a file with decimal commas would be read as a number, but the wrong one.
    misleading = ~fits & as_number(text).is_not_null() & text.str.contains(".", literal=True)
    unread = text + f" (decimal mark is {settings.decimal})"
    return plain.zip_with(fits, unread.zip_with(misleading.fill_null(False), column)).alias(column.name)


def _inputs(rows: pl.DataFrame, settings: SourceSettings) -> tuple[set[str], set[str]]:
    """Return the text columns from which a number is computed, and those from which another value or the filter is."""
    numeric: set[str] = set()
    computed: set[str] = set()
    targets = dict(settings.columns) or {name: name for name in rows.columns}
    for target, expression in targets.items():
        if target in _NUMERIC:
            numeric |= set(_text_columns_of(expression, rows))
        elif expression not in rows.columns:
            computed |= set(_text_columns_of(expression, rows))
    if settings.where is not None:
        computed |= set(_text_columns_of(settings.where, rows))
    return numeric, computed


def _text_columns_of(expression: str, rows: pl.DataFrame) -> Iterator[str]:
    """Yield the text columns that an expression reads; none for an invalid one, which fails when it is evaluated."""
    for name in columns_of(expression, rows):
        if rows[name].dtype == pl.String:
            yield name


def columns_of(expression: str, rows: pl.DataFrame) -> tuple[str, ...]:
    """Return the export's columns that an expression reads; none for an invalid one, which fails when it is evaluated."""
    if expression in rows.columns:
        return (expression,)
    try:
        roots = pl.sql_expr(expression).meta.root_names()
    except (pl.exceptions.PolarsError, ValueError):
        return ()
    return tuple(dict.fromkeys(name for name in roots if name in rows.columns))
