"""Reading a source's query: one SELECT, read-only and with a time limit, so that the asked database cannot come to harm."""

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
from lake.sources.query_guard import postgres_refuses, sqlite_allows, told_by_postgres, told_by_sqlite
from lake.sources.source_settings import SourceSettings
from lake.sources.watermarks import Since, beginning, for_psycopg

CONNECT_TIMEOUT_SECONDS: Final = 30
_SQLITE: Final = "sqlite:///"
_SQLITE_STEPS_BETWEEN_LOOKS_AT_THE_CLOCK: Final = 10_000
_SQLITE_FAILS_OUTSIDE: Final = ("locked", "busy", "interrupted", "disk i/o")
_REFUSED: Final = re.compile("not authorized|authorization denied|prohibited")


def read_query(settings: SourceSettings, *, name: str, root: Path, since: Since | None = None) -> pl.DataFrame:
    """Run a source's query and read its rows.

    One row per row of the result. A column whose values are of several types, or of one Polars does not know, is text.

    Args:
        settings: The source, with `uri` and `query`.
        name: How messages call it.
        root: Where relative paths of SQLite files start.
        since: What to bind to `:since` of a source with a watermark; None for the beginning.

    Raises:
        ConfigurationError: The address is not one we know, or the query is not a SELECT that can be run.
        OutsideServiceError: The database did not answer, or not in time.
        DataError: The query gave a value that cannot be read.
    """
    assert settings.uri is not None
    assert settings.query is not None
    uri = expand_environment(settings.uri, name=name)
    if settings.watermark is not None and since is None:
        since = beginning(settings.overlap)
    if uri.startswith(_SQLITE):
        file = root / uri.removeprefix(_SQLITE).partition("?")[0]
        columns, rows = _ask_sqlite(file, settings.query, since, timeout_seconds=settings.query_timeout_seconds, name=name)
    elif re.match(r"postgres(ql)?(\+\w+)?://", uri):
        uri = "postgresql://" + uri.partition("://")[2]
        columns, rows = _ask_postgres(uri, settings.query, since, timeout_seconds=settings.query_timeout_seconds, name=name)
    else:
        raise _unknown_address(name)
    return pl.DataFrame([_column(title, [row[place] for row in rows]) for place, title in enumerate(distinct_names(columns))])


def _ask_sqlite(
    file: Path, query: str, since: Since | None, *, timeout_seconds: int, name: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    if not file.is_file():
        raise ConfigurationError(f"{name}: there is no file {file}", remedy="Correct `uri` of this source.")
    deadline = time.monotonic() + timeout_seconds
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=timeout_seconds)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
            # Attaching creates the file it names, read-only or not; other statements and functions reach files too.
            connection.set_authorizer(sqlite_allows)
            cursor = connection.execute(query, {} if since is None else {"since": since})
            if cursor.description is None:
                raise _bad_query(name, "it gives no rows")
            return [column[0] for column in cursor.description], cursor.fetchall()
    except sqlite3.OperationalError as error:
        told = str(error)
        if "decode" in told.lower():
            # The words hold the text itself.
            raise _unreadable_value(name, "text that is not UTF-8") from None
        if any(sign in told.lower() for sign in _SQLITE_FAILS_OUTSIDE):
            raise _no_answer(name, "it took too long" if told == "interrupted" else told) from error
        raise _bad_query(name, told_by_sqlite(error)) from None
    except (sqlite3.ProgrammingError, sqlite3.Warning) as error:
        raise _bad_query(name, told_by_sqlite(error)) from None
    except sqlite3.DatabaseError as error:
        if _REFUSED.search(str(error)):
            raise _bad_query(name, told_by_sqlite(error)) from None
        raise DataError(f"{name}: {file} is damaged or no SQLite file: {error}", remedy="Ask for the file again.") from error


def _ask_postgres(
    uri: str, query: str, since: Since | None, *, timeout_seconds: int, name: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    import psycopg

    refused = postgres_refuses(query)
    if refused is not None:
        raise _bad_query(name, f"`{refused}` reaches beyond the tables of the database")
    options = f"-c statement_timeout={timeout_seconds * 1000} -c default_transaction_read_only=on -c timezone=UTC"
    try:
        given = psycopg.conninfo.conninfo_to_dict(uri)
    except psycopg.ProgrammingError:
        raise _unknown_address(name) from None  # its message would show the password
    if not re.fullmatch(r"[\d,]*", str(given.get("port") or "")):
        raise _unknown_address(name)  # a slash in the password makes a piece of it the port
    given = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **given, "options": f"{given.get('options', '')} {options}"}
    try:
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **given)) as connection:
            connection.read_only = True
            # A named cursor takes one SELECT and nothing else, and no % for a placeholder.
            with connection.cursor(name="evenfall") as cursor:
                asked = query.rstrip("; \n\t")
                if since is None:
                    cursor.execute(asked.encode())
                else:
                    # As text of no type, so that it becomes what it is compared with: a time with a zone or without, or a number.
                    cursor.execute(for_psycopg(asked).encode(), {"since": str(since)})
                return [column.name for column in cursor.description or ()], cursor.fetchall()
    except psycopg.OperationalError as error:
        raise _no_answer(name, first_line(error)) from error
    except psycopg.DataError as error:
        raise _unreadable_value(name, told_by_postgres(error)) from None
    except psycopg.Error as error:
        raise _bad_query(name, told_by_postgres(error)) from None


def _column(title: str, values: list[Any]) -> pl.Series:
    try:
        if any(isinstance(value, Decimal) and not value.is_finite() for value in values):
            raise ValueError("a decimal column in Polars holds no NaN")
        column = pl.Series(title, values, strict=True)
    except (TypeError, ValueError, OverflowError, RuntimeError, pl.exceptions.PolarsError):
        column = pl.Series(title, values, dtype=pl.Object)
    return as_text(column) if column.dtype == pl.Object else column


def distinct_names(columns: list[str]) -> list[str]:
    """Names like those CSV headers get: the second `id` is `id_duplicated_0`."""
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        names.append(f"{column}_duplicated_{seen[column] - 1}" if column in seen else column)
        seen[column] = seen.get(column, 0) + 1
    return names


def _unknown_address(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name}: `uri` is not the address of a SQLite file or a PostgreSQL database",
        remedy="Write it like sqlite:///folder/file.db or postgresql://user:${PASSWORD}@host/database.",
    )


def _bad_query(name: str, problem: object) -> ConfigurationError:
    return ConfigurationError(
        f"{name}: the query cannot be run: {first_line(problem)}",
        remedy="Correct `query` of this source; it is one SELECT, and only reading is allowed.",
    )


def _no_answer(name: str, problem: str) -> OutsideServiceError:
    return OutsideServiceError(
        f"{name}: the database did not answer: {problem}",
        remedy="Check that it is running and reachable from here, or raise `query_timeout_seconds`; nothing was changed.",
    )


def _unreadable_value(name: str, problem: object) -> DataError:
    return DataError(
        f"{name}: the query gives a value that cannot be read: {first_line(problem)}",
        remedy="Correct that value, or cast it to text in `query`.",
    )
