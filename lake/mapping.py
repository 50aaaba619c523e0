"""Mapping: an export's own columns become the contract's columns, row by row, losing none.

An expression that cannot be evaluated at all is the configuration's fault and names the source and the column.
A single value that does not cast is that row's fault: the row is rejected and keeps its value for people to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import polars as pl

from lake.casting import cast_to, numeric_reading
from lake.contracts import Table
from lake.errors import ConfigurationError
from lake.source_settings import SourceSettings

ROW_NO: Final = "row_no"
_MOST_COLUMNS_TO_RETYPE: Final = 4


@dataclass(frozen=True)
class Mapped:
    """What one file or query result became.

    Args:
        rows: One row per mapped row: `row_no` (Int64, 1 is the first record) and the mapped contract columns, cast.
        written: The same rows before casting, for showing a value as it was written.
        rejects: One row per mapped row with a value that does not cast: `row_no`, `rules` (list of names).
        rows_read: Records in the export.
        left_out: Records for which `where` was not true.
    """

    rows: pl.DataFrame
    written: pl.DataFrame
    rejects: pl.DataFrame
    rows_read: int
    left_out: int


@dataclass(frozen=True)
class _Evaluated:
    values: pl.Series
    misread: pl.Series | None = None
    inputs: list[str] = field(default_factory=list)


def map_export(export: pl.DataFrame, *, table: Table, settings: SourceSettings, name: str, timezone: str) -> Mapped:
    """Apply `where` and `columns` to an export and cast to the contract's types.

    Args:
        export: One row per record, as read.
        table: The contract to map to.
        settings: The source's expressions and formats.
        name: How messages call this export.
        timezone: The zone of times that name none.

    Raises:
        ConfigurationError: A column that is not in the contract or not in the export, a required column not mapped, or an
            expression that cannot be evaluated.
    """
    expressions = _expressions(export, table, settings, name)
    rows = export.with_row_index(ROW_NO, offset=1).with_columns(pl.col(ROW_NO).cast(pl.Int64))
    kept = rows
    if settings.where is not None:
        kept = rows.filter(_condition(rows, settings.where, name))
    row_nos = kept[ROW_NO]
    written: dict[str, pl.Series] = {}
    cast: dict[str, pl.Series] = {}
    failures: list[pl.DataFrame] = []
    for column, expression in expressions.items():
        dtype = table.columns[column].dtype
        evaluated = _evaluate(kept, expression, wants_number=dtype.is_numeric(), where=f"{name}, column {column}")
        values = evaluated.values.alias(column)
        typed, fails = cast_to(values, dtype, timezone=timezone, date_format=settings.date_format)
        if evaluated.misread is not None:
            fails = fails | evaluated.misread
        written[column], cast[column] = _as_written(values, kept, evaluated), typed
        if fails.any():
            failures.append(pl.DataFrame({ROW_NO: row_nos.filter(fails), "rules": _cast_rule(column, dtype)}))
    return Mapped(
        rows=pl.DataFrame([row_nos, *cast.values()]),
        written=pl.DataFrame([row_nos, *written.values()]),
        rejects=_gather(failures),
        rows_read=export.height,
        left_out=export.height - kept.height,
    )


def rows_as_json(written: pl.DataFrame, row_nos: pl.Series) -> pl.DataFrame:
    """One row per `row_no`: the row's values as a JSON object, as they were written."""
    columns = [column for column in written.columns if column != ROW_NO]
    return written.filter(pl.col(ROW_NO).is_in(row_nos.implode())).select(
        ROW_NO, values=pl.struct(pl.col(columns).cast(pl.String, strict=False)).struct.json_encode()
    )


def _expressions(export: pl.DataFrame, table: Table, settings: SourceSettings, name: str) -> dict[str, str]:
    unknown = [column for column in settings.columns if column not in table.columns]
    if unknown:
        raise ConfigurationError(
            f"{name}: `{unknown[0]}` is not a column of {table.name}", remedy=f"Use one of: {', '.join(table.columns)}."
        )
    expressions = dict(settings.columns) or {column: f'"{column}"' for column in table.columns if column in export.columns}
    missing = [column for column in table.required if column not in expressions]
    if missing:
        raise ConfigurationError(
            f"{name}: {table.name} needs the column `{missing[0]}`, and nothing maps to it",
            remedy=f'Add {missing[0]} = "…" under its `columns`; the export has: {_listed(export.columns)}.',
        )
    return {column: expressions[column] for column in table.columns if column in expressions}


def _condition(rows: pl.DataFrame, where: str, name: str) -> pl.Series:
    told = f"{name}, `where`"
    kept = _evaluate(rows, where, wants_number=False, where=told).values
    if kept.dtype != pl.Boolean:
        raise ConfigurationError(
            f"{told}: `{where}` gives {kept.dtype}, not true or false", remedy="Write a condition, such as `amount > 0`."
        )
    return kept.fill_null(False)


def _evaluate(rows: pl.DataFrame, sql: str, *, wants_number: bool, where: str) -> _Evaluated:
    """Evaluate row by row; text that reads as numbers is offered as numbers where arithmetic needs it."""
    if sql in rows.columns:
        # A plain name needs no SQL, even one that SQL keeps for itself, such as user or order.
        return _Evaluated(rows[sql])
    expression = _parse(sql, where)
    roots = list(dict.fromkeys(expression.meta.root_names()))
    absent = [column for column in roots if column not in rows.columns]
    if absent:
        raise ConfigurationError(
            f"{where}: the export has no column {absent[0]!r}",
            remedy=f"Correct `{sql}`; the export has: {_listed(rows.columns)}.",
        )
    if _is_bare_column(expression, roots):
        return _Evaluated(rows[roots[0]])
    problem: Exception | None = None
    for readings in _readings(rows, roots, wants_number=wants_number):
        chosen = tuple(readings)
        typed = rows.with_columns(reading.alias(column) for column, reading in readings.items())
        for candidate in (expression, _parse(_lenient(sql), where)):
            try:
                values = typed.select(candidate.alias("value")).to_series()
            except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
                problem = error
                continue
            return _checked(rows, typed, values, chosen, strict=candidate is expression, roots=roots, sql=sql, where=where)
    raise ConfigurationError(
        f"{where}: `{sql}` cannot be evaluated: {str(problem).strip().splitlines()[0]}",
        remedy="Correct the expression; column names with blanks or capitals go in double quotes.",
    )


def _checked(
    rows: pl.DataFrame,
    typed: pl.DataFrame,
    values: pl.Series,
    chosen: Iterable[str],
    *,
    strict: bool,
    roots: list[str],
    sql: str,
    where: str,
) -> _Evaluated:
    if len(values) != rows.height:
        if roots or len(values) != 1:
            raise ConfigurationError(
                f"{where}: `{sql}` gives {len(values)} values for {rows.height} rows", remedy="Write an expression over one row."
            )
        values = values.new_from_index(0, rows.height)
    misread = pl.Series([False]).new_from_index(0, rows.height)
    for column in chosen:
        misread = misread | (rows[column].is_not_null() & typed[column].is_null())
    if not strict:
        present = typed.select(pl.all_horizontal(pl.col(column).is_not_null() for column in roots)).to_series()
        misread = misread | (present & values.is_null())
    return _Evaluated(values, misread, inputs=roots)


def _parse(sql: str, where: str) -> pl.Expr:
    try:
        return pl.sql_expr(sql)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise ConfigurationError(
            f"{where}: `{sql}` is not an SQL expression: {str(error).splitlines()[0]}",
            remedy="Correct it; column names with blanks go in double quotes, text in single quotes.",
        ) from error


def _readings(rows: pl.DataFrame, roots: list[str], *, wants_number: bool) -> Iterator[dict[str, pl.Series]]:
    """Ways to read the text columns of an expression as numbers, the likeliest first."""
    text = [column for column in roots if rows[column].dtype == pl.String]
    numeric = {column: reading for column in text if (reading := numeric_reading(rows[column])) is not None}
    if len(numeric) > _MOST_COLUMNS_TO_RETYPE:
        choices: list[tuple[str, ...]] = [tuple(numeric), ()]
    else:
        choices = [chosen for size in range(len(numeric), -1, -1) for chosen in combinations(numeric, size)]
    for chosen in choices if wants_number else reversed(choices):
        yield {column: numeric[column] for column in chosen}
    if wants_number:
        # Mostly text where numbers were meant: every such row is shown as bad, instead of blaming the expression.
        yield {column: rows[column].str.strip_chars().cast(pl.Float64, strict=False) for column in text}


def _as_written(values: pl.Series, rows: pl.DataFrame, evaluated: _Evaluated) -> pl.Series:
    """Where an input was misread, show the inputs instead of the empty result."""
    if evaluated.misread is None or not evaluated.misread.any():
        return values
    inputs = rows.select(
        pl.concat_str(
            [pl.format("{}={}", pl.lit(column), pl.col(column).cast(pl.String).fill_null("")) for column in evaluated.inputs],
            separator=" ",
        )
    ).to_series()
    return inputs.zip_with(evaluated.misread, values.cast(pl.String)).alias(values.name)


def _lenient(sql: str) -> str:
    return re.sub(r"\bCAST\s*\(", "TRY_CAST(", sql, flags=re.IGNORECASE)


def _is_bare_column(expression: pl.Expr, roots: list[str]) -> bool:
    return len(roots) == 1 and expression.meta.is_column()


def _cast_rule(column: str, dtype: pl.DataType) -> str:
    if dtype.is_temporal():
        return f"{column}_is_a_time"
    if dtype == pl.Boolean:
        return f"{column}_is_yes_or_no"
    return f"{column}_is_a_whole_number" if dtype.is_integer() else f"{column}_is_a_number"


def _gather(failures: list[pl.DataFrame]) -> pl.DataFrame:
    if not failures:
        return pl.DataFrame(schema={ROW_NO: pl.Int64, "rules": pl.List(pl.String)})
    return pl.concat(failures).group_by(ROW_NO).agg(pl.col("rules").sort()).sort(ROW_NO)


def _listed(columns: Iterable[str]) -> str:
    names = [column for column in columns if column != ROW_NO]
    return ", ".join(names[:30]) + (", …" if len(names) > 30 else "")  # noqa: PLR2004 - what a terminal shows at a glance
