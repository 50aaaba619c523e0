"""Samples: the first rows of an export, for trying a mapping without reading millions of rows."""

from __future__ import annotations

import codecs
import zlib
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Final

import polars as pl

from lake.sources.discovery import Export
from lake.sources.readers import read_export
from lake.storage.bucket import BucketFile
from lake.storage.object_store import client, translate_store_errors
from lake.storage.storage import File

SAMPLE_BYTES: Final = 4 * 1024**2
SAMPLE_ROWS: Final = 10_000
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_LINES_TRIED: Final = 100


@dataclass(frozen=True)
class Sample:
    """The first rows of an export.

    Args:
        rows: One row per record, as `Export.read` returns them.
        is_whole: Whether these are all rows of the export.
    """

    rows: pl.DataFrame
    is_whole: bool


def read_sample(export: Export, *, most_bytes: int = SAMPLE_BYTES, most_rows: int = SAMPLE_ROWS) -> Sample:
    """Read the beginning of a file, or the first rows of a query.

    Excel files, and Parquet files in a bucket, are read completely, as they cannot be read in part.

    Args:
        export: The export to read.
        most_bytes: For text, the largest number of bytes to read, decompressed.
        most_rows: The largest number of rows to return.

    Raises:
        DataError: The content does not have the format, encoding or separator of its source, or the file vanished.
        ConfigurationError: The query or the file's permissions are wrong.
        OutsideServiceError: The database or the object store did not answer.
    """
    if export.location is None or export.file_format is None:
        rows = _first_of_query(export, most_rows + 1)
        return Sample(rows.head(most_rows), is_whole=rows.height <= most_rows)
    if export.file_format in ("csv", "jsonl"):
        beginning, is_whole = _first_text_bytes(export, most_bytes)
        if not is_whole:
            beginning = _whole_records(beginning, encoding=export.settings.encoding, csv=export.file_format == "csv")
        rows = read_export(beginning, name=export.name, file_format=export.file_format, settings=export.settings)
        return Sample(rows.head(most_rows), is_whole=is_whole and rows.height <= most_rows)
    rows = _first_of_parquet(export, most_rows + 1) if export.file_format == "parquet" else export.read()[0]
    return Sample(rows.head(most_rows), is_whole=rows.height <= most_rows)


def _first_of_query(export: Export, most_rows: int) -> pl.DataFrame:
    inner_query = (export.settings.query or "").rstrip("; \n\t")
    # The query is on lines of its own, because it may end with a comment.
    query = f"SELECT * FROM (\n{inner_query}\n) AS asked LIMIT {most_rows}"  # noqa: S608
    return replace(export, settings=export.settings.model_copy(update={"query": query})).read()[0]


def _first_of_parquet(export: Export, most_rows: int) -> pl.DataFrame:
    """Return the first rows, written and read again by the reader of exports, so that they are treated alike."""
    if not isinstance(export.location, Path):
        return export.read()[0].head(most_rows)
    try:
        first_rows = pl.scan_parquet(export.location, glob=False, hive_partitioning=False).head(most_rows).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return export.read()[0].head(most_rows)
    buffer = BytesIO()
    first_rows.write_parquet(buffer)
    return read_export(buffer.getvalue(), name=export.name, file_format="parquet", settings=export.settings)


def _first_text_bytes(export: Export, most_bytes: int) -> tuple[bytes, bool]:
    """Return the first bytes of a text, decompressed, and whether they are all of it."""
    assert export.location is not None
    content = _first_bytes(export.location, most_bytes + 1)
    if not content.startswith(_GZIP_MAGIC):
        return content[:most_bytes], len(content) <= most_bytes
    if len(content) <= most_bytes:
        # Small enough for the reader of exports, which also handles several gzip members and a damaged end.
        return content, True
    # At most so many bytes: a small compressed file may decompress to gigabytes.
    return zlib.decompressobj(_GZIP_WINDOW).decompress(content, most_bytes), False


def _first_bytes(file: File, most_bytes: int) -> bytes:
    if isinstance(file, BucketFile):
        if file.size_bytes <= most_bytes:
            return file.read_bytes()
        with translate_store_errors(file.bucket):
            byte_range = f"bytes=0-{most_bytes - 1}"
            content: bytes = client().get_object(Bucket=file.bucket, Key=file.key, Range=byte_range)["Body"].read()
        return content
    with Path(file).open("rb") as stream:
        return stream.read(most_bytes)


def _whole_records(content: bytes, *, encoding: str, csv: bool) -> bytes:
    """Cut a text after the last complete record; a line break inside a quoted field does not end a record."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return content
    newline = "\n" if "\n" in text else "\r"
    last = end = text.rfind(newline)
    if last < 0:
        return content
    # An odd number of quotes before a line break means that it is inside a quoted field: try earlier line breaks.
    for _ in range(_LINES_TRIED if csv else 0):
        if end < 0 or text.count('"', 0, end) % 2 == 0:
            break
        end = text.rfind(newline, 0, end)
    # With quotes inside unquoted fields the number may be odd everywhere: then cut at the last line break.
    is_even = end >= 0 and text.count('"', 0, end) % 2 == 0
    return text[: (end if is_even else last) + 1].encode(encoding)
