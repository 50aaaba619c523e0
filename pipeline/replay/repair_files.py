"""CSV files for the repair of quarantined rows in a spreadsheet: one per table, in a form that Excel reads and writes."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from lake.contracts import TABLES
from lake.errors import ConfigurationError, first_line

# The prefix separates values from facts: a table may have a column `source` of its own.
_VALUE_PREFIX: Final = "value."
_KEY: Final = "quarantine_id"
_FACTS: Final = (_KEY, "table", "source", "path", "row_no")
_SEPARATORS: Final = (",", ";", "\t")
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def write_repair_files(open_rows: pl.DataFrame, path: Path) -> list[Path]:
    """Write open rows to CSV: one file per table, one line per row, the values in columns named `value.<column>`.

    Args:
        open_rows: Open rows of the quarantine.
        path: A file (`….csv`) for the rows of one table, or a folder, which gets `<table>.csv` for each table.

    Returns:
        The files, in the order of the contract.

    Raises:
        ConfigurationError: A file was named and the rows are of several tables, or nothing can be written there.
    """
    tables = [name for name in TABLES if name in set(open_rows["table"])]
    is_file = path.suffix.lower() == ".csv" and not path.is_dir()
    if is_file and len(tables) > 1:
        raise ConfigurationError(
            f"rows of {len(tables)} tables wait ({', '.join(tables)}), and {path} is one file",
            remedy=f"Name a folder, which gets a file for each table: --csv {path.with_suffix('')}/",
        )
    files = {name: path if is_file else path / f"{name}.csv" for name in tables}
    try:
        for name, file in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            # Excel recognises UTF-8 by the byte-order mark alone.
            _with_value_columns(open_rows.filter(pl.col("table") == name)).write_csv(file, include_bom=True)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}", remedy="Name another place.") from error
    return list(files.values())


def read_repair_files(path: Path) -> dict[str, dict[str, str | None]]:
    """Read repaired rows: `quarantine_id` → column → value.

    Spreadsheets save CSV in many forms, so that these are read: separated by comma, semicolon or tab; in UTF-8 with or without a
    byte-order mark, in UTF-16 with one, or else in Windows-1252.

    Args:
        path: A file, or a folder whose CSV files are read.

    Raises:
        ConfigurationError: There is no such file, or one is not what `write_repair_files` wrote.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise ConfigurationError(f"there is no CSV file in {path}", remedy="Name what `quarantine list --csv` wrote.")
    return {row_id: values for file in files for row_id, values in _read(file)}


def _with_value_columns(open_rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per open row of one table, with a column per value in the order of the contract."""
    values = [json.loads(row) for row in open_rows["values"]]
    # Only columns that any row has: a column that no source maps would invite people to fill it in.
    columns = [column for column in TABLES[open_rows["table"][0]].columns if any(column in row for row in values)]
    value_columns = {
        f"{_VALUE_PREFIX}{column}": pl.Series([row.get(column) for row in values], dtype=pl.String) for column in columns
    }
    return open_rows.select(*_FACTS, pl.col("rules").list.join(", ")).with_columns(**value_columns)


def _read(file: Path) -> Iterator[tuple[str, dict[str, str | None]]]:
    text = _text(file)
    try:
        # As text: a number would lose the leading zeros of an id.
        repaired = pl.read_csv(text.encode(), separator=_separator(text), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise ConfigurationError(
            f"{file} is not readable CSV: {first_line(error)}", remedy="Save it as CSV in UTF-8 again."
        ) from error
    columns = [column for column in repaired.columns if column.startswith(_VALUE_PREFIX)]
    if _KEY not in repaired.columns or not columns:
        raise ConfigurationError(
            f"{file} lacks {_KEY} or the value columns", remedy="Start from the file that `quarantine list --csv` writes."
        )
    for row in repaired.filter(pl.col(_KEY).is_not_null()).iter_rows(named=True):
        yield row[_KEY], {column.removeprefix(_VALUE_PREFIX): row[column] for column in columns}


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", remedy="Check its name and permissions.") from error
    # Windows-1252 last: it decodes nearly any bytes, so that it must not be tried before UTF-8.
    encodings = ("utf-16",) if content.startswith(_UTF_16_MARKS) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ConfigurationError(f"{file} is not text in UTF-8 or Windows-1252", remedy="Save it as CSV in UTF-8.")


def _separator(text: str) -> str:
    """Return the separator that splits the header into the most columns; our column names contain none of the separators."""
    header = text.split("\n", 1)[0].rstrip("\r")
    return max(_SEPARATORS, key=lambda separator: len(next(csv.reader([header], delimiter=separator), [])))
