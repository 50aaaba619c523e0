"""Files for repairing quarantined rows in a spreadsheet: one per table, written for Excel and read as Excel saves them."""

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

_VALUE_PREFIX: Final = "value."
_KEY: Final = "quarantine_id"
_FACTS: Final = (_KEY, "table", "source", "path", "row_no")
_SEPARATORS: Final = (",", ";", "\t")
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def write_repair_files(waiting: pl.DataFrame, place: Path) -> list[Path]:
    """Write the open rows, one file per table and one line per row, the values in columns named `value.<column>`.

    Args:
        waiting: Rows of the quarantine.
        place: A file (`….csv`) where the rows of one table wait, else a folder, which gets `<table>.csv`.

    Returns:
        The files, in the order of the contract.

    Raises:
        ConfigurationError: A file was named and the rows of several tables wait, or nothing can be written there.
    """
    tables = [name for name in TABLES if name in set(waiting["table"])]
    is_file = place.suffix.lower() == ".csv" and not place.is_dir()
    if is_file and len(tables) > 1:
        raise ConfigurationError(
            f"rows of {len(tables)} tables wait ({', '.join(tables)}), and {place} is one file",
            remedy=f"Name a folder, which gets a file for each table: --csv {place.with_suffix('')}/",
        )
    files = {name: place if is_file else place / f"{name}.csv" for name in tables}
    try:
        for name, file in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            _spread(waiting.filter(pl.col("table") == name)).write_csv(file, include_bom=True)
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be written: {error.strerror}", remedy="Name another place.") from error
    return list(files.values())


def read_repair_files(place: Path) -> dict[str, dict[str, str | None]]:
    """Read repaired rows: `quarantine_id` → column → value.

    Separated by commas, semicolons or tabs; in UTF-8 with or without a byte-order mark, UTF-16 with one, else Windows-1252.

    Args:
        place: A file, or a folder whose CSV files are read.

    Raises:
        ConfigurationError: There is no such file, or one is not what `write_repair_files` wrote.
    """
    files = sorted(place.glob("*.csv")) if place.is_dir() else [place]
    if not files:
        raise ConfigurationError(f"there is no CSV file in {place}", remedy="Name what `quarantine list --csv` wrote.")
    return {row_id: values for file in files for row_id, values in _read(file)}


def _spread(waiting: pl.DataFrame) -> pl.DataFrame:
    """One row per open row of one table, with its values in columns in the order of the contract."""
    values = [json.loads(row) for row in waiting["values"]]
    columns = [column for column in TABLES[waiting["table"][0]].columns if any(column in row for row in values)]
    spread = {f"{_VALUE_PREFIX}{column}": pl.Series([row.get(column) for row in values], dtype=pl.String) for column in columns}
    return waiting.select(*_FACTS, pl.col("rules").list.join(", ")).with_columns(**spread)


def _read(file: Path) -> Iterator[tuple[str, dict[str, str | None]]]:
    text = _text(file)
    try:
        edited = pl.read_csv(text.encode(), separator=_separator(text), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise ConfigurationError(
            f"{file} is not readable CSV: {first_line(error)}", remedy="Save it as CSV in UTF-8 again."
        ) from error
    columns = [column for column in edited.columns if column.startswith(_VALUE_PREFIX)]
    if _KEY not in edited.columns or not columns:
        raise ConfigurationError(
            f"{file} lacks {_KEY} or the value columns", remedy="Start from the file that `quarantine list --csv` writes."
        )
    for row in edited.filter(pl.col(_KEY).is_not_null()).iter_rows(named=True):
        yield row[_KEY], {column.removeprefix(_VALUE_PREFIX): row[column] for column in columns}


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", remedy="Check its name and permissions.") from error
    encodings = ("utf-16",) if content.startswith(_UTF_16_MARKS) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ConfigurationError(f"{file} is not text in UTF-8 or Windows-1252", remedy="Save it as CSV in UTF-8.")


def _separator(text: str) -> str:
    """The separator that finds the most columns in the header, which is ours and known not to hold one itself."""
    header = text.split("\n", 1)[0].rstrip("\r")
    return max(_SEPARATORS, key=lambda separator: len(next(csv.reader([header], delimiter=separator), [])))
