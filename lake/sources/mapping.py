"""Mapping: an export's own columns become the contract's columns, row by row, losing none.

An expression that cannot be evaluated at all is the configuration's fault and names the source and the column.
A single value that does not cast is that cell's fault: in a required column its row is rejected and keeps its value for
people to see; in an optional one the cell is left empty, and consent that cannot be read is no consent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """What one file or query result became.

    Args:
        rows: One row per mapped row: `row_no` (Int64, 1 is the first record) and the mapped contract columns, cast.
        written: The same rows before casting, for showing a value as it was written.
        rejects: One row per mapped row with a required value that does not cast: `row_no`, `rules` (list of names).
        rows_read: Records in the export.
        left_out: Records for which `where` was not true.
        rounded_ids: Column of ids → how many of them have lost their last digits.
        blanked: One row per mapped row, rejects aside, with optional values that do not cast and are null or a no in `rows`:
            `row_no`, `rules`.
    """

    rows: pl.DataFrame
    written: pl.DataFrame
    rejects: pl.DataFrame
    rows_read: int
    left_out: int
    rounded_ids: Mapping[str, int] = field(default_factory=dict)
    blanked: pl.DataFrame = field(default_factory=lambda: _by_row([_no_failures()]))


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
    if export.is_empty():
        return _nothing(export, table, settings, name)
    expressions = _expressions(export, table, settings, name)
    rows = _plain(_with_lacking(export, settings.may_lack))
    _stop_at_ambiguous_names(rows, [*expressions.values(), *([settings.where] if settings.where else [])], name)
    kept = _kept(rows, settings.where, name)
    rows = rows.filter(kept)
    row_nos = pl.Series(ROW_NO, range(1, export.height + 1), dtype=pl.Int64).filter(kept)
    written: list[pl.Series] = [row_nos]
    cast: list[pl.Series] = [row_nos]
    failures: dict[bool, list[pl.DataFrame]] = {True: [_no_failures()], False: [_no_failures()]}
    rounded_ids: dict[str, int] = {}
    for column, expression in expressions.items():
        dtype = table.columns[column].dtype
        found = evaluate(rows, expression, wanted=_wanted(dtype), told=f"{name}, column {column}")
        values, is_needed = found.values, table.needs(column)
        if is_id(table, column):
            values, is_rounded = read_ids(values, rows, expression, column=column, settings=settings)
            rounded_ids[column] = int(is_rounded.sum())
            rounded = row_nos.filter(is_rounded).to_frame()
            failures[is_needed].append(rounded.with_columns(rules=pl.lit(f"{column}_is_not_rounded")))
        typed, fails = cast_to(values, dtype, timezone=timezone, settings=settings)
        unread = fails | found.misread
        written.append(found.written.alias(column))
        cast.append((typed if is_needed else typed.set(unread, False if column in CONSENT else None)).alias(column))
        for rule, failing in _broken(column, dtype, fails=fails, misread=found.misread).items():
            failures[is_needed].append(row_nos.filter(failing).to_frame().with_columns(rules=pl.lit(rule)))
    rejects = _by_row(failures[True])
    return Mapped(
        rows=pl.DataFrame(cast),
        written=pl.DataFrame(written),
        rejects=rejects,
        rows_read=export.height,
        left_out=export.height - rows.height,
        rounded_ids=rounded_ids,
        blanked=_by_row(failures[False]).join(rejects, on=ROW_NO, how="anti", maintain_order="left"),
    )


def rows_as_json(written: pl.DataFrame, row_nos: pl.Series) -> pl.DataFrame:
    """One row per `row_no`: the row's values as a JSON object of texts, as they were written."""
    chosen = written.filter(pl.col(ROW_NO).is_in(row_nos.implode()))
    texts = [as_text(column) for column in chosen.iter_columns() if column.name != ROW_NO]
    return chosen.select(ROW_NO, values=pl.struct(texts).struct.json_encode())


def _nothing(export: pl.DataFrame, table: Table, settings: SourceSettings, name: str) -> Mapped:
    """What an export without records becomes; one without columns cannot lack any, and none has a type to evaluate."""
    columns = _expressions(export, table, settings, name) if export.width else dict.fromkeys(settings.columns or table.required)
    schema = {column: table.columns[column].dtype for column in table.columns if column in columns}
    rows = pl.DataFrame(schema={ROW_NO: pl.Int64(), **schema})
    rejects = pl.DataFrame(schema={ROW_NO: pl.Int64(), "rules": pl.List(pl.String)})
    return Mapped(rows=rows, written=rows, rejects=rejects, rows_read=0, left_out=0)


def _stop_at_ambiguous_names(rows: pl.DataFrame, expressions: list[str], name: str) -> None:
    """Stop where an expression reads a column that is there twice, with other values."""
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
    """One row per row with a failure: its rules by name."""
    return pl.concat(failures).group_by(ROW_NO).agg(pl.col("rules").sort()).sort(ROW_NO)


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
            remedy=f'Add {missing[0]} = "…" under its `columns`; the export has: {listed(export.columns)}.',
        )
    return {column: expressions[column] for column in table.columns if column in expressions}


def _with_lacking(export: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Give an export the columns that it may lack and does, with nothing in them."""
    return export.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in export.columns)


def _plain(export: pl.DataFrame) -> pl.DataFrame:
    """Give text one type, so that expressions see text and not how a file stored it."""
    stored_otherwise = (pl.Categorical, pl.Enum, pl.Binary)
    return export.with_columns(as_text(column) for column in export.iter_columns() if isinstance(column.dtype, stored_otherwise))


def _kept(rows: pl.DataFrame, where: str | None, name: str) -> pl.Series:
    """Which rows `where` keeps; a row for which it cannot be told is left out."""
    if where is None:
        return pl.Series([True]).new_from_index(0, rows.height)
    told = f"{name}, `where`"
    kept = evaluate(rows, where, wanted="condition", told=told).values
    if kept.dtype != pl.Boolean:
        raise ConfigurationError(
            f"{told}: `{where}` gives {kept.dtype}, not true or false", remedy="Write a condition, such as `amount > 0`."
        )
    return kept.fill_null(False)


def _wanted(dtype: pl.DataType) -> Wanted:
    if dtype.is_numeric():
        return "number"
    return "condition" if dtype == pl.Boolean else "text"


def _broken(column: str, dtype: pl.DataType, *, fails: pl.Series, misread: pl.Series) -> dict[str, pl.Series]:
    """Rule → where values break it; text is misread where an expression needed a number in it."""
    rule = _cast_rule(column, dtype)
    return {rule: fails, f"{column}_is_a_number": misread & ~fails} if dtype == pl.String else {rule: fails | misread}


def _cast_rule(column: str, dtype: pl.DataType) -> str:
    if dtype.is_temporal():
        return f"{column}_is_a_time"
    if dtype == pl.Boolean:
        return f"{column}_is_yes_or_no"
    if dtype == pl.String:
        return f"{column}_is_text_without_nul"
    return f"{column}_is_a_whole_number" if dtype.is_integer() else f"{column}_is_a_number"
