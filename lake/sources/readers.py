"""Reading an export's bytes into a frame, exactly as they are written there."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.errors import ConfigurationError, DataError, first_line
from lake.sources.casting import as_text
from lake.sources.csv_reader import read_csv
from lake.sources.databases import distinct_names
from lake.sources.json_lines import read_json_lines
from lake.sources.number_marks import with_plain_numbers
from lake.sources.source_settings import FileFormat, SourceSettings

if TYPE_CHECKING:
    from fastexcel import ExcelReader

__all__ = ["as_meant", "read_export"]

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARK_AT_LINE_START = re.compile(b"(?<=[\r\n])(?:\xef\xbb\xbf)+")
_COUNTED = re.compile(r"(.+)_\d+")
_ZIP_MAGIC = b"PK\x03\x04"
_TEXT_FORMATS = ("csv", "jsonl")


def read_export(content: bytes, *, name: str, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    """Read one file's content.

    One row per record of the file; a line or a sheet's row with nothing in it is no record, and a file may hold none. CSV columns
    are all text: what they mean is decided when they are mapped.

    Args:
        content: The file's bytes; gzip is recognised by its first bytes.
        name: How messages call the file.
        file_format: What the bytes are.
        settings: How the source's files are laid out.

    Raises:
        DataError: Truncated, undecodable, or not of that format.
        ConfigurationError: The named sheet is not there.
    """
    try:
        if file_format in _TEXT_FORMATS:
            rows = _read_text(content, file_format, settings)
        elif file_format == "parquet":
            rows = pl.read_parquet(BytesIO(content)) if content else pl.DataFrame()
        else:
            rows = _read_excel(content, settings, name) if content else pl.DataFrame()
    except pl.exceptions.NoDataError:
        rows = pl.DataFrame()
    except _UNREADABLE as error:
        written = f"{file_format} in {settings.encoding}" if file_format in _TEXT_FORMATS else file_format
        raise DataError(
            f"{name} cannot be read as {written}: {first_line(error)}",
            remedy="Ask for the file again, or correct `format`, `encoding`, `separator` or the lines to skip of its source. "
            "Nothing of it landed.",
        ) from error
    return as_meant(rows, settings)


def as_meant(rows: pl.DataFrame, settings: SourceSettings) -> pl.DataFrame:
    """Apply what a source says of its values, whether they come from a file or a database.

    One row per record, before and after: what means nothing is null, and numbers as text are written as Polars reads them.
    """
    if settings.null_values:
        rows = rows.with_columns(_without(column, settings.null_values) for column in rows.iter_columns())
    return with_plain_numbers(rows, settings)


def _without(column: pl.Series, texts: tuple[str, ...]) -> pl.Series:
    if column.dtype != pl.String and not column.dtype.is_numeric():
        return column
    return column.set(as_text(column).str.strip_chars().is_in(texts).fill_null(False), None)


# Polars panics on some broken Parquet files instead of raising.
_UNREADABLE = (UnicodeError, EOFError, OSError, zlib.error, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError)


def _read_text(content: bytes, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    if content.startswith(_ZIP_MAGIC):
        raise ValueError(
            "this is a zip archive; archives come with a later release. Until then unpack it, as with `unzip FILE`, or compress "
            "the file itself with gzip"
        )
    text = _as_utf8(gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content, settings.encoding)
    if not text.strip():
        return pl.DataFrame()
    if file_format == "jsonl":
        return read_json_lines(text)
    return read_csv(text, settings)


def _as_utf8(content: bytes, encoding: str) -> bytes:
    text = content.decode(encoding)
    encoded = content if encoding.lower().replace("-", "") == "utf8" else text.encode()
    if "\x00" in text:
        raise ValueError("it holds NUL bytes, so it is not text in this encoding")
    # Spreadsheets put a byte-order mark first; in files put one behind the other it stands in the middle.
    while encoded.startswith(_BYTE_ORDER_MARK):
        encoded = encoded.removeprefix(_BYTE_ORDER_MARK)
    return _MARK_AT_LINE_START.sub(b"", encoded) if _BYTE_ORDER_MARK in encoded else encoded


def _read_excel(content: bytes, settings: SourceSettings, name: str) -> pl.DataFrame:
    import fastexcel

    try:
        workbook = fastexcel.read_excel(content)
        sheet = settings.sheet or workbook.sheet_names[0]
        if sheet not in workbook.sheet_names:
            raise ConfigurationError(
                f"{name} has no sheet {sheet!r}; it has {', '.join(workbook.sheet_names)}",
                remedy="Correct `sheet` of its source.",
            )
        rows = _read_sheet(workbook, sheet, settings)
    except fastexcel.FastExcelError as error:
        raise ValueError(first_line(error)) from error
    return rows.filter(_is_record()) if rows.width else rows


def _read_sheet(workbook: ExcelReader, sheet: str, settings: SourceSettings) -> pl.DataFrame:
    # Rows are skipped before their types are looked at: a title above numbers must not make text of them.
    placed: dict[str, Any] = {"schema_sample_rows": None, "header_row": settings.skip_rows}
    if settings.column_names or not settings.has_header:
        placed |= {"header_row": None, "skip_rows": settings.skip_rows + settings.has_header or None}
    rows = _load(workbook, sheet, placed)
    if settings.skip_footer and rows.width:
        ends = rows.select(pl.arg_where(_is_record())).to_series().to_list()[: -settings.skip_footer]
        height = ends[-1] + 1 if ends else 0
        rows = _load(workbook, sheet, {**placed, "n_rows": height}) if height else rows.clear()
    return _named(rows, settings.column_names) if placed["header_row"] is None else _named_apart(rows, workbook, sheet, settings)


def _load(workbook: ExcelReader, sheet: str, placed: Mapping[str, Any]) -> pl.DataFrame:
    """Load a sheet; a column of no one type, or with a formula's error in it, becomes text, the error null."""
    import fastexcel

    try:
        rows: pl.DataFrame = workbook.load_sheet(sheet, **placed).to_polars()
        return rows
    except (fastexcel.UnsupportedColumnTypeCombinationError, fastexcel.CalamineCellError):
        width = workbook.load_sheet(sheet, **{**placed, "n_rows": 0}).width
    texts: dict[int, Any] = {}
    for place in range(width):
        try:
            workbook.load_sheet(sheet, use_columns=[place], **placed)
        except (fastexcel.UnsupportedColumnTypeCombinationError, fastexcel.CalamineCellError):
            texts[place] = "string"
    with_texts: pl.DataFrame = workbook.load_sheet(sheet, dtypes=texts, **placed).to_polars()
    return with_texts


def _named_apart(rows: pl.DataFrame, workbook: ExcelReader, sheet: str, settings: SourceSettings) -> pl.DataFrame:
    """The rows, the second `Email` called as in CSV: fastexcel calls it Email_1, which may be a name of its own."""
    if not any((found := _COUNTED.fullmatch(name)) and found[1] in rows.columns for name in rows.columns):
        return rows
    placed = {"header_row": None, "skip_rows": settings.skip_rows or None, "n_rows": 1, "dtypes": "string"}
    written = workbook.load_sheet(sheet, **placed).to_polars().row(0)
    names = [name if text is None else text for name, text in zip(rows.columns, written, strict=False)]
    return rows.rename(dict(zip(rows.columns, distinct_names(names), strict=False)))


def _named(rows: pl.DataFrame, names: Sequence[str] | None) -> pl.DataFrame:
    names = names or [f"column_{number}" for number in range(1, rows.width + 1)]
    if rows.width > len(names):
        raise ValueError(f"the sheet has {rows.width} columns, `column_names` {len(names)}")
    # A sheet ends with its last column that has a value.
    absent = {name: pl.lit(None, dtype=pl.String) for name in names[rows.width :] if rows.width}
    return rows.rename(dict(zip(rows.columns, names, strict=False))).with_columns(**absent)


def _is_record() -> pl.Expr:
    return pl.any_horizontal(pl.all().is_not_null())
