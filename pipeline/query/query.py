"""`evenfall sql`: run a query over a workspace's tables and return its rows, as a table on the terminal or as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import polars as pl

from lake.errors import ConfigurationError, first_line
from outputs.lists import escape_formulas
from pipeline.query.guard import nearest, read_query, written_again
from pipeline.query.tables import QueryTables, open_tables
from runtime.run_context import RunContext
from wording.texts import fill

ROWS_SHOWN: Final = 50
_CHARACTERS_SHOWN: Final = 60
_ABSENT_TABLE: Final = re.compile(r"relation '(.+?)' was not found")
_ABSENT_COLUMN: Final = re.compile(r"unable to find column \"(.+?)\"|no column named '(.+?)' found")
_PLACE: Final = re.compile(r" at Line: \d+, Column: \d+")
_NAMES_SHOWN: Final = 30


def run_query(run: RunContext, sql: str, *, is_night_given: bool, most_rows: int | None = None) -> pl.DataFrame:
    """Run a query and return its rows; nothing is locked and nothing written.

    Args:
        run: The run; its night is that of the lists and the features.
        sql: One SELECT of Polars SQL.
        is_night_given: Whether the night was named; otherwise the newest with lists is taken.
        most_rows: Rows to return at most; None for all.

    Raises:
        ConfigurationError: The query is refused, names what is not there, or cannot be computed.
    """
    tokens = read_query(sql)
    tables = open_tables(run, is_night_given=is_night_given)
    words = {token.text.casefold() for token in tokens if token.kind in ("word", "quoted")}
    # Only what the query names is built: the features of a large community take a minute.
    frames = {name: tables.builders[name]() for name in tables.names if name in words}
    context: pl.SQLContext[pl.LazyFrame] = pl.SQLContext(frames, register_globals=False)
    try:
        rows = context.execute(written_again(tokens), eager=False)
        return (rows if most_rows is None else rows.head(most_rows)).collect(engine="streaming")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, TypeError) as error:
        raise _in_our_words(error, tables, frames) from None


def list_tables(run: RunContext, *, is_night_given: bool) -> list[str]:
    """Return a line for each table: its name and its columns."""
    tables = open_tables(run, is_night_given=is_night_given)
    width = max(map(len, tables.names)) + 2
    return [f"{name:{width}}{', '.join(tables.columns(name))}" for name in tables.names]


def as_lines(rows: pl.DataFrame) -> Iterator[str]:
    """Yield the first rows as a table, and whether there are more."""
    shown = _flat(rows.head(ROWS_SHOWN)).select(pl.all().cast(pl.String).fill_null("").str.head(_CHARACTERS_SHOWN))
    cells = [list(shown.columns), *map(list, shown.iter_rows())]
    widths = [max(len(row[column]) for row in cells) for column in range(len(shown.columns))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if rows.height > ROWS_SHOWN:
        yield fill("sql.more_rows", rows=ROWS_SHOWN)


def as_csv(rows: pl.DataFrame) -> str:
    """Return rows as CSV: nested values as JSON, and no text that a spreadsheet would run."""
    return _flat(rows).with_columns(escape_formulas(pl.col(pl.String))).write_csv()


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested()]
    # Wrapped and unwrapped again: only structs can be written as JSON.
    return rows.with_columns(
        pl.struct(name).struct.json_encode().str.strip_prefix(f'{{"{name}":').str.strip_suffix("}").alias(name) for name in nested
    )


def _in_our_words(error: BaseException, tables: QueryTables, frames: dict[str, pl.LazyFrame]) -> ConfigurationError:
    message = first_line(error)
    if absent := _ABSENT_TABLE.search(message):
        return ConfigurationError(
            f"there is no table `{absent[1]}`; there are {', '.join(tables.names)}",
            remedy=f"{nearest(absent[1], tables.names)}`evenfall sql --tables` shows their columns.",
        )
    if absent := _ABSENT_COLUMN.search(message):
        name = absent[1] or absent[2]
        columns = list(dict.fromkeys(column for frame in frames.values() for column in frame.collect_schema().names()))
        shown = ", ".join(columns[:_NAMES_SHOWN]) + (", …" if len(columns) > _NAMES_SHOWN else "")
        return ConfigurationError(
            f"no column `{name}`; " + (f"{' and '.join(frames)} has {shown}" if frames else "the query names no table"),
            remedy=f"{nearest(name, columns)}Names with points or blanks go in double quotes, text in single quotes.",
        )
    reason = _PLACE.sub("", message.removeprefix("sql parser error: "))
    return ConfigurationError(
        "the query cannot be computed", remedy="Correct it; docs/sql.md says what a query may hold.", detail=reason
    )
