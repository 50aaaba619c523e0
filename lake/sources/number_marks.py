"""Numbers written with a decimal comma or with marks between thousands become numbers as Polars reads them.

Only columns that a number is computed from are touched, so that 1.234 stays what it is where it is an id or a version.
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
# Blanks and apostrophes come in several characters.
_MARKS: Final = {" ": "[ \u00a0\u202f]", "'": "['\u2019]"}


def with_plain_numbers(rows: pl.DataFrame, settings: SourceSettings) -> pl.DataFrame:
    """Write numbers as text without marks between thousands and with a decimal point.

    One row per record, before and after. A value that a column of an amount holds and that is not written in this way becomes
    no number, so that 1.234 is never read as one and a bit where a comma is the decimal mark. A column that only takes part in
    another expression is changed where all of it is numbers.
    """
    if settings.decimal == "." and settings.thousands is None:
        return rows
    pattern = _pattern(settings)
    numeric, computed = _inputs(rows, settings)
    changed = [_rewritten(rows[name], settings, pattern) for name in rows.columns if name in numeric]
    for name in computed - numeric:
        text = rows[name].str.strip_chars()
        if (text.str.contains(pattern) | (text == "")).all():
            changed.append(_rewritten(rows[name], settings, pattern))
    return rows.with_columns(changed)


def _pattern(settings: SourceSettings) -> str:
    mark = settings.thousands
    grouped = "" if mark is None else rf"|\d{{1,3}}(?:{_MARKS.get(mark, re.escape(mark))}\d{{3}})+"
    decimal = re.escape(settings.decimal)
    return rf"^[+-]?(?:(?:\d+{grouped})(?:{decimal}\d*)?|{decimal}\d+)$"


def _rewritten(column: pl.Series, settings: SourceSettings, pattern: str) -> pl.Series:
    text = column.str.strip_chars()
    fits = text.str.contains(pattern).fill_null(False)
    plain = text
    if settings.thousands is not None:
        plain = plain.str.replace_all(_MARKS.get(settings.thousands, re.escape(settings.thousands)), "")
    plain = plain.str.replace(settings.decimal, ".", literal=True)
    # 1.234 in a file with decimal commas would read as a number, and as the wrong one.
    misleading = ~fits & as_number(text).is_not_null() & text.str.contains(".", literal=True)
    unread = text + f" (decimal mark is {settings.decimal})"
    return plain.zip_with(fits, unread.zip_with(misleading.fill_null(False), column)).alias(column.name)


def _inputs(rows: pl.DataFrame, settings: SourceSettings) -> tuple[set[str], set[str]]:
    """Text columns that a number comes from, and those that another computed value or the filter comes from."""
    numeric: set[str] = set()
    computed: set[str] = set()
    targets = dict(settings.columns) or {name: name for name in rows.columns}
    for target, expression in targets.items():
        if target in _NUMERIC:
            numeric |= set(_roots(expression, rows))
        elif expression not in rows.columns:
            computed |= set(_roots(expression, rows))
    if settings.where is not None:
        computed |= set(_roots(settings.where, rows))
    return numeric, computed


def _roots(expression: str, rows: pl.DataFrame) -> Iterator[str]:
    """The text columns that an expression names; none where it is no expression, which is told when it is evaluated."""
    for name in columns_of(expression, rows):
        if rows[name].dtype == pl.String:
            yield name


def columns_of(expression: str, rows: pl.DataFrame) -> tuple[str, ...]:
    """The export's columns that an expression reads; none where it is no expression, which evaluating it tells."""
    if expression in rows.columns:
        return (expression,)
    try:
        roots = pl.sql_expr(expression).meta.root_names()
    except (pl.exceptions.PolarsError, ValueError):
        return ()
    return tuple(dict.fromkeys(name for name in roots if name in rows.columns))
