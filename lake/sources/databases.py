"""The reader of a source's query: one SELECT, read-only and with a time limit, so that it cannot harm the database."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake.environment_variables import expand_environment
from lake.errors import ConfigurationError, DataError, OutsideServiceError, first_line
from lake.sources.casting import as_text
from lake.sources.query_guard import postgres_refuses, safe_postgres_message, safe_sqlite_message, sqlite_allows
from lake.sources.source_settings import SourceSettings
from lake.sources.watermarks import Since, beginning, for_psycopg

CONNECT_TIMEOUT_SECONDS: Final = 30
_SQLITE: Final = "sqlite:///"
_SQLITE_STEPS_PER_CLOCK_CHECK: Final = 10_000
_SQLITE_OUTSIDE_FAULTS: Final = ("locked", "busy", "interrupted", "disk i/o")
_REFUSED: Final = re.compile("not authorized|authorization denied|prohibited")


def read_query(settings: SourceSettings, *, name: str, root: Path, since: Since | None = None) -> pl.DataFrame:
    """Run a source's query and read its rows.

    One row per row of the result. A column with values of several types, or of a type that Polars does not have, becomes text.

    Args:
        settings: The source, with `uri` and `query`.
        name: The source's name in messages.
        root: The folder to which relative paths of SQLite files refer.
        since: The value of `:since` for a source with a watermark; None for the beginning.

    Raises:
        ConfigurationError: The address is not of a supported database, or the query is not a SELECT that can be run.
        OutsideServiceError: The database did not answer, or not in time.
        DataError: The query returned a value that cannot be read.
    """
    assert settings.uri is not None
    assert settings.query is not None
    uri = expand_environment(settings.uri, name=name)
    if settings.watermark is not None and since is None:
        since = beginning(settings.overlap)
    if uri.startswith(_SQLITE):
        file = root / uri.removeprefix(_SQLITE).partition("?")[0]
        columns, rows = _query_sqlite(file, settings.query, since, timeout_seconds=settings.query_timeout_seconds, name=name)
    elif re.match(r"postgres(ql)?(\+\w+)?://", uri):
        uri = "postgresql://" + uri.partition("://")[2]
        columns, rows = _query_postgres(uri, settings.query, since, timeout_seconds=settings.query_timeout_seconds, name=name)
    else:
        raise _address_error(name)
    return pl.DataFrame(
        [_column(title, [row[position] for row in rows]) for position, title in enumerate(distinct_names(columns))]
    )


def _query_sqlite(
    file: Path, query: str, since: Since | None, *, timeout_seconds: int, name: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    if not file.is_file():
        raise ConfigurationError(f"{name}: there is no file {file}", remedy="Correct `uri` of this source.")
    # SQLite has no time limit for a query; its progress handler interrupts it when it returns true.
    deadline = time.monotonic() + timeout_seconds
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=timeout_seconds)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS_PER_CLOCK_CHECK)
            # Read-only mode is not enough: ATTACH creates the file it names all the same, and some functions reach files too.
            connection.set_authorizer(sqlite_allows)
            cursor = connection.execute(query, {} if since is None else {"since": since})
            if cursor.description is None:
                raise _query_error(name, "it gives no rows")
            return [column[0] for column in cursor.description], cursor.fetchall()
    except sqlite3.OperationalError as error:
        message = str(error)
        if "decode" in message.lower():
            # SQLite's message contains the text itself.
            raise _value_error(name, "text that is not UTF-8") from None
        if any(sign in message.lower() for sign in _SQLITE_OUTSIDE_FAULTS):
            raise _no_answer_error(name, "it took too long" if message == "interrupted" else message) from error
        raise _query_error(name, safe_sqlite_message(error)) from None
    except (sqlite3.ProgrammingError, sqlite3.Warning) as error:
        raise _query_error(name, safe_sqlite_message(error)) from None
    except sqlite3.DatabaseError as error:
        if _REFUSED.search(str(error)):
            raise _query_error(name, safe_sqlite_message(error)) from None
        raise DataError(f"{name}: {file} is damaged or no SQLite file: {error}", remedy="Ask for the file again.") from error


def _query_postgres(
    uri: str, query: str, since: Since | None, *, timeout_seconds: int, name: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    import psycopg

    forbidden = postgres_refuses(query)
    if forbidden is not None:
        raise _query_error(name, f"`{forbidden}` reaches beyond the tables of the database")
    # The limits are set with the connection, before any statement runs.
    options = f"-c statement_timeout={timeout_seconds * 1000} -c default_transaction_read_only=on -c timezone=UTC"
    try:
        parameters = psycopg.conninfo.conninfo_to_dict(uri)
    except psycopg.ProgrammingError:
        raise _address_error(name) from None  # its message would show the password
    if not re.fullmatch(r"[\d,]*", str(parameters.get("port") or "")):
        raise _address_error(name)  # a slash in the password makes a piece of it the port
    parameters = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        **parameters,
        "options": f"{parameters.get('options', '')} {options}",
    }
    try:
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **parameters)) as connection:
            connection.read_only = True
            # A named (server-side) cursor accepts only a single SELECT; without parameters psycopg leaves % signs alone.
            with connection.cursor(name="evenfall") as cursor:
                select = query.rstrip("; \n\t")
                if since is None:
                    cursor.execute(select.encode())
                else:
                    # Passed as a literal of unknown type, PostgreSQL converts it to the type it is compared with: a time with or
                    # without timezone, or a number.
                    cursor.execute(for_psycopg(select).encode(), {"since": str(since)})
                return [column.name for column in cursor.description or ()], cursor.fetchall()
    except psycopg.OperationalError as error:
        raise _no_answer_error(name, first_line(error)) from error
    except psycopg.DataError as error:
        raise _value_error(name, safe_postgres_message(error)) from None
    except psycopg.Error as error:
        raise _query_error(name, safe_postgres_message(error)) from None


def _column(title: str, values: list[Any]) -> pl.Series:
    try:
        # Polars' decimals have no NaN or infinity: the column becomes text.
        if any(isinstance(value, Decimal) and not value.is_finite() for value in values):
            raise ValueError("a decimal column in Polars holds no NaN")
        column = pl.Series(title, values, strict=True)
    except (TypeError, ValueError, OverflowError, RuntimeError, pl.exceptions.PolarsError):
        # Mixed or unknown types: each value is written as text below.
        column = pl.Series(title, values, dtype=pl.Object)
    return as_text(column) if column.dtype == pl.Object else column


def distinct_names(columns: list[str]) -> list[str]:
    """Return distinct names as Polars' CSV reader makes them: the second `id` is `id_duplicated_0`."""
    counts: dict[str, int] = {}
    names = []
    for column in columns:
        names.append(f"{column}_duplicated_{counts[column] - 1}" if column in counts else column)
        counts[column] = counts.get(column, 0) + 1
    return names


def _address_error(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name}: `uri` is not the address of a SQLite file or a PostgreSQL database",
        remedy="Write it like sqlite:///folder/file.db or postgresql://user:${PASSWORD}@host/database.",
    )


def _query_error(name: str, problem: object) -> ConfigurationError:
    return ConfigurationError(
        f"{name}: the query cannot be run: {first_line(problem)}",
        remedy="Correct `query` of this source; it is one SELECT, and only reading is allowed.",
    )


def _no_answer_error(name: str, problem: str) -> OutsideServiceError:
    return OutsideServiceError(
        f"{name}: the database did not answer: {problem}",
        remedy="Check that it is running and reachable from here, or raise `query_timeout_seconds`; nothing was changed.",
    )


def _value_error(name: str, problem: object) -> DataError:
    return DataError(
        f"{name}: the query gives a value that cannot be read: {first_line(problem)}",
        remedy="Correct that value, or cast it to text in `query`.",
    )
