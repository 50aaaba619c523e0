"""Evaluation of a source's SQL expressions over an export: one value per row.

All columns of a CSV file are text, so text columns of numbers are tried as numbers where the expression needs them.
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
_CHARACTERS_SHOWN: Final = 200
# Two results of the same division differ by less than this.
_LAST_BITS: Final = 1e-12
# What Polars raises for an expression or values that do not fit, panics of its Rust code included.
_EVALUATION_ERRORS: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError, OSError)
# A text that looks like a column's name with blanks or signs, for which "no such column" is the better message.
_LIKE_A_NAME: Final = re.compile(r"\s*[\w$@#&%./ -]*[^\W\d_][\w$@#&%./ -]*")
_COLUMN_NAME: Final = re.compile(r'"?_column_(\d+)_"?')
_STRICT_TIME: Final = '"strict":true,"exact":'
_LENIENT_TIME: Final = '"strict":false,"exact":'
_STRICT_CAST: Final = '"options":"Strict"'
_CAST_TO_TEXT: Final = '"dtype":{"Literal":"String"}'
_LENIENT_CAST: Final = '"options":"NonStrict"'


@dataclass(frozen=True)
class Evaluated:
    """The result of an expression.

    Args:
        values: One value per row.
        misread: One boolean per row: true where an input had a value that could not be read as the type the expression needed.
        written: One text per row for people: the value, or the inputs where they were misread.
    """

    values: pl.Series
    misread: pl.Series
    written: pl.Series


def evaluate(rows: pl.DataFrame, sql: str, *, wanted: Wanted, label: str) -> Evaluated:
    """Evaluate an expression row by row.

    Args:
        rows: The export.
        sql: A column's name as it is, or a Polars SQL expression over one row (docs/expressions.md).
        wanted: The use of the values; decides whether text is tried as numbers first or last.
        label: How messages name the expression's source and column.

    Raises:
        ConfigurationError: The expression is not allowed, names an absent column, cannot be evaluated, or depends on other rows.
            The message contains the expression and names of columns, but no value of the export.
    """
    if sql in rows.columns:
        # A plain column name is not parsed as SQL, so that reserved words such as user or order work.
        return _unchanged(without_blanks(rows[sql]))
    parsed = _parse_expression(rows, sql, label)
    inputs = _inputs(rows, parsed, sql, label)
    if parsed.is_path:
        return _evaluated_path(inputs[0])
    return _evaluate_readings(rows.height, _to_polars(parsed, sql, label), inputs, wanted=wanted, sql=sql, label=label)


def listed(columns: Iterable[str]) -> str:
    """Return column names for a message, shortened after the first 30."""
    names = list(columns)
    return ", ".join(names[:_COLUMNS_SHOWN]) + (", …" if len(names) > _COLUMNS_SHOWN else "")


def _unchanged(values: pl.Series) -> Evaluated:
    return Evaluated(values, misread=_all_false(len(values)), written=values)


def _evaluated_path(value: ExportValue) -> Evaluated:
    if value.unread is None:
        return _unchanged(value.values)
    texts = value.values.zip_with(~value.unread, as_text(value.written))
    return Evaluated(value.values, misread=value.unread, written=texts)


def _parse_expression(rows: pl.DataFrame, sql: str, label: str) -> ParsedExpression:
    try:
        return read_expression(sql)
    except ManyRowsError:
        raise _many_rows_error(sql, label) from None
    except NotReadError as error:
        if _LIKE_A_NAME.fullmatch(sql) and "--" not in sql and "SELECT" not in sql.upper():
            raise _absent_error(sql.strip(), rows.columns, sql, label) from None
        nearest = _nearest_name(sql, rows.columns)
        raise ConfigurationError(
            f"{label}: `{sql}` is not an SQL expression that is read here: {error}",
            remedy=(f"Did you mean the column `{nearest}`? " if nearest else "")
            + "Correct it; column names with blanks go in double quotes, text in single quotes (docs/expressions.md).",
        ) from None


def _inputs(rows: pl.DataFrame, parsed: ParsedExpression, sql: str, label: str) -> list[ExportValue]:
    try:
        return [value_of(rows, path) for path in parsed.paths]
    except AbsentError as error:
        raise _absent_error(error.name, error.existing, sql, label, within=error.within) from None


def _absent_error(name: str, names: Sequence[str], sql: str, label: str, *, within: str | None = None) -> ConfigurationError:
    nearest = _nearest_name(name, names)
    available = f"`{within}` has {listed(names) or 'no fields'}" if within else f"the export has {listed(names)}"
    advice = f"Did you mean `{nearest}`? Otherwise correct" if nearest else "Correct"
    return ConfigurationError(
        f"{label}: no {'field' if within else 'column'} `{name}`; {available}",
        remedy=f"{advice} `{sql}`; names with blanks go in double quotes, text in single quotes."
        + ("" if within else " Columns that some exports lack are listed in `may_lack`."),
    )


def _nearest_name(name: str, names: Sequence[str]) -> str | None:
    """Return the name that was most likely meant, or None if none is similar."""
    folded = {column.casefold(): column for column in names}
    matches = get_close_matches(name.strip('"`').casefold(), list(folded), n=1)
    return folded[matches[0]] if matches else None


def _to_polars(parsed: ParsedExpression, sql: str, label: str) -> pl.Expr:
    try:
        return pl.sql_expr(parsed.sql)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        # Polars has seen no row yet, so its message contains no value; the original column names are put back into it.
        message = _COLUMN_NAME.sub(lambda match: str(parsed.paths[int(match[1])]), first_line(error, most=None))
        raise ConfigurationError(
            f"{label}: `{sql}` is not an SQL expression that Polars reads: {message[:_CHARACTERS_SHOWN]}",
            remedy="Correct it; docs/expressions.md lists the functions and shows how each is called.",
        ) from None


def _evaluate_readings(
    height: int, expression: pl.Expr, inputs: Sequence[ExportValue], *, wanted: Wanted, sql: str, label: str
) -> Evaluated:
    """Evaluate the expression by the first reading of its inputs that works, each with strict and then with lenient casts.

    Args:
        height: Number of rows of the export.
        expression: The expression for Polars.
        inputs: The values of its paths.
        wanted: The use of the values.
        sql: The expression as configured, for messages.
        label: The source and column, for messages.

    Raises:
        ConfigurationError: No reading works, or the expression depends on other rows.
    """
    rows = _input_frame(height, inputs, whole_as_integer=wanted == "text")
    roots = tuple(rows.columns[1:])
    unread = _unread_rows(height, inputs)
    problem: BaseException | None = None
    for reading in _readings(rows, roots, wanted=wanted):
        typed = rows.with_columns(column.alias(name) for name, column in reading.items())
        for variant in _strict_then_lenient(expression):
            try:
                values = typed.select(variant.alias("value")).to_series()
            except _EVALUATION_ERRORS as error:
                problem = error
                continue
            values = _one_per_row(typed, variant, values, roots=roots, sql=sql, label=label)
            # A value that became null in this reading, although there was a text.
            misread = _misread_rows(rows, reading)
            # With lenient casts, a null from present inputs is a value that a cast could not read.
            if variant is not expression:
                misread |= values.is_null() & _all_present(typed, roots)
            elif misread.any() and (plain := _from_text(rows, expression, reading)) is not None:
                return Evaluated(plain, misread=unread, written=_texts_for_people(plain, inputs, unread))
            return Evaluated(values, misread=misread | unread, written=_texts_for_people(values, inputs, misread | unread))
    raise _evaluation_error(inputs, problem, sql, label)


def _input_frame(height: int, inputs: Sequence[ExportValue], *, whole_as_integer: bool) -> pl.DataFrame:
    """Return the inputs as a frame, under the column names of the parsed expression.

    The column `height` comes first, so that an expression without inputs also has one row per row of the export.
    """
    wide = [_in_widest_type(value.values) for value in inputs]
    values = [_whole_as_integer(column) if whole_as_integer and column.dtype.is_float() else column for column in wide]
    columns = [column.alias(column_name(position)) for position, column in enumerate(values)]
    return pl.DataFrame([pl.Series("height", [0]).new_from_index(0, height), *columns])


def _evaluation_error(inputs: Sequence[ExportValue], problem: BaseException | None, sql: str, label: str) -> ConfigurationError:
    """Return the error with the inputs and their types; a library's message may contain a value of the export and is left out."""
    typed_inputs = ", ".join(f"{value.label} ({_type_in_words(value.values.dtype)})" for value in inputs)
    fault = "a regular expression in it is not valid" if "regex" in str(problem) else "what it reads does not fit what it does"
    return ConfigurationError(
        f"{label}: `{sql}` cannot be evaluated: {fault}" + (f"; it reads {typed_inputs}" if typed_inputs else ""),
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


def _many_rows_error(sql: str, label: str) -> ConfigurationError:
    return ConfigurationError(
        f"{label}: `{sql}` looks at more than one row", remedy="Write an expression over one row, without sums or counts."
    )


def _unread_rows(height: int, inputs: Sequence[ExportValue]) -> pl.Series:
    unread = _all_false(height)
    for value in inputs:
        unread = unread if value.unread is None else unread | value.unread
    return unread


def _readings(rows: pl.DataFrame, roots: Iterable[str], *, wanted: Wanted) -> Iterator[Mapping[str, pl.Series]]:
    """Yield ways to read the text columns of an expression as numbers, the most likely first."""
    text_columns = [column for column in roots if rows[column].dtype == pl.String]
    numeric = {column: reading for column in text_columns if (reading := numeric_reading(rows[column])) is not None}
    # Two columns of numbers must be compared as numbers: 9 < 10, but as text "9" > "10".
    numbers_first = wanted == "number" or (wanted == "condition" and len(numeric) > 1)
    choices = sorted(_subsets(list(numeric)), key=len, reverse=numbers_first)
    if wanted == "number":
        # A column of mostly text where numbers are needed: its rows are reported as bad, not the expression as wrong.
        choices += sorted(_subsets(text_columns), key=len, reverse=True)
    for chosen in dict.fromkeys(choices):
        yield {column: numeric[column] if column in numeric else as_number(rows[column]) for column in chosen}


def _subsets(columns: list[str]) -> list[tuple[str, ...]]:
    """Return every subset of few columns; of many columns, only those with at most two chosen or at most two left out."""
    most = len(columns)
    sizes = [size for size in range(most + 1) if most <= _MOST_COLUMNS_TO_COMBINE or min(size, most - size) <= 2]  # noqa: PLR2004
    return [chosen for size in sizes for chosen in combinations(columns, size)]


def _strict_then_lenient(expression: pl.Expr) -> Iterator[pl.Expr]:
    """Yield the expression, and the same with casts that return null for an unreadable value instead of failing."""
    yield expression
    # Polars has no switch for this; in the serialised expression the casts' option is a plain text.
    serialized = expression.meta.serialize(format="json")
    lenient = serialized.replace(_STRICT_CAST, _LENIENT_CAST).replace(_STRICT_TIME, _LENIENT_TIME)
    if lenient != serialized:
        yield pl.Expr.deserialize(StringIO(lenient), format="json")


def _one_per_row(
    typed: pl.DataFrame, expression: pl.Expr, values: pl.Series, *, roots: tuple[str, ...], sql: str, label: str
) -> pl.Series:
    # An expression without columns, such as a constant, has one value for all rows.
    if not roots and len(values) == 1:
        values = values.new_from_index(0, typed.height)
    if len(values) == typed.height and _depends_on_one_row(typed, expression, values):
        return values
    raise _many_rows_error(sql, label)


def _depends_on_one_row(typed: pl.DataFrame, expression: pl.Expr, values: pl.Series) -> bool:
    """Return whether the first, the middle and the last row have the same values when evaluated alone.

    The parser refuses known aggregates; this sample catches any function that depends on other rows all the same.
    """
    # Three rows instead of all: a check of every row would evaluate the expression once per row.
    positions = {0, typed.height // 2, typed.height - 1} if typed.height else set()
    return all(
        _are_equal(typed.slice(position, 1).select(expression.alias("value")).to_series(), values.slice(position, 1))
        for position in positions
    )


def _are_equal(one: pl.Series, other: pl.Series) -> bool:
    if not (one.dtype.is_float() and other.dtype.is_float()):
        return one.equals(other, null_equal=True)
    # Polars divides a single row in another way than many, which differs in the last bit: 1999 / 100 is 19.990000000000002 in a
    # longer column.
    is_close = one.is_close(other, rel_tol=_LAST_BITS, nans_equal=True)
    return one.is_null().equals(other.is_null()) and is_close.drop_nulls().all()


def _from_text(rows: pl.DataFrame, expression: pl.Expr, reading: Mapping[str, pl.Series]) -> pl.Series | None:
    """Return the values of the expression with columns that are not all numbers left as text; None where that is not sound.

    So CAST(invoice AS VARCHAR) LIKE 'C%' matches C536379, although nearly all invoices are numbers.
    """
    clean = [column.alias(name) for name, column in reading.items() if not _misread_rows(rows, {name: column}).any()]
    try:
        values = rows.with_columns(clean).select(expression.alias("value")).to_series()
    except _EVALUATION_ERRORS:
        return None
    # Text compares in another order than numbers: a condition is only sound if the expression itself casts to text.
    asks_for_text = values.dtype == pl.Boolean and _CAST_TO_TEXT in expression.meta.serialize(format="json")
    return values if values.dtype.is_numeric() or asks_for_text else None


def _misread_rows(rows: pl.DataFrame, reading: Mapping[str, pl.Series]) -> pl.Series:
    misread = _all_false(rows.height)
    for name, column in reading.items():
        misread |= column.is_null() & rows[name].is_not_null()
    return misread


def _all_present(rows: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    return rows.select(pl.all_horizontal(pl.col(column).is_not_null() for column in columns)).to_series()


def _texts_for_people(values: pl.Series, inputs: Sequence[ExportValue], misread: pl.Series) -> pl.Series:
    """Return the values for people; where an input was misread, the inputs, as the value is null there."""
    if not misread.any():
        return values
    texts = pl.DataFrame([as_text(value.written).alias(str(position)) for position, value in enumerate(inputs)])
    shown = [
        pl.format("{}={}", pl.lit(value.label), pl.col(str(position)).fill_null("")) for position, value in enumerate(inputs)
    ]
    return texts.select(pl.concat_str(shown, separator=" ")).to_series().zip_with(misread, as_text(values))


def _in_widest_type(column: pl.Series) -> pl.Series:
    """Return numbers in the widest type of their kind.

    In Parquet's narrow types arithmetic wraps around: 100 * 100 is 16 as Int8, and 0 - 1 is 65535 as UInt16.
    """
    if column.dtype.is_integer():
        wide = column.cast(pl.Int64, strict=False)
        return wide if wide.null_count() == column.null_count() else column.cast(pl.Int128)
    if isinstance(column.dtype, pl.List) and column.dtype.inner.is_integer():
        return column.cast(pl.List(pl.Int64), strict=False)
    return column.cast(pl.Float64) if column.dtype.is_float() else column


def _whole_as_integer(column: pl.Series) -> pl.Series:
    """Return whole floats as integers: ids become floats when their column has a gap, and as text must not end in .0."""
    if not column.dtype.is_float():
        return column
    whole = column.cast(pl.Int64, strict=False)
    return whole if whole.cast(column.dtype).equals(column, null_equal=True) else column


def _all_false(height: int) -> pl.Series:
    return pl.Series([False]).new_from_index(0, height)
