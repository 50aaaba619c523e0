"""Readers of files: an export's bytes to a frame, with values exactly as they are written there."""

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
from lake.sources.figure_columns import one_row_per_figure
from lake.sources.json_lines import read_json_lines
from lake.sources.number_marks import with_plain_numbers
from lake.sources.source_settings import FileFormat, SourceSettings

if TYPE_CHECKING:
    from fastexcel import ExcelReader

__all__ = ["read_export", "with_settings_applied"]

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARK_AT_LINE_START = re.compile(b"(?<=[\r\n])(?:\xef\xbb\xbf)+")
_NUMBERED_NAME = re.compile(r"(.+)_\d+")
_ZIP_MAGIC = b"PK\x03\x04"
_TEXT_FORMATS = ("csv", "jsonl")


def read_export(content: bytes, *, name: str, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    """Read one file's content.

    One row per record of the file; an empty line or row of a sheet is not a record, and a file may have no records. All columns
    of CSV are text; the mapping decides on their types.

    Args:
        content: The file's bytes; gzip is recognised by its first bytes.
        name: The file's name in messages.
        file_format: The format of the bytes.
        settings: The layout of the source's files.

    Raises:
        DataError: The content is truncated, undecodable, or not of that format.
        ConfigurationError: The configured sheet does not exist.
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
        format_name = f"{file_format} in {settings.encoding}" if file_format in _TEXT_FORMATS else file_format
        raise DataError(
            f"{name} cannot be read as {format_name}: {first_line(error)}",
            remedy="Ask for the file again, or correct `format`, `encoding`, `separator` or the lines to skip of its source. "
            "Nothing of it landed.",
        ) from error
    return with_settings_applied(rows, settings, name=name)


def with_settings_applied(rows: pl.DataFrame, settings: SourceSettings, *, name: str) -> pl.DataFrame:
    """Apply the source's settings of values to rows of a file or a database.

    One row per record, before and after: `null_values` become null, and numbers as text get the form that Polars reads. Only
    with `figures` a row becomes as many as it has figures.

    Args:
        rows: The rows as read.
        settings: The source.
        name: The export's name in messages.

    Raises:
        ConfigurationError: A column of `figures` is not in the export.
    """
    if settings.null_values:
        rows = rows.with_columns(_without_null_texts(column, settings.null_values) for column in rows.iter_columns())
    if settings.figures and rows.width:
        rows = one_row_per_figure(rows, settings.figures, name=name)
    return with_plain_numbers(rows, settings)


def _without_null_texts(column: pl.Series, texts: tuple[str, ...]) -> pl.Series:
    if column.dtype != pl.String and not column.dtype.is_numeric():
        return column
    return column.set(as_text(column).str.strip_chars().is_in(texts).fill_null(False), None)


# Polars panics on some broken Parquet files instead of raising.
_UNREADABLE = (UnicodeError, EOFError, OSError, zlib.error, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError)


def _read_text(content: bytes, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    # Checked by content, since archives are often named .csv.
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
    # Typical of UTF-16 that is read as another encoding; the csv readers would keep the NULs in values.
    if "\x00" in text:
        raise ValueError("it holds NUL bytes, so it is not text in this encoding")
    # Spreadsheets write a byte-order mark first; in concatenated files it is in the middle too.
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
    # Rows are skipped before types are inferred: a title above numbers must not turn the column into text.
    options: dict[str, Any] = {"schema_sample_rows": None, "header_row": settings.skip_rows}
    if settings.column_names or not settings.has_header:
        options |= {"header_row": None, "skip_rows": settings.skip_rows + settings.has_header or None}
    rows = _load(workbook, sheet, options)
    # Blank rows at the end do not count as footer, so the last rows with a value are counted.
    if settings.skip_footer and rows.width:
        record_rows = rows.select(pl.arg_where(_is_record())).to_series().to_list()[: -settings.skip_footer]
        height = record_rows[-1] + 1 if record_rows else 0
        rows = _load(workbook, sheet, {**options, "n_rows": height}) if height else rows.clear()
    return (
        _with_names(rows, settings.column_names)
        if options["header_row"] is None
        else _with_distinct_names(rows, workbook, sheet, settings)
    )


def _load(workbook: ExcelReader, sheet: str, options: Mapping[str, Any]) -> pl.DataFrame:
    """Load a sheet; a column of mixed types, or with an error of a formula, becomes text, the error null."""
    import fastexcel

    try:
        rows: pl.DataFrame = workbook.load_sheet(sheet, **options).to_polars()
        return rows
    except (fastexcel.UnsupportedColumnTypeCombinationError, fastexcel.CalamineCellError):
        width = workbook.load_sheet(sheet, **{**options, "n_rows": 0}).width
    # fastexcel fails for the whole sheet: each column is tried alone to find the mixed ones, which are then loaded as text.
    texts: dict[int, Any] = {}
    for position in range(width):
        try:
            workbook.load_sheet(sheet, use_columns=[position], **options)
        except (fastexcel.UnsupportedColumnTypeCombinationError, fastexcel.CalamineCellError):
            texts[position] = "string"
    with_texts: pl.DataFrame = workbook.load_sheet(sheet, dtypes=texts, **options).to_polars()
    return with_texts


def _with_distinct_names(rows: pl.DataFrame, workbook: ExcelReader, sheet: str, settings: SourceSettings) -> pl.DataFrame:
    """Return the rows with duplicate column names numbered as in CSV: fastexcel's Email_1 could be a name in the sheet."""
    if not any((match := _NUMBERED_NAME.fullmatch(name)) and match[1] in rows.columns for name in rows.columns):
        return rows
    options = {"header_row": None, "skip_rows": settings.skip_rows or None, "n_rows": 1, "dtypes": "string"}
    header = workbook.load_sheet(sheet, **options).to_polars().row(0)
    names = [name if text is None else text for name, text in zip(rows.columns, header, strict=False)]
    return rows.rename(dict(zip(rows.columns, distinct_names(names), strict=False)))


def _with_names(rows: pl.DataFrame, names: Sequence[str] | None) -> pl.DataFrame:
    names = names or [f"column_{number}" for number in range(1, rows.width + 1)]
    if rows.width > len(names):
        raise ValueError(f"the sheet has {rows.width} columns, `column_names` {len(names)}")
    # fastexcel omits columns after the last one with a value.
    absent = {name: pl.lit(None, dtype=pl.String) for name in names[rows.width :] if rows.width}
    return rows.rename(dict(zip(rows.columns, names, strict=False))).with_columns(**absent)


def _is_record() -> pl.Expr:
    return pl.any_horizontal(pl.all().is_not_null())
