"""The beginning of an export, for trying a mapping without reading millions of rows."""

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
        rows: One row per record, as `Export.read` gives them.
        is_whole: Whether these are all of them.
    """

    rows: pl.DataFrame
    is_whole: bool


def read_sample(export: Export, *, most_bytes: int = SAMPLE_BYTES, most_rows: int = SAMPLE_ROWS) -> Sample:
    """Read the beginning of a file, or the first rows of a query.

    Of Excel, and of Parquet in a bucket, everything is read: they cannot be read in part.

    Args:
        export: Where to read.
        most_bytes: Of text, how many bytes are read, decompressed.
        most_rows: How many rows are given.

    Raises:
        DataError: What was read is not as its format, encoding or separator says, or the file vanished.
        ConfigurationError: The query or the file's permissions are wrong.
        OutsideServiceError: The database or the object store did not answer.
    """
    if export.location is None or export.file_format is None:
        rows = _first_of_query(export, most_rows + 1)
        return Sample(rows.head(most_rows), is_whole=rows.height <= most_rows)
    if export.file_format in ("csv", "jsonl"):
        beginning, is_whole = _beginning(export, most_bytes)
        if not is_whole:
            beginning = _whole_records(beginning, encoding=export.settings.encoding, csv=export.file_format == "csv")
        rows = read_export(beginning, name=export.name, file_format=export.file_format, settings=export.settings)
        return Sample(rows.head(most_rows), is_whole=is_whole and rows.height <= most_rows)
    rows = _first_of_parquet(export, most_rows + 1) if export.file_format == "parquet" else export.read()[0]
    return Sample(rows.head(most_rows), is_whole=rows.height <= most_rows)


def _first_of_query(export: Export, most_rows: int) -> pl.DataFrame:
    asked = (export.settings.query or "").rstrip("; \n\t")
    # On lines of its own: the query may end with a comment.
    query = f"SELECT * FROM (\n{asked}\n) AS asked LIMIT {most_rows}"  # noqa: S608
    return replace(export, settings=export.settings.model_copy(update={"query": query})).read()[0]


def _first_of_parquet(export: Export, most_rows: int) -> pl.DataFrame:
    """The first rows, read again by the reader of exports so that they are what it makes of them."""
    if not isinstance(export.location, Path):
        return export.read()[0].head(most_rows)
    try:
        few = pl.scan_parquet(export.location, glob=False, hive_partitioning=False).head(most_rows).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return export.read()[0].head(most_rows)
    written = BytesIO()
    few.write_parquet(written)
    return read_export(written.getvalue(), name=export.name, file_format="parquet", settings=export.settings)


def _beginning(export: Export, most_bytes: int) -> tuple[bytes, bool]:
    """The first bytes of a text, decompressed, and whether they are all of it."""
    assert export.location is not None
    content = _first_bytes(export.location, most_bytes + 1)
    if not content.startswith(_GZIP_MAGIC):
        return content[:most_bytes], len(content) <= most_bytes
    if len(content) <= most_bytes:
        # Small enough to be read as a whole, several members and a damaged end included, by the reader of exports.
        return content, True
    return zlib.decompressobj(_GZIP_WINDOW).decompress(content, most_bytes), False


def _first_bytes(file: File, most_bytes: int) -> bytes:
    if isinstance(file, BucketFile):
        if file.size_bytes <= most_bytes:
            return file.read_bytes()
        with translate_store_errors(file.bucket):
            asked = f"bytes=0-{most_bytes - 1}"
            part: bytes = client().get_object(Bucket=file.bucket, Key=file.key, Range=asked)["Body"].read()
        return part
    with Path(file).open("rb") as stream:
        return stream.read(most_bytes)


def _whole_records(content: bytes, *, encoding: str, csv: bool) -> bytes:
    """Cut a text after the last line that is whole; a line break inside a quoted field ends no record."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return content
    newline = "\n" if "\n" in text else "\r"
    last = end = text.rfind(newline)
    if last < 0:
        return content
    for _ in range(_LINES_TRIED if csv else 0):
        if end < 0 or text.count('"', 0, end) % 2 == 0:
            break
        end = text.rfind(newline, 0, end)
    # Quotes that open no field may never come out even.
    is_even = end >= 0 and text.count('"', 0, end) % 2 == 0
    return text[: (end if is_even else last) + 1].encode(encoding)
