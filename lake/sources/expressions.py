"""Evaluating a source's SQL expressions over an export, one value for each of its rows.

Text that reads as numbers is offered as numbers where the expression needs them, because CSV knows nothing but text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from itertools import combinations
from typing import Final, Literal

import polars as pl

from lake.errors import ConfigurationError, first_line
from lake.sources.casting import as_number, as_text, numeric_reading, without_blanks
from lake.sources.nested import AbsentError, ExportValue, value_of
from lake.sources.sql_grammar import ManyRowsError, ParsedExpression, column_name, read_expression
from lake.sources.sql_tokens import NotReadError

Wanted = Literal["number", "condition", "text"]

_MOST_COLUMNS_TO_COMBINE: Final = 6
_COLUMNS_SHOWN: Final = 30
_WORDS_SHOWN: Final = 200
_LAST_BITS: Final = 1e-12
_CANNOT: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError, OSError)
_LIKE_A_NAME: Final = re.compile(r"\s*[\w$@#&%./ -]*[^\W\d_][\w$@#&%./ -]*")
_OUR_NAME: Final = re.compile(r'"?_column_(\d+)_"?')
_STRICT_TIME: Final = '"strict":true,"exact":'
_LENIENT_TIME: Final = '"strict":false,"exact":'
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
        sql: A column's name as it is, or a Polars SQL expression over one row (docs/expressions.md).
        wanted: What the values are for; decides whether text is offered as numbers first or last.
        told: How messages call the place of the expression.

    Raises:
        ConfigurationError: The expression is none that is read here, names an absent column, cannot be evaluated, or looks beyond
            its row. The message holds the expression and the names of columns, and no value of the export.
    """
    if sql in rows.columns:
        # A plain name needs no SQL, even one that SQL keeps for itself, such as user or order.
        return _as_it_is(without_blanks(rows[sql]))
    read = _read(rows, sql, told)
    inputs = _inputs(rows, read, sql, told)
    if read.alone:
        return _alone(inputs[0])
    return _first_reading_that_works(rows.height, _parse(read, sql, told), inputs, wanted=wanted, sql=sql, told=told)


def listed(columns: Iterable[str]) -> str:
    """Column names for a message."""
    names = list(columns)
    return ", ".join(names[:_COLUMNS_SHOWN]) + (", …" if len(names) > _COLUMNS_SHOWN else "")


def _as_it_is(values: pl.Series) -> Evaluated:
    return Evaluated(values, misread=_no_row(len(values)), written=values)


def _alone(value: ExportValue) -> Evaluated:
    if value.unread is None:
        return _as_it_is(value.values)
    written = value.values.zip_with(~value.unread, as_text(value.written))
    return Evaluated(value.values, misread=value.unread, written=written)


def _read(rows: pl.DataFrame, sql: str, told: str) -> ParsedExpression:
    try:
        return read_expression(sql)
    except ManyRowsError:
        raise _looks_further(sql, told) from None
    except NotReadError as error:
        if _LIKE_A_NAME.fullmatch(sql) and "--" not in sql and "SELECT" not in sql.upper():
            raise _absent(sql.strip(), rows.columns, sql, told) from None
        nearest = _nearest(sql, rows.columns)
        raise ConfigurationError(
            f"{told}: `{sql}` is not an SQL expression that is read here: {error}",
            remedy=(f"Did you mean the column `{nearest}`? " if nearest else "")
            + "Correct it; column names with blanks go in double quotes, text in single quotes (docs/expressions.md).",
        ) from None


def _inputs(rows: pl.DataFrame, read: ParsedExpression, sql: str, told: str) -> list[ExportValue]:
    try:
        return [value_of(rows, path) for path in read.paths]
    except AbsentError as error:
        raise _absent(error.name, error.held, sql, told, within=error.within) from None


def _absent(name: str, held: Sequence[str], sql: str, told: str, *, within: str | None = None) -> ConfigurationError:
    nearest = _nearest(name, held)
    there = f"`{within}` has {listed(held) or 'no fields'}" if within else f"the export has {listed(held)}"
    advice = f"Did you mean `{nearest}`? Otherwise correct" if nearest else "Correct"
    return ConfigurationError(
        f"{told}: no {'field' if within else 'column'} `{name}`; {there}",
        remedy=f"{advice} `{sql}`; names with blanks go in double quotes, text in single quotes."
        + ("" if within else " Columns that some exports lack are listed in `may_lack`."),
    )


def _nearest(name: str, held: Sequence[str]) -> str | None:
    """The name that is likeliest meant, or None when none is near."""
    folded = {column.casefold(): column for column in held}
    found = get_close_matches(name.strip('"`').casefold(), list(folded), n=1)
    return folded[found[0]] if found else None


def _parse(read: ParsedExpression, sql: str, told: str) -> pl.Expr:
    try:
        return pl.sql_expr(read.sql)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        # Polars has seen no row yet: its words are about the expression, whose names are put back.
        words = _OUR_NAME.sub(lambda found: str(read.paths[int(found[1])]), first_line(error, most=None))
        raise ConfigurationError(
            f"{told}: `{sql}` is not an SQL expression that Polars reads: {words[:_WORDS_SHOWN]}",
            remedy="Correct it; docs/expressions.md lists the functions and shows how each is called.",
        ) from None


def _first_reading_that_works(
    height: int, expression: pl.Expr, inputs: Sequence[ExportValue], *, wanted: Wanted, sql: str, told: str
) -> Evaluated:
    rows = _numbered(height, inputs, whole_as_integer=wanted == "text")
    roots = tuple(rows.columns[1:])
    unread = _unread(height, inputs)
    problem: BaseException | None = None
    for reading in _readings(rows, roots, wanted=wanted):
        typed = rows.with_columns(column.alias(name) for name, column in reading.items())
        for candidate in _strict_then_lenient(expression):
            try:
                values = typed.select(candidate.alias("value")).to_series()
            except _CANNOT as error:
                problem = error
                continue
            values = _one_per_row(typed, candidate, values, roots=roots, sql=sql, told=told)
            misread = _misread(rows, reading)
            if candidate is not expression:
                misread |= values.is_null() & _all_present(typed, roots)
            elif misread.any() and (plain := _from_text(rows, expression, reading)) is not None:
                return Evaluated(plain, misread=unread, written=_written(plain, inputs, unread))
            return Evaluated(values, misread=misread | unread, written=_written(values, inputs, misread | unread))
    raise _cannot(inputs, problem, sql, told)


def _numbered(height: int, inputs: Sequence[ExportValue], *, whole_as_integer: bool) -> pl.DataFrame:
    """What the expression reads, under the names Polars sees, behind a column that holds the height where it reads nothing."""
    wide = [_wide(value.values) for value in inputs]
    values = [_whole_as_integer(column) if whole_as_integer and column.dtype.is_float() else column for column in wide]
    columns = [column.alias(column_name(place)) for place, column in enumerate(values)]
    return pl.DataFrame([pl.Series("height", [0]).new_from_index(0, height), *columns])


def _cannot(inputs: Sequence[ExportValue], problem: BaseException | None, sql: str, told: str) -> ConfigurationError:
    """Say what was read, as what; a library's words may hold a value of the export and are left out."""
    reads = ", ".join(f"{value.label} ({_type_in_words(value.values.dtype)})" for value in inputs)
    fault = "a regular expression in it is not valid" if "regex" in str(problem) else "what it reads does not fit what it does"
    return ConfigurationError(
        f"{told}: `{sql}` cannot be evaluated: {fault}" + (f"; it reads {reads}" if reads else ""),
        remedy="Correct it, or cast what it reads, such as CAST(x AS DOUBLE) or DATE '2024-01-31' (docs/expressions.md).",
    )


def _type_in_words(dtype: pl.DataType) -> str:
    if dtype == pl.String:
        return "text"
    if dtype.is_integer():
        return "whole numbers"
    if dtype.is_numeric():
        return "numbers"
    return {"Boolean": "yes or no", "Null": "nothing", "Struct": "fields"}.get(str(dtype.base_type()), str(dtype).lower())


def _looks_further(sql: str, told: str) -> ConfigurationError:
    return ConfigurationError(
        f"{told}: `{sql}` looks at more than one row", remedy="Write an expression over one row, without sums or counts."
    )


def _unread(height: int, inputs: Sequence[ExportValue]) -> pl.Series:
    unread = _no_row(height)
    for value in inputs:
        unread = unread if value.unread is None else unread | value.unread
    return unread


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
    lenient = written.replace(_STRICT_CAST, _LENIENT_CAST).replace(_STRICT_TIME, _LENIENT_TIME)
    if lenient != written:
        yield pl.Expr.deserialize(StringIO(lenient), format="json")


def _one_per_row(
    typed: pl.DataFrame, expression: pl.Expr, values: pl.Series, *, roots: tuple[str, ...], sql: str, told: str
) -> pl.Series:
    if not roots and len(values) == 1:
        values = values.new_from_index(0, typed.height)
    if len(values) == typed.height and _looks_at_one_row(typed, expression, values):
        return values
    raise _looks_further(sql, told)


def _looks_at_one_row(typed: pl.DataFrame, expression: pl.Expr, values: pl.Series) -> bool:
    """Whether the first, the middle and the last row give on their own what they give among the others."""
    places = {0, typed.height // 2, typed.height - 1} if typed.height else set()
    return all(
        _is_same(typed.slice(place, 1).select(expression.alias("value")).to_series(), values.slice(place, 1)) for place in places
    )


def _is_same(one: pl.Series, other: pl.Series) -> bool:
    if not (one.dtype.is_float() and other.dtype.is_float()):
        return one.equals(other, null_equal=True)
    # Polars divides one row and many in two ways that differ in the last bit: among others, 1999 / 100 is 19.990000000000002.
    is_close = one.is_close(other, rel_tol=_LAST_BITS, nans_equal=True)
    return one.is_null().equals(other.is_null()) and is_close.drop_nulls().all()


def _from_text(rows: pl.DataFrame, expression: pl.Expr, reading: Mapping[str, pl.Series]) -> pl.Series | None:
    """What the expression gives when a column that is not all numbers stays the text it is, where that is sound.

    So CAST(invoice AS VARCHAR) LIKE 'C%' sees C536379, although nearly all invoices are numbers.
    """
    clean = [column.alias(name) for name, column in reading.items() if not _misread(rows, {name: column}).any()]
    try:
        values = rows.with_columns(clean).select(expression.alias("value")).to_series()
    except _CANNOT:
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


def _written(values: pl.Series, inputs: Sequence[ExportValue], misread: pl.Series) -> pl.Series:
    """Where an input was misread, the inputs say more than the empty result."""
    if not misread.any():
        return values
    texts = pl.DataFrame([as_text(value.written).alias(str(place)) for place, value in enumerate(inputs)])
    shown = [pl.format("{}={}", pl.lit(value.label), pl.col(str(place)).fill_null("")) for place, value in enumerate(inputs)]
    return texts.select(pl.concat_str(shown, separator=" ")).to_series().zip_with(misread, as_text(values))


def _wide(column: pl.Series) -> pl.Series:
    """Numbers in the widest type of their kind: Parquet's narrow ones wrap around, so that 100 * 100 is 16 and 0 - 1 is 65535."""
    if column.dtype.is_integer():
        wide = column.cast(pl.Int64, strict=False)
        return wide if wide.null_count() == column.null_count() else column.cast(pl.Int128)
    if isinstance(column.dtype, pl.List) and column.dtype.inner.is_integer():
        return column.cast(pl.List(pl.Int64), strict=False)
    return column.cast(pl.Float64) if column.dtype.is_float() else column


def _whole_as_integer(column: pl.Series) -> pl.Series:
    """Ids become floats when their column has a gap; as text they must not end in .0."""
    if not column.dtype.is_float():
        return column
    whole = column.cast(pl.Int64, strict=False)
    return whole if whole.cast(column.dtype).equals(column, null_equal=True) else column


def _no_row(height: int) -> pl.Series:
    return pl.Series([False]).new_from_index(0, height)
