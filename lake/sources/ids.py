"""Ids: what is none although a text stands there, and what was one before a spreadsheet rounded it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from lake.contracts import Table
from lake.errors import DataError
from lake.sources.casting import as_text
from lake.sources.number_marks import columns_of
from lake.sources.source_settings import NO_ID, NO_MEMBER, SourceSettings

# A column that holds members' ids, whether it is checked against members or not.
_MEMBER_COLUMNS: Final = ("member_id", "author_id", "target_member_id", "referrer_id")
# Excel writes 8.76543E+17. Without the plus, 1e5 or 12E7 is also how a hexadecimal id may look.
_SCIENTIFIC: Final = r"^[+-]?\d([.,]\d+)?[eE]\+\d+$"
# From here on, whole numbers next to each other are the same number as a float.
_EXACT_BELOW: Final[Mapping[pl.DataType, int]] = {pl.Float32(): 2**24, pl.Float64(): 2**53}
_MOST_ROUNDED_SHARE: Final = 0.01
# JavaScript writes 740245381351497700 for 740245381351497730. Of real ids of such length one in a hundred ends in 00, and
# nearly all end in 000 where they are times in nanoseconds.
_LONG: Final = 18
_FEWEST_LONG: Final = 5
_MOSTLY: Final = 0.5


def is_id(table: Table, column: str) -> bool:
    """Whether a contract column holds ids: the key, a reference to another table, or a member."""
    return column == table.key or column in table.references or column in _MEMBER_COLUMNS


def read_ids(
    values: pl.Series, rows: pl.DataFrame, expression: str, *, column: str, settings: SourceSettings
) -> tuple[pl.Series, pl.Series]:
    """Make nulls of what is no id.

    Args:
        values: What the expression gave for a column of ids, one per row.
        rows: The export.
        expression: What was evaluated over it.
        column: The contract column.
        settings: The source.

    Returns:
        The ids, and a mask that is true where one has lost its last digits on its way.
    """
    is_rounded = _rounded(values, [rows[name] for name in columns_of(expression, rows)])
    absent = is_rounded
    if settings.null_values is None:
        texts = NO_MEMBER if column in _MEMBER_COLUMNS else NO_ID
        absent = is_rounded | as_text(values).str.strip_chars().is_in(texts).fill_null(False)
    return values.set(absent, None) if absent.any() else values, is_rounded


def stop_where_many_are_rounded(rounded_ids: Mapping[str, int], *, rows: int, name: str) -> None:
    """Stop when more than one id in a hundred has lost its last digits: different members would become one.

    A single one, or few, are cells of their own: they are bad values of their rows, and nothing is merged.

    Args:
        rounded_ids: Column of ids → how many of them are such.
        rows: Mapped rows of the export.
        name: How messages call the export.

    Raises:
        DataError: Naming the column and how many they are.
    """
    for column, count in rounded_ids.items():
        if count > max(1, _MOST_ROUNDED_SHARE * rows):
            raise DataError(
                f"{name}, column {column}: {count:,} of {rows:,} ids were rounded, as spreadsheets and JavaScript do "
                "with long numbers (8.76543E+17, 740245381351497700): different ids have become the same",
                remedy="Export ids as text, and do not save the file in a spreadsheet in between. Nothing of it landed.",
            )


def _rounded(values: pl.Series, inputs: Sequence[pl.Series]) -> pl.Series:
    """Where a text is like 8.76543E+17, or a float is too large to tell one whole number from the next."""
    lost = pl.Series([False]).new_from_index(0, len(values))
    for column in (values, *inputs):
        exact_below = _EXACT_BELOW.get(column.dtype)
        if exact_below is not None:
            lost |= (column.is_finite() & (column.abs() >= exact_below)).fill_null(False)
    if values.dtype == pl.String:
        lost |= values.str.strip_chars().str.contains(_SCIENTIFIC).fill_null(False)
    if values.dtype == pl.String or values.dtype.is_integer():
        lost |= _rounded_by_javascript(as_text(values))
    return lost


def _rounded_by_javascript(text: pl.Series) -> pl.Series:
    """Where long numbers have lost their last digits, which shows only in many of them."""
    is_long = (text.str.len_bytes() >= _LONG).fill_null(False)
    long = text.filter(is_long)
    long = long.filter(long.str.contains(r"^\d{18,19}$"))
    ended = long.filter(long.str.ends_with("00"))
    common = len(long) >= _FEWEST_LONG and len(ended) > _MOSTLY * len(long)
    if not common or ended.str.ends_with("000").sum() > _MOSTLY * len(ended):
        return pl.Series([False]).new_from_index(0, len(text))
    return text.is_in(ended.implode()).fill_null(False)
