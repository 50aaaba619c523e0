"""Evaluating a source's SQL expressions over an export, one value for each of its rows.

Text that reads as numbers is offered as numbers where the expression needs them, because CSV knows nothing but text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import combinations
from typing import Final, Literal

import polars as pl

from lake.casting import as_number, as_text, numeric_reading, without_blanks
from lake.errors import ConfigurationError

Wanted = Literal["number", "condition", "text"]

_MOST_COLUMNS_TO_COMBINE: Final = 6
_COLUMNS_SHOWN: Final = 30
_STRICT_CAST: Final = '"options":"Strict"'
_CAST_TO_TEXT: Final = '"dtype":{"Literal":"String"}'
_LENIENT_CAST: Final = '"options":"NonStrict"'


@dataclass(frozen=True)
class Evaluated:
    """What an expression gave.

    Args:
        values: One value per row.
        misread: True where an input was there but did not read as the type the expression needed.
        written: One text per row for people: the value, or the inputs where they were misread.
    """

    values: pl.Series
    misread: pl.Series
    written: pl.Series


def evaluate(rows: pl.DataFrame, sql: str, *, wanted: Wanted, told: str) -> Evaluated:
    """Evaluate an expression row by row.

    Args:
        rows: The export.
        sql: A column's name as it is, or a Polars SQL expression over one row.
        wanted: What the values are for; decides whether text is offered as numbers first or last.
        told: How messages call the place of the expression.

    Raises:
        ConfigurationError: The expression is no SQL, names an absent column, cannot be evaluated, or looks beyond its row.
    """
    if sql in rows.columns:
        # A plain name needs no SQL, even one that SQL keeps for itself, such as user or order.
        return _as_it_is(without_blanks(rows[sql]))
    expression = _parse(sql, told)
    roots = tuple(dict.fromkeys(expression.meta.root_names()))
    _require_columns(rows, roots, sql, told)
    inputs = [without_blanks(rows[column]) for column in roots]
    if len(roots) == 1 and expression.meta.is_column():
        return _as_it_is(inputs[0])
    if wanted == "text":
        inputs = [_whole_as_integer(column) if column.dtype.is_float() else column for column in inputs]
    rows = rows.with_columns(inputs)
    return _first_reading_that_works(rows, expression, roots, wanted=wanted, sql=sql, told=told)


def listed(columns: Iterable[str]) -> str:
    """Column names for a message."""
    names = list(columns)
    return ", ".join(names[:_COLUMNS_SHOWN]) + (", …" if len(names) > _COLUMNS_SHOWN else "")


def _as_it_is(values: pl.Series) -> Evaluated:
    return Evaluated(values, misread=_no_row(len(values)), written=values)


def _parse(sql: str, told: str) -> pl.Expr:
    try:
        return pl.sql_expr(sql)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise ConfigurationError(
            f"{told}: `{sql}` is not an SQL expression: {_first_line(error)}",
            remedy="Correct it; column names with blanks go in double quotes, text in single quotes.",
        ) from error


def _require_columns(rows: pl.DataFrame, roots: Iterable[str], sql: str, told: str) -> None:
    absent = [column for column in roots if column not in rows.columns]
    if absent:
        raise ConfigurationError(
            f"{told}: the export has no column {absent[0]!r}", remedy=f"Correct `{sql}`; the export has: {listed(rows.columns)}."
        )


def _first_reading_that_works(
    rows: pl.DataFrame, expression: pl.Expr, roots: tuple[str, ...], *, wanted: Wanted, sql: str, told: str
) -> Evaluated:
    problem: BaseException | None = None
    for reading in _readings(rows, roots, wanted=wanted):
        typed = rows.with_columns(column.alias(name) for name, column in reading.items())
        for candidate in _strict_then_lenient(expression):
            try:
                values = typed.select(candidate.alias("value")).to_series()
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError) as error:
                problem = error
                continue
            values = _one_per_row(typed, candidate, values, roots=roots, sql=sql, told=told)
            misread = _misread(rows, reading)
            if candidate is not expression:
                misread |= values.is_null() & _all_present(typed, roots)
            elif misread.any() and (unread := _from_text(rows, expression, reading)) is not None:
                return _as_it_is(unread)
            return Evaluated(values, misread=misread, written=_written(values, rows, roots, misread))
    raise ConfigurationError(
        f"{told}: `{sql}` cannot be evaluated: {_first_line(problem)}",
        remedy="Correct the expression; column names with blanks or capitals go in double quotes.",
    )


def _readings(rows: pl.DataFrame, roots: Iterable[str], *, wanted: Wanted) -> Iterator[Mapping[str, pl.Series]]:
    """Ways to read the text columns of an expression as numbers, the likeliest first."""
    text = [column for column in roots if rows[column].dtype == pl.String]
    numeric = {column: reading for column in text if (reading := numeric_reading(rows[column])) is not None}
    # Of two columns of numbers, 9 is less than 10; of two columns of text it is more.
    numbers_first = wanted == "number" or (wanted == "condition" and len(numeric) > 1)
    choices = sorted(_subsets(list(numeric)), key=len, reverse=numbers_first)
    if wanted == "number":
        # Mostly text where numbers were meant: every such row is shown as bad, instead of blaming the expression.
        choices += sorted(_subsets(text), key=len, reverse=True)
    for chosen in dict.fromkeys(choices):
        yield {column: numeric[column] if column in numeric else as_number(rows[column]) for column in chosen}


def _subsets(columns: list[str]) -> list[tuple[str, ...]]:
    """Every subset of a few columns; of many, those that leave out or take in no more than two."""
    most = len(columns)
    sizes = [size for size in range(most + 1) if most <= _MOST_COLUMNS_TO_COMBINE or min(size, most - size) <= 2]  # noqa: PLR2004
    return [chosen for size in sizes for chosen in combinations(columns, size)]


def _strict_then_lenient(expression: pl.Expr) -> Iterator[pl.Expr]:
    """The expression, and the same with casts that give null for a value they cannot read instead of failing on all rows."""
    yield expression
    written = expression.meta.serialize(format="json")
    if _STRICT_CAST in written:
        yield pl.Expr.deserialize(StringIO(written.replace(_STRICT_CAST, _LENIENT_CAST)), format="json")


def _one_per_row(
    typed: pl.DataFrame, expression: pl.Expr, values: pl.Series, *, roots: tuple[str, ...], sql: str, told: str
) -> pl.Series:
    if not roots and len(values) == 1:
        values = values.new_from_index(0, typed.height)
    if len(values) == typed.height and _looks_at_one_row(typed, expression, values):
        return values
    raise ConfigurationError(
        f"{told}: `{sql}` looks at more than one row", remedy="Write an expression over one row, without sums or counts."
    )


def _looks_at_one_row(typed: pl.DataFrame, expression: pl.Expr, values: pl.Series) -> bool:
    """Whether the first, the middle and the last row give on their own what they give among the others."""
    places = {0, typed.height // 2, typed.height - 1} if typed.height else set()
    return all(
        typed.slice(place, 1).select(expression.alias("value")).to_series().equals(values.slice(place, 1), null_equal=True)
        for place in places
    )


def _from_text(rows: pl.DataFrame, expression: pl.Expr, reading: Mapping[str, pl.Series]) -> pl.Series | None:
    """What the expression gives when a column that is not all numbers stays the text it is, where that is sound.

    So CAST(invoice AS VARCHAR) LIKE 'C%' sees C536379, although nearly all invoices are numbers.
    """
    clean = [column.alias(name) for name, column in reading.items() if not _misread(rows, {name: column}).any()]
    try:
        values = rows.with_columns(clean).select(expression.alias("value")).to_series()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError):
        return None
    # Text compares with text in another order than numbers do: only an expression that asks for text gets it.
    asks_for_text = values.dtype == pl.Boolean and _CAST_TO_TEXT in expression.meta.serialize(format="json")
    return values if values.dtype.is_numeric() or asks_for_text else None


def _misread(rows: pl.DataFrame, reading: Mapping[str, pl.Series]) -> pl.Series:
    misread = _no_row(rows.height)
    for name, column in reading.items():
        misread |= column.is_null() & rows[name].is_not_null()
    return misread


def _all_present(rows: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    return rows.select(pl.all_horizontal(pl.col(column).is_not_null() for column in columns)).to_series()


def _written(values: pl.Series, rows: pl.DataFrame, roots: tuple[str, ...], misread: pl.Series) -> pl.Series:
    """Where an input was misread, the inputs say more than the empty result."""
    if not misread.any():
        return values
    texts = pl.DataFrame({column: as_text(rows[column]) for column in roots})
    shown = [pl.format("{}={}", pl.lit(column), pl.col(column).fill_null("")) for column in roots]
    inputs = texts.select(pl.concat_str(shown, separator=" ")).to_series()
    return inputs.zip_with(misread, as_text(values))


def _whole_as_integer(column: pl.Series) -> pl.Series:
    """Ids become floats when their column has a gap; as text they must not end in .0."""
    whole = column.cast(pl.Int64, strict=False)
    return whole if whole.cast(column.dtype).equals(column, null_equal=True) else column


def _no_row(height: int) -> pl.Series:
    return pl.Series([False]).new_from_index(0, height)


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or ["no reading of it works"])[0]
