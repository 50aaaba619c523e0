"""The member list in a table of a database people already query: SQLite, PostgreSQL.

One transaction replaces the night's rows, so readers see last night's list or tonight's, never half of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from lake.errors import ConfigurationError, OutsideServiceError, first_line
from outputs.lists import conform, members_schema

_TABLE_NAME: Final = re.compile(r"(?:(?P<schema>[A-Za-z_]\w{0,62})\.)?(?P<table>[A-Za-z_]\w{0,62})", re.ASCII)
_ROWS_PER_BATCH: Final = 10_000
_IDS_PER_STATEMENT: Final = 500
_CONNECT_TIMEOUT_SECONDS: Final = 10
_SECRET_OPTION: Final = re.compile(r"pass|secret|token|key", re.IGNORECASE)


def publish_members(url: str, *, table: str, members: pl.DataFrame, as_of: date) -> int:
    """Replace the night's rows of a database table, all or nothing.

    The table is made when missing, keyed by `as_of` and `member_id`; columns added to the lists later are added to it.
    Reasons are stored as JSON text, null characters in text as the replacement character.

    Args:
        url: Where the database is, such as `sqlite:////srv/lists.db` or `postgresql://user:password@host/name`.
        table: The table's name, with its schema in front if need be.
        members: One row per member, all of the night `as_of`; the contract of `members.parquet`.
        as_of: The night whose rows are replaced.

    Returns:
        The number of rows inserted.

    Raises:
        ConfigurationError: The URL or the table's name cannot be used.
        OutsideServiceError: The database failed; nothing was changed in it.
    """
    schema, name = check_table_name(table)
    location = _parse(url)
    rows = _as_rows(conform(members, schema=members_schema(members.columns)))
    assert (rows["as_of"] == as_of).all(), "every row belongs to the night that is replaced"
    target = _describe(rows, name=name, schema=schema)
    engine = _engine(location)
    try:
        with engine.begin() as connection:
            _prepare(connection, target)
            # Deleting and inserting works alike in every database; an upsert would keep members that the night no longer has.
            connection.execute(target.delete().where(target.c.as_of == as_of))
            for batch in _batches(rows):
                connection.execute(target.insert(), batch)
    except SQLAlchemyError as error:
        raise _outside_error(error, location=location, table=table) from None
    finally:
        engine.dispose()
    return rows.height


def withdraw_members(url: str, *, table: str, member_ids: Sequence[str]) -> int:
    """Remove some members' rows of every night from a database table, all or nothing; a table that is not there has none.

    Args:
        url: As in `publish_members`.
        table: The table's name.
        member_ids: Who is withdrawn.

    Returns:
        The number of rows removed.

    Raises:
        ConfigurationError: The URL or the table's name cannot be used.
        OutsideServiceError: The database failed; nothing was changed in it.
    """
    schema, name = check_table_name(table)
    location = _parse(url)
    engine = _engine(location)
    target = sa.table(name, sa.column("member_id", sa.Text()), schema=schema)
    try:
        with engine.begin() as connection:
            if not sa.inspect(connection).has_table(name, schema=schema):
                return 0
            if location.get_backend_name() == "sqlite":
                # Otherwise SQLite leaves deleted rows readable in free pages of the file.
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            batches = (member_ids[first : first + _IDS_PER_STATEMENT] for first in range(0, len(member_ids), _IDS_PER_STATEMENT))
            conditions = (target.c.member_id.in_([_storable(member_id) for member_id in batch]) for batch in batches)
            return sum(connection.execute(target.delete().where(condition)).rowcount for condition in conditions)
    except SQLAlchemyError as error:
        raise _outside_error(error, location=location, table=table) from None
    finally:
        engine.dispose()


def check_answers(url: str, *, table: str) -> None:
    """Check that the database answers; a SQLite file that does not exist yet is not made.

    Args:
        url: As in `publish_members`.
        table: The table's name.

    Raises:
        ConfigurationError: The URL or the table's name cannot be used.
        OutsideServiceError: The database does not answer.
    """
    check_table_name(table)
    location = _parse(url)
    if location.get_backend_name() == "sqlite" and not Path(location.database or "").exists():
        return
    engine = _engine(location)
    try:
        with engine.connect() as connection:
            connection.execute(sa.select(sa.literal(1)))
    except SQLAlchemyError as error:
        raise _outside_error(error, location=location, table=table) from None
    finally:
        engine.dispose()


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd")


def check_table_name(table: str) -> tuple[str | None, str]:
    """Split `schema.table` or `table`.

    Raises:
        ConfigurationError: It is no plain name: letters, digits and underscores, 63 at most, no digit first.
    """
    match = _TABLE_NAME.fullmatch(table)
    if match is None:
        raise ConfigurationError(
            f"{table!r} is not a table name that Evenfall writes to.",
            remedy="Use letters, digits and underscores, such as evenfall_members or reporting.evenfall_members.",
        )
    return match["schema"], match["table"]


def _parse(url: str) -> sa.URL:
    """Read a URL and choose the driver that is installed; the URL itself may hold a password and is never shown."""
    try:
        location = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "The database URL of the member list cannot be read (not shown: it may hold a password).",
            remedy="Write it as sqlite:////path/to/file.db or postgresql://user:password@host:5432/database.",
        ) from None
    if location.drivername in ("postgres", "postgresql"):
        location = location.set(drivername="postgresql+psycopg")
    return location


def _engine(location: sa.URL) -> sa.Engine:
    is_postgresql = location.get_backend_name() == "postgresql"
    # SQLite's driver does not know this option.
    options = {"connect_timeout": _CONNECT_TIMEOUT_SECONDS} if is_postgresql else {}
    try:
        # Statements are not shown with their values, which are members; no connection outlives the call.
        engine = sa.create_engine(location, connect_args=options, hide_parameters=True, poolclass=sa.NullPool)
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError):
        raise ConfigurationError(
            f"No driver for {location.drivername!r} databases is installed.",
            remedy="Publish to sqlite:// or postgresql://, or install the SQLAlchemy driver for this database.",
        ) from None
    if location.get_backend_name() == "sqlite":
        _make_ddl_transactional(engine)
    return engine


def _make_ddl_transactional(engine: sa.Engine) -> None:
    """Put DDL into the transaction too: Python's sqlite3 begins one only before the first row.

    Source: SQLAlchemy documentation, SQLite dialect, "Serializable isolation / Savepoints / Transactional DDL".
    """

    @sa.event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _describe(rows: pl.DataFrame, *, name: str, schema: str | None) -> sa.Table:
    columns = [
        sa.Column(column, _sql_type(dtype), primary_key=column in ("as_of", "member_id"), autoincrement=False)
        for column, dtype in rows.schema.items()
    ]
    return sa.Table(name, sa.MetaData(), *columns, schema=schema)


def _sql_type(dtype: pl.DataType) -> sa.types.TypeEngine[Any]:
    if dtype == pl.Date:
        return sa.Date()
    if dtype == pl.Boolean:
        return sa.Boolean()
    if dtype.is_integer():
        return sa.BigInteger()
    if dtype.is_numeric():
        return sa.Double()
    if dtype == pl.Datetime:
        return sa.DateTime(timezone=True)
    return sa.Text()


def _prepare(connection: sa.Connection, target: sa.Table) -> None:
    """Make the table, or add to an older one the columns it lacks."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(target.name, schema=target.schema):
        target.create(connection)
        return
    # Columns are only ever added: people may have views on the table.
    present = {column["name"] for column in inspector.get_columns(target.name, schema=target.schema)}
    quote = connection.dialect.identifier_preparer
    for column in target.columns:
        if column.name not in present:
            added = f"{quote.format_column(column)} {column.type.compile(connection.dialect)}"
            connection.exec_driver_sql(f"ALTER TABLE {quote.format_table(target)} ADD COLUMN {added}")


def _as_rows(members: pl.DataFrame) -> pl.DataFrame:
    """Turn nested columns into JSON text and text into what every database takes; sorted by member."""
    nested = [
        pl.concat_str(pl.lit("["), pl.col(name).list.eval(_as_json(dtype)).list.join(","), pl.lit("]")).alias(name)
        for name, dtype in members.schema.items()
        if isinstance(dtype, pl.List)
    ]
    return members.sort("member_id").with_columns(nested).with_columns(pl.col(pl.String).str.replace_all("\x00", "\ufffd"))


def _as_json(dtype: pl.List) -> pl.Expr:
    if isinstance(dtype.inner, pl.Struct):
        return pl.element().struct.json_encode()
    # A struct of one field is the shortest way to JSON's own escaping; its braces and name are cut off again.
    return pl.struct(v=pl.element()).struct.json_encode().str.slice(5).str.head(-1)


def _batches(rows: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
    for batch in rows.iter_slices(_ROWS_PER_BATCH):
        yield batch.to_dicts()


def _outside_error(error: SQLAlchemyError, *, location: sa.URL, table: str) -> OutsideServiceError:
    """Say what failed without the password, the rows or the statement; what the driver says is for the terminal alone."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = first_line(cause, most=None)
    for secret in _secrets(location):
        reason = reason.replace(secret, "***")
    where = f"{location.get_backend_name()} database {location.database or ''!r}"
    where += f" at {location.host}" if location.host else ""
    return OutsideServiceError(
        f"table {table!r} of the {where} could not be changed: {type(cause).__name__}",
        remedy="That table is as it was. Check that the database is up and its user may write the table, then run again.",
        detail=reason,
    )


def _secrets(location: sa.URL) -> list[str]:
    """Return everything in a URL that must not be shown."""
    options = [value for name, value in location.query.items() if _SECRET_OPTION.search(name)]
    texts = [text for value in options for text in ([value] if isinstance(value, str) else value)]
    return [text for text in (location.password, *texts) if text]
