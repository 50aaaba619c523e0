"""Ids: texts that mean "no id", and ids that a spreadsheet or JavaScript has rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from lake.contracts import Table
from lake.errors import DataError
from lake.sources.casting import as_text
from lake.sources.number_marks import columns_of
from lake.sources.source_settings import NO_ID, NO_MEMBER, SourceSettings

# The columns with members' ids, whether they are checked against the members table or not.
_MEMBER_COLUMNS: Final = ("member_id", "author_id", "target_member_id", "referrer_id")
# Excel writes 8.76543E+17. The plus sign is required, since a hexadecimal id may look like 1e5 or 12E7.
_SCIENTIFIC: Final = r"^[+-]?\d([.,]\d+)?[eE]\+\d+$"
# From these values on, a float cannot represent every whole number.
_EXACT_BELOW: Final[Mapping[pl.DataType, int]] = {pl.Float32(): 2**24, pl.Float64(): 2**53}
_MOST_ROUNDED_SHARE: Final = 0.01
# JavaScript writes 740245381351497700 for 740245381351497730. Of real ids of such length one in a hundred ends in 00, and
# nearly all end in 000 where they are times in nanoseconds.
_LONG_DIGITS: Final = 18
_FEWEST_LONG: Final = 5
_MOST_SHARE: Final = 0.5


def is_id(table: Table, column: str) -> bool:
    """Return whether a contract column has ids: the key, a reference to another table, or a member."""
    return column == table.key or column in table.references or column in _MEMBER_COLUMNS


def read_ids(
    values: pl.Series, rows: pl.DataFrame, expression: str, *, column: str, settings: SourceSettings
) -> tuple[pl.Series, pl.Series]:
    """Replace values that are not ids by null.

    Args:
        values: The values of the expression for a column of ids, one per row.
        rows: The export.
        expression: The expression.
        column: The contract column.
        settings: The source.

    Returns:
        The ids, and a mask that is true where an id was rounded and so has lost its last digits.
    """
    is_rounded = _is_rounded(values, [rows[name] for name in columns_of(expression, rows)])
    is_absent = is_rounded
    if settings.null_values is None:
        # With `null_values` configured, the source says itself which texts mean nothing.
        texts = NO_MEMBER if column in _MEMBER_COLUMNS else NO_ID
        is_absent = is_rounded | as_text(values).str.strip_chars().is_in(texts).fill_null(False)
    return values.set(is_absent, None) if is_absent.any() else values, is_rounded


def stop_where_many_are_rounded(rounded_ids: Mapping[str, int], *, rows: int, name: str) -> None:
    """Stop if more than one id in a hundred was rounded: different members would be merged into one.

    Fewer rounded ids are bad values of their rows, which are quarantined or left empty.

    Args:
        rounded_ids: Column of ids → number of rounded ids in it.
        rows: Number of mapped rows of the export.
        name: The export's name in messages.

    Raises:
        DataError: There are more; the message names the column and their number.
    """
    for column, count in rounded_ids.items():
        if count > max(1, _MOST_ROUNDED_SHARE * rows):
            raise DataError(
                f"{name}, column {column}: {count:,} of {rows:,} ids were rounded, as spreadsheets and JavaScript do "
                "with long numbers (8.76543E+17, 740245381351497700): different ids have become the same",
                remedy="Export ids as text, and do not save the file in a spreadsheet in between. Nothing of it landed.",
            )


def _is_rounded(values: pl.Series, inputs: Sequence[pl.Series]) -> pl.Series:
    """Return a mask of texts like 8.76543E+17 and of floats too large to represent every whole number."""
    is_rounded = pl.Series([False]).new_from_index(0, len(values))
    # The inputs are checked too: by casting to text an expression can hide that a number was rounded before.
    for column in (values, *inputs):
        exact_below = _EXACT_BELOW.get(column.dtype)
        if exact_below is not None:
            is_rounded |= (column.is_finite() & (column.abs() >= exact_below)).fill_null(False)
    if values.dtype == pl.String:
        is_rounded |= values.str.strip_chars().str.contains(_SCIENTIFIC).fill_null(False)
    if values.dtype == pl.String or values.dtype.is_integer():
        is_rounded |= _is_rounded_by_javascript(as_text(values))
    return is_rounded


def _is_rounded_by_javascript(text: pl.Series) -> pl.Series:
    """Return a mask of long numbers that end in 00, if so many of the long numbers do that JavaScript must have rounded them."""
    is_long = (text.str.len_bytes() >= _LONG_DIGITS).fill_null(False)
    long = text.filter(is_long)
    long = long.filter(long.str.contains(r"^\d{18,19}$"))
    rounded = long.filter(long.str.ends_with("00"))
    # Of ids that are not rounded, one in a hundred ends in 00: few examples prove nothing.
    is_common = len(long) >= _FEWEST_LONG and len(rounded) > _MOST_SHARE * len(long)
    # Times in nanoseconds end in 000 for another reason.
    if not is_common or rounded.str.ends_with("000").sum() > _MOST_SHARE * len(rounded):
        return pl.Series([False]).new_from_index(0, len(text))
    return text.is_in(rounded.implode()).fill_null(False)
