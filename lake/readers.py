"""Reading an export's bytes or a database's rows into a frame, exactly as they are written there."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from io import BytesIO
from typing import Any

import polars as pl

from lake.errors import ConfigurationError, DataError, OutsideServiceError
from lake.source_settings import FileFormat, SourceSettings

_GZIP_MAGIC = b"\x1f\x8b"
_TEXT_FORMATS = ("csv", "jsonl")


def read_export(content: bytes, *, name: str, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    """Read one file's content.

    One row per record of the file. CSV columns are all text: what they mean is decided when they are mapped.

    Args:
        content: The file's bytes; gzip is recognised by its first bytes.
        name: How messages call the file.
        file_format: What the bytes are.
        settings: Encoding, separator and sheet of the source.

    Raises:
        DataError: Truncated, undecodable or without a single row.
        ConfigurationError: The named sheet is not there.
    """
    if not content:
        raise _no_rows(name)
    try:
        if file_format in _TEXT_FORMATS:
            rows = _read_text(content, file_format, settings)
        elif file_format == "parquet":
            rows = pl.read_parquet(BytesIO(content))
        else:
            rows = _read_excel(content, settings, name)
    except pl.exceptions.NoDataError:
        raise _no_rows(name) from None
    except (UnicodeError, EOFError, OSError, zlib.error, pl.exceptions.PolarsError, ValueError) as error:
        raise DataError(
            f"{name} cannot be read as {file_format} in {settings.encoding}: {_first_line(error)}",
            remedy="Ask for the file again, or correct `format`, `encoding` or `separator` of its source. Nothing of it landed.",
        ) from error
    if rows.height == 0:
        raise _no_rows(name)
    return rows


def read_query(settings: SourceSettings, *, name: str) -> pl.DataFrame:
    """Run a source's query in a read-only transaction with a time limit.

    Raises:
        ConfigurationError: The query or the address is wrong, or the driver is unknown.
        OutsideServiceError: The database did not answer.
        DataError: The query gave no rows.
    """
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

    assert settings.uri is not None
    assert settings.query is not None
    try:
        engine = sqlalchemy.create_engine(_driver(expand_environment(settings.uri, name=name)), poolclass=sqlalchemy.NullPool)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"{name}: the `uri` is not a database address we know: {_first_line(error)}",
            remedy="Write it like sqlite:///folder/file.db or postgresql://user@host/database.",
        ) from error
    try:
        with engine.connect() as connection:
            _confine(connection, settings.query_timeout_seconds)
            rows = pl.read_database(settings.query, connection, infer_schema_length=None)
            connection.rollback()
    except OperationalError as error:
        if _is_our_fault(error):
            raise _bad_query(name, error) from error
        raise OutsideServiceError(
            f"{name}: the database did not answer: {_first_line(error.orig or error)}",
            remedy="Check that it is running and reachable from here, then run again; nothing was changed.",
        ) from error
    except (DBAPIError, pl.exceptions.PolarsError, ValueError) as error:
        raise _bad_query(name, error) from error
    finally:
        engine.dispose()
    if rows.height == 0:
        raise _no_rows(name)
    return rows


def expand_environment(text: str, *, name: str) -> str:
    """Replace `${NAME}` by the environment's value, so that secrets stay out of files.

    Raises:
        ConfigurationError: The variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigurationError(
                f"{name}: the environment variable {match[1]} is not set", remedy=f"Set {match[1]} where Evenfall runs."
            )
        return found

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", value, text)


def _read_text(content: bytes, file_format: FileFormat, settings: SourceSettings) -> pl.DataFrame:
    if content.startswith(_GZIP_MAGIC):
        content = gzip.decompress(content)
    # utf-8-sig drops the byte-order mark that spreadsheets put first.
    encoding = "utf-8-sig" if settings.encoding.lower() in ("utf-8", "utf8") else settings.encoding
    text = content.decode(encoding).lstrip("\ufeff")
    if "\x00" in text:
        raise ValueError("it holds NUL bytes, so it is not text in this encoding")
    if not text.strip():
        raise pl.exceptions.NoDataError("empty")
    if file_format == "jsonl":
        return pl.read_ndjson(BytesIO(text.encode()), infer_schema_length=None)
    separator = settings.separator
    if separator == "whitespace":
        text = "\n".join(",".join(line.split()) for line in text.splitlines() if line.strip())
        separator = ","
    return pl.read_csv(BytesIO(text.encode()), separator=separator, infer_schema=False, null_values=[""])


def _read_excel(content: bytes, settings: SourceSettings, name: str) -> pl.DataFrame:
    import fastexcel

    workbook = fastexcel.read_excel(content)
    sheet = settings.sheet or workbook.sheet_names[0]
    if sheet not in workbook.sheet_names:
        raise ConfigurationError(
            f"{name} has no sheet {sheet!r}; it has {', '.join(workbook.sheet_names)}", remedy="Correct `sheet` of its source."
        )
    rows: pl.DataFrame = workbook.load_sheet(sheet, schema_sample_rows=None).to_polars()
    return rows


def _driver(uri: str) -> str:
    if uri.startswith(("postgresql://", "postgres://")):
        return "postgresql+psycopg://" + uri.split("://", 1)[1]
    return uri


def _confine(connection: Any, timeout_seconds: int) -> None:
    import sqlalchemy

    if connection.dialect.name == "postgresql":
        connection.execute(sqlalchemy.text("SET TRANSACTION READ ONLY"))
        connection.execute(sqlalchemy.text(f"SET LOCAL statement_timeout = {timeout_seconds * 1000}"))
    elif connection.dialect.name == "sqlite":
        connection.execute(sqlalchemy.text("PRAGMA query_only = ON"))


def _is_our_fault(error: Exception) -> bool:
    """SQLite and the drivers report a wrong query under the same name as a lost connection."""
    told = str(error).lower()
    return any(
        sign in told
        for sign in ("no such table", "no such column", "syntax error", "unable to open database file", "attempt to write")
    )


def _bad_query(name: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{name}: the query cannot be run: {_first_line(getattr(error, 'orig', None) or error)}",
        remedy="Correct `query` or `uri` of this source; only reading is allowed.",
    )


def _no_rows(name: str) -> DataError:
    return DataError(
        f"{name} holds no rows at all",
        remedy="If the export failed, run it again; if there was truly nothing to export, take the file away.",
    )


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
