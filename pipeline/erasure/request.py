"""The request of an erasure: read the members from a file, and show what would be removed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Final

import polars as pl

from lake.contracts import TABLES_OF_MEMBERS
from lake.errors import ConfigurationError
from pipeline.erasure.id_matcher import ID_COLUMNS
from runtime.run_context import RunContext, open_run

_COLUMN: Final = "member_id"
_SEPARATORS: Final = (",", ";", "\t")


def read_request(file: Path) -> dict[str, str]:
    """Read the members to erase: one id per line, or a CSV with a column `member_id`; UTF-8, empty lines are skipped.

    Returns:
        Member → the first line that names them, such as `line 3 of gone.txt`, by which messages refer to the member.

    Raises:
        ConfigurationError: The file cannot be read, is not UTF-8 or names nobody.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", remedy="Check its name and permissions.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8", remedy="Save it as UTF-8, with or without a byte order mark.") from error
    requested: dict[str, str] = {}
    for number, member_id in _ids(text):
        if member_id.strip():
            requested.setdefault(member_id.strip(), f"line {number:,} of {file.name}")
    if not requested:
        raise ConfigurationError(f"{file} names nobody", remedy=f"Write an id a line, or a CSV with a column {_COLUMN}.")
    return requested


def plan_erasure(workspace: Path, members: Mapping[str, str]) -> Iterator[str]:
    """Yield lines that show what an erasure would remove; nothing is changed."""
    run = open_run(workspace, None)
    ids = list(members)
    whom = "1 member" if len(ids) == 1 else f"{len(ids):,} members"
    yield f"This removes {whom} from everything the workspace holds: tables, their past versions, lists, pages, the database."
    for table in TABLES_OF_MEMBERS:
        rows = _rows_naming(run, table, ids)
        if rows:
            yield f"  {table:<10} {rows:>10,} rows are theirs or name them"
    yield f"  {'lists':<10} {_nights_naming(run, ids):>10,} nights"
    yield "It cannot be taken back. Your own exports are not edited."


def _ids(text: str) -> Iterator[tuple[int, str]]:
    header = text.split("\n", 1)[0]
    for separator in _SEPARATORS:
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=separator), [])]
        if _COLUMN in names:
            lines = csv.reader(StringIO(text), delimiter=separator)
            index = names.index(_COLUMN)
            yield from ((lines.line_num, line[index]) for line in lines if lines.line_num > 1 and len(line) > index)
            return
    yield from enumerate(text.splitlines(), start=1)


def _rows_naming(run: RunContext, table: str, ids: list[str]) -> int:
    lake = run.workspace.lake
    if not lake.exists(table):
        return 0
    stored = lake.scan(table)
    columns = sorted(ID_COLUMNS & set(stored.collect_schema().names()))
    is_named = pl.any_horizontal(pl.col(column).is_in(ids) for column in columns).fill_null(value=False)
    return int(stored.filter(is_named).select(pl.len()).collect(engine="streaming").item())


def _nights_naming(run: RunContext, ids: list[str]) -> int:
    files = sorted(run.workspace.lists.glob("*/members.parquet"))
    is_named = pl.col("member_id").is_in(ids)
    return sum(pl.scan_parquet(file, hive_partitioning=False).filter(is_named).limit(1).collect().height for file in files)
