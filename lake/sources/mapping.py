"""Mapping of an export's columns to the contract's columns, row by row, without losing any row.

An expression that cannot be evaluated is an error of the configuration, which names the source and the column. A single value
that does not cast is an error of the data: in a required column its row is rejected, with the value as it was written; in an
optional one the cell becomes null, and unreadable consent counts as a refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from lake.contracts import CONSENT, Table
from lake.errors import ConfigurationError
from lake.sources.casting import as_text, cast_to
from lake.sources.expressions import Wanted, evaluate, listed
from lake.sources.ids import is_id, read_ids
from lake.sources.number_marks import columns_of
from lake.sources.source_settings import SourceSettings

ROW_NO: Final = "row_no"


@dataclass(frozen=True)
class Mapped:
    """The mapping of one file or query result.

    Args:
        rows: One row per mapped row: `row_no` (Int64, 1 is the first record) and the mapped contract columns, cast.
        written: The same rows before casting, for showing a value as it was written.
        rejects: One row per mapped row with a required value that does not cast: `row_no`, `rules` (list of names).
        rows_read: Number of records in the export.
        left_out: Number of records for which `where` was not true.
        rounded_ids: Column of ids → number of rounded ids in it.
        blanked: One row per mapped row, except rejects, with optional values that do not cast and are null, or a refusal, in
            `rows`: `row_no`, `rules`.
    """

    rows: pl.DataFrame
    written: pl.DataFrame
    rejects: pl.DataFrame
    rows_read: int
    left_out: int
    rounded_ids: Mapping[str, int] = field(default_factory=dict)
    blanked: pl.DataFrame = field(default_factory=lambda: _by_row([_no_failures()]))


def map_export(export: pl.DataFrame, *, table: Table, settings: SourceSettings, name: str, timezone: str) -> Mapped:
    """Apply `where` and `columns` to an export, and cast to the contract's types.

    Args:
        export: One row per record, as read.
        table: The contract to map to.
        settings: The source's expressions and formats.
        name: The export's name in messages.
        timezone: The timezone of times without one.

    Raises:
        ConfigurationError: A column is not in the contract or not in the export, a required column is not mapped, or an
            expression cannot be evaluated.
    """
    if export.is_empty():
        return _map_no_records(export, table, settings, name)
    expressions = _expressions(export, table, settings, name)
    rows = _with_text_as_string(_with_missing_columns(export, settings.may_lack))
    # Checked before `where` removes rows, since the filter itself may read such a column.
    _stop_at_ambiguous_columns(rows, [*expressions.values(), *([settings.where] if settings.where else [])], name)
    is_kept = _where_mask(rows, settings.where, name)
    rows = rows.filter(is_kept)
    # Numbered before `where`, so that a row number is the record's position in the export.
    row_nos = pl.Series(ROW_NO, range(1, export.height + 1), dtype=pl.Int64).filter(is_kept)
    mapped = _MappedColumns(row_nos)
    for column, expression in expressions.items():
        _map_column(mapped, rows, column, expression, table=table, settings=settings, name=name, timezone=timezone)
    rejects = _by_row(mapped.failures[True])
    return Mapped(
        rows=pl.DataFrame([row_nos, *mapped.cast]),
        written=pl.DataFrame([row_nos, *mapped.written]),
        rejects=rejects,
        rows_read=export.height,
        left_out=export.height - rows.height,
        rounded_ids=mapped.rounded_ids,
        blanked=_by_row(mapped.failures[False]).join(rejects, on=ROW_NO, how="anti", maintain_order="left"),
    )


@dataclass(frozen=True)
class _MappedColumns:
    """What mapping the columns one by one has produced so far; `failures` by whether the row is bad without the value."""

    row_nos: pl.Series
    written: list[pl.Series] = field(default_factory=list)
    cast: list[pl.Series] = field(default_factory=list)
    failures: dict[bool, list[pl.DataFrame]] = field(default_factory=lambda: {True: [_no_failures()], False: [_no_failures()]})
    rounded_ids: dict[str, int] = field(default_factory=dict)

    def add_failures(self, rule: str, failing: pl.Series, *, is_needed: bool) -> None:
        self.failures[is_needed].append(self.row_nos.filter(failing).to_frame().with_columns(rules=pl.lit(rule)))


def _map_column(
    mapped: _MappedColumns,
    rows: pl.DataFrame,
    column: str,
    expression: str,
    *,
    table: Table,
    settings: SourceSettings,
    name: str,
    timezone: str,
) -> None:
    """Evaluate and cast one column, and add it with its failures to `mapped`; arguments as in `map_export`."""
    dtype = table.columns[column].dtype
    result = evaluate(rows, expression, wanted=_wanted(dtype), label=f"{name}, column {column}")
    values, is_needed = result.values, table.needs(column)
    if is_id(table, column):
        values, is_rounded = read_ids(values, rows, expression, column=column, settings=settings)
        mapped.rounded_ids[column] = int(is_rounded.sum())
        mapped.add_failures(f"{column}_is_not_rounded", is_rounded, is_needed=is_needed)
    typed, fails = cast_to(values, dtype, timezone=timezone, settings=settings)
    words = table.columns[column].words
    if words:
        typed, unknown = _known_words(typed, words)
        fails |= unknown
    # A value counts as bad if it failed to cast, or if the expression read it as something that it is not.
    unread = fails | result.misread
    mapped.written.append(result.written.alias(column))
    # A required column keeps what was cast: its bad rows are rejected as a whole.
    mapped.cast.append((typed if is_needed else typed.set(unread, False if column in CONSENT else None)).alias(column))
    for rule, failing in _rule_masks(column, dtype, words=words, fails=fails, misread=result.misread).items():
        mapped.add_failures(rule, failing, is_needed=is_needed)


def _known_words(values: pl.Series, words: Collection[str]) -> tuple[pl.Series, pl.Series]:
    """Return the values as the words are written, whatever their case, and a mask of those that are none of the words."""
    spelt = {word.casefold(): word for word in words}
    distinct = values.drop_nulls().unique()
    known = {value: spelt.get(value.strip().casefold()) for value in distinct}
    read = values.replace_strict(known, default=None, return_dtype=pl.String) if known else values
    return read, values.is_not_null() & read.is_null()


def rows_as_json(written: pl.DataFrame, row_nos: pl.Series) -> pl.DataFrame:
    """Return one row per `row_no`: `values`, the row's values as they were written, as a JSON object of texts."""
    chosen = written.filter(pl.col(ROW_NO).is_in(row_nos.implode()))
    texts = [as_text(column) for column in chosen.iter_columns() if column.name != ROW_NO]
    return chosen.select(ROW_NO, values=pl.struct(texts).struct.json_encode())


def _map_no_records(export: pl.DataFrame, table: Table, settings: SourceSettings, name: str) -> Mapped:
    """Return the mapping of an export without records.

    Its expressions are not evaluated, since an empty column has no type; and a file without columns is not accused of lacking
    any.
    """
    columns = _expressions(export, table, settings, name) if export.width else dict.fromkeys(settings.columns or table.required)
    schema = {column: table.columns[column].dtype for column in table.columns if column in columns}
    rows = pl.DataFrame(schema={ROW_NO: pl.Int64(), **schema})
    rejects = pl.DataFrame(schema={ROW_NO: pl.Int64(), "rules": pl.List(pl.String)})
    return Mapped(rows=rows, written=rows, rejects=rejects, rows_read=0, left_out=0)


def _stop_at_ambiguous_columns(rows: pl.DataFrame, expressions: list[str], name: str) -> None:
    """Stop if an expression reads a column that occurs twice, with different values.

    Raises:
        ConfigurationError: Naming the column.
    """
    if not any(column.endswith("_duplicated_0") for column in rows.columns):
        return
    for column in dict.fromkeys(column for expression in expressions for column in columns_of(expression, rows)):
        second = f"{column}_duplicated_0"
        differ = rows[column].ne_missing(rows[second]).sum() if second in rows.columns else 0
        if differ:
            raise ConfigurationError(
                f"{name}: the export has the column `{column}` more than once, and {differ:,} of {rows.height:,} rows differ",
                remedy="Name all columns with `column_names` and `header = true`, in a query with AS, or map "
                f"`{second}`, the second, and leave `{column}` out.",
            )


def _no_failures() -> pl.DataFrame:
    return pl.DataFrame(schema={ROW_NO: pl.Int64, "rules": pl.String})


def _by_row(failures: list[pl.DataFrame]) -> pl.DataFrame:
    """Return one row per row with a failure: `row_no`, and the sorted names of its broken rules."""
    return pl.concat(failures).group_by(ROW_NO).agg(pl.col("rules").sort()).sort(ROW_NO)


def _expressions(export: pl.DataFrame, table: Table, settings: SourceSettings, name: str) -> dict[str, str]:
    unknown = [column for column in settings.columns if column not in table.columns]
    if unknown:
        raise ConfigurationError(
            f"{name}: `{unknown[0]}` is not a column of {table.name}", remedy=f"Use one of: {', '.join(table.columns)}."
        )
    # Quoted, because a contract column may be an SQL keyword.
    expressions = dict(settings.columns) or {column: f'"{column}"' for column in table.columns if column in export.columns}
    missing = [column for column in table.required if column not in expressions]
    if missing:
        raise ConfigurationError(
            f"{name}: {table.name} needs the column `{missing[0]}`, and nothing maps to it",
            remedy=f'Add {missing[0]} = "…" under its `columns`; the export has: {listed(export.columns)}.',
        )
    return {column: expressions[column] for column in table.columns if column in expressions}


def _with_missing_columns(export: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the export with missing optional columns added, all null."""
    return export.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in export.columns)


def _with_text_as_string(export: pl.DataFrame) -> pl.DataFrame:
    """Return the export with categoricals, enums and bytes as text, so that expressions do not depend on how a file stores it."""
    other_text_types = (pl.Categorical, pl.Enum, pl.Binary)
    return export.with_columns(as_text(column) for column in export.iter_columns() if isinstance(column.dtype, other_text_types))


def _where_mask(rows: pl.DataFrame, where: str | None, name: str) -> pl.Series:
    """Return a mask of the rows that `where` keeps; a row for which it is null is left out."""
    if where is None:
        return pl.Series([True]).new_from_index(0, rows.height)
    label = f"{name}, `where`"
    is_kept = evaluate(rows, where, wanted="condition", label=label).values
    if is_kept.dtype != pl.Boolean:
        raise ConfigurationError(
            f"{label}: `{where}` gives {is_kept.dtype}, not true or false", remedy="Write a condition, such as `amount > 0`."
        )
    return is_kept.fill_null(False)


def _wanted(dtype: pl.DataType) -> Wanted:
    if dtype.is_numeric():
        return "number"
    return "condition" if dtype == pl.Boolean else "text"


def _rule_masks(
    column: str, dtype: pl.DataType, *, words: Collection[str], fails: pl.Series, misread: pl.Series
) -> dict[str, pl.Series]:
    """Return a mask of the values that break it by rule; for texts, values misread as numbers have a rule of their own."""
    rule = f"{column}_is_a_known_word" if words else _cast_rule(column, dtype)
    return {rule: fails, f"{column}_is_a_number": misread & ~fails} if dtype == pl.String else {rule: fails | misread}


def _cast_rule(column: str, dtype: pl.DataType) -> str:
    if dtype.is_temporal():
        return f"{column}_is_a_time"
    if dtype == pl.Boolean:
        return f"{column}_is_yes_or_no"
    if dtype == pl.String:
        return f"{column}_is_text_without_nul"
    return f"{column}_is_a_whole_number" if dtype.is_integer() else f"{column}_is_a_number"
