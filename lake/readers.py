"""Reading an export's bytes into a frame, exactly as they are written there."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from io import BytesIO, StringIO

import polars as pl

from lake.databases import expand_environment
from lake.errors import ConfigurationError, DataError
from lake.source_settings import FileFormat, SourceSettings

__all__ = ["expand_environment", "read_export"]

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UNIT_SEPARATOR = "\x1f"
_TEXT_FORMATS = ("csv", "jsonl")


def read_export(content: bytes, *, name: str, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    """Read one file's content.

    One row per record of the file; a line or a sheet's row with nothing in it is no record. CSV columns are all text: what
    they mean is decided when they are mapped.

    Args:
        content: The file's bytes; gzip is recognised by its first bytes.
        name: How messages call the file.
        file_format: What the bytes are.
        settings: Encoding, separator and sheet of the source.

    Raises:
        DataError: Truncated, undecodable or without a single row.
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
            f"{name} cannot be read as {written}: {_first_line(error)}",
            remedy="Ask for the file again, or correct `format`, `encoding` or `separator` of its source. Nothing of it landed.",
        ) from error
    if rows.is_empty():
        raise DataError(
            f"{name} holds no rows at all",
            remedy="If the export failed, run it again; if there was truly nothing to export, take the file away.",
        )
    return rows


# Polars panics on some broken Parquet files instead of raising.
_UNREADABLE = (UnicodeError, EOFError, OSError, zlib.error, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError)


def _read_text(content: bytes, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    text = _as_utf8(gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content, settings.encoding)
    if not text.strip():
        return pl.DataFrame()
    if file_format == "jsonl":
        return pl.read_ndjson(BytesIO(text), infer_schema_length=None)
    if settings.separator == "whitespace":
        lines = (_UNIT_SEPARATOR.join(line.split()) for line in text.decode().split("\n"))
        return _read_csv("\n".join(line for line in lines if line).encode(), separator=_UNIT_SEPARATOR)
    return _read_csv(text, separator=settings.separator)


def _as_utf8(content: bytes, encoding: str) -> bytes:
    text = content.decode(encoding)
    encoded = content if encoding.lower().replace("-", "") == "utf8" else text.encode()
    if "\x00" in text:
        raise ValueError("it holds NUL bytes, so it is not text in this encoding")
    # Spreadsheets put a byte-order mark first.
    return encoded.removeprefix(_BYTE_ORDER_MARK)


def _read_csv(text: bytes, *, separator: str) -> pl.DataFrame:
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    # A quote that opens no field, as in 5" pipe, is a character like any other.
    opens_a_field = re.search(b"(?:^|[\r\n" + re.escape(separator.encode()) + b'])"', text)
    quote = '"' if opens_a_field else None
    try:
        rows = pl.read_csv(BytesIO(text), separator=separator, quote_char=quote, infer_schema=False, null_values=[""])
    except pl.exceptions.ComputeError as error:
        raise ValueError(_misfit(text, separator=separator) or _first_line(error)) from error
    if _ends_within_a_line(rows, text, separator=separator):
        raise ValueError("it ends in the middle of a line")
    return rows.filter(pl.any_horizontal(pl.all().is_not_null()))


def _ends_within_a_line(rows: pl.DataFrame, text: bytes, *, separator: str) -> bool:
    """Whether the last line lacks its last fields: they are neither written nor marked as empty, nor is the line ended."""
    if rows.is_empty() or text.endswith((b"\n", b"\r", b'"', separator.encode())):
        return False
    return rows.width > 1 and rows.to_series(rows.width - 1)[-1] is None


def _misfit(text: bytes, *, separator: str) -> str | None:
    """Where a CSV file has more fields than its header."""
    lines = csv.reader(StringIO(text.decode()), delimiter=separator)
    try:
        width = len(next(lines))
        for fields in lines:
            if len(fields) > width:
                return f"line {lines.line_num:,} has {len(fields)} fields, the header {width}"
    except csv.Error as error:
        return f"line {lines.line_num:,}: {error}"
    return None


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
        rows: pl.DataFrame = workbook.load_sheet(sheet, schema_sample_rows=None).to_polars()
    except fastexcel.FastExcelError as error:
        raise ValueError(_first_line(error)) from error
    return rows.filter(pl.any_horizontal(pl.all().is_not_null())) if rows.width else rows


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
