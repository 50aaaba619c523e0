"""A query is one SELECT, read-only, in time, and its secrets stay secret."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest

from lake.contracts import ORDERS
from lake.errors import ConfigurationError, DataError, EvenfallError, OutsideServiceError
from lake.sources.databases import read_query
from lake.sources.discovery import discover
from lake.sources.mapping import map_export
from lake.sources.source_settings import SourceSettings

NAME = "orders (query)"
SECRET = "moon-and-stars"
ORDERS_SQL = "SELECT id, who, at, total FROM shop ORDER BY id"
WRITES = [
    "INSERT INTO shop (id) VALUES (9)",
    "INSERT INTO shop (id) VALUES (9) RETURNING id",
    "DELETE FROM shop",
    "UPDATE shop SET total = 0",
    "DROP TABLE shop",
    "CREATE TABLE other (id INTEGER)",
    "SELECT 1; DELETE FROM shop",
    "COMMIT; DELETE FROM shop; COMMIT",
    "SELECT 1; COMMIT; DELETE FROM shop; COMMIT; SELECT 1",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work space"
    folder.mkdir()
    return folder


@pytest.fixture
def sqlite_uri(root: Path) -> str:
    with closing(sqlite3.connect(root / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE shop (id INTEGER, who TEXT, at TEXT, total)")
        rows = [(1, "ann", "2011-08-31 10:00", 12.5), (2, "bob", "2011-08-31", "twelve"), (3, None, None, None)]
        shop.executemany("INSERT INTO shop VALUES (?, ?, ?, ?)", rows)
    return "sqlite:///shop.db"


@pytest.fixture
def shop_url(postgres_url: str) -> Iterator[str]:
    with psycopg.connect(postgres_url, autocommit=True) as shop:
        shop.execute("CREATE TABLE shop (id INTEGER, who CHAR(5), at TIMESTAMPTZ, total NUMERIC)")
        shop.execute("INSERT INTO shop VALUES (1, 'ann', '2011-08-31 10:00+00', 12.50), (2, 'bob', NULL, -3)")
        yield postgres_url
        shop.execute("DROP TABLE shop")


def ask(uri: str, query: str, root: Path, **settings: Any) -> pl.DataFrame:
    return read_query(SourceSettings.model_validate({"uri": uri, "query": query, **settings}), name=NAME, root=root)


def test_rows_of_sqlite_are_read(sqlite_uri: str, root: Path) -> None:
    rows = ask(sqlite_uri, "SELECT id, who, at FROM shop ORDER BY id;", root)
    assert rows.rows() == [(1, "ann", "2011-08-31 10:00"), (2, "bob", "2011-08-31"), (3, None, None)]


def test_a_column_of_several_types_is_text(sqlite_uri: str, root: Path) -> None:
    assert ask(sqlite_uri, ORDERS_SQL, root)["total"].to_list() == ["12.5", "twelve", None]


def test_one_text_in_an_amount_of_a_database_rejects_that_row(sqlite_uri: str, root: Path) -> None:
    columns = {"order_id": "id", "member_id": "who", "ordered_at": "at", "amount": "total"}
    source = SourceSettings(uri=sqlite_uri, query=ORDERS_SQL, columns=columns)
    (export,) = discover(ORDERS, [source], root=root)
    rows, _ = export.read()
    found = map_export(rows, table=ORDERS, settings=source, name=export.name, timezone="UTC")
    assert found.rejects.rows() == [(2, ["amount_is_a_number"])]
    assert found.rows["amount"].to_list() == [12.5, None, None]


def test_an_absolute_path_of_sqlite_is_read(sqlite_uri: str, root: Path, tmp_path: Path) -> None:
    assert ask(f"sqlite:///{root / 'shop.db'}", "SELECT COUNT(*) AS n FROM shop", tmp_path)["n"].item() == 3


def test_a_sqlite_file_that_is_not_there_is_not_made(root: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"orders \(query\): there is no file .*no\.db"):
        ask("sqlite:///no.db", "SELECT 1", root)
    assert not list(root.iterdir())


@pytest.mark.parametrize("query", [*WRITES, "ATTACH 'new.db' AS other", "PRAGMA query_only = OFF"])
def test_nothing_is_written_to_sqlite(sqlite_uri: str, root: Path, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    before = (root / "shop.db").read_bytes()
    with pytest.raises(ConfigurationError, match="the query cannot be run"):
        ask(sqlite_uri, query, root)
    assert (root / "shop.db").read_bytes() == before
    assert [path.name for path in root.iterdir()] == ["shop.db"]


@pytest.mark.parametrize("query", ["SELECT * FROM nowhere", "SELECT colour FROM shop", "SELEC 1"])
def test_a_wrong_query_is_the_configurations_fault(sqlite_uri: str, root: Path, query: str) -> None:
    with pytest.raises(ConfigurationError, match="the query cannot be run: ") as error:
        ask(sqlite_uri, query, root)
    assert error.value.exit_code == 2


def test_a_query_of_no_rows_is_no_rows_with_its_columns(sqlite_uri: str, root: Path) -> None:
    rows = ask(sqlite_uri, "SELECT id, id FROM shop WHERE id > 9", root)
    assert (rows.height, rows.columns) == (0, ["id", "id_duplicated_0"])


def test_a_damaged_sqlite_file_is_the_datas_fault(root: Path) -> None:
    (root / "shop.db").write_bytes(b"This is no database. " * 100)
    with pytest.raises(DataError, match="damaged or no SQLite file"):
        ask("sqlite:///shop.db", "SELECT * FROM shop", root)


def test_text_of_sqlite_that_is_not_text_is_the_datas_fault(sqlite_uri: str, root: Path) -> None:
    with pytest.raises(DataError, match="value that cannot be read"):
        ask(sqlite_uri, "SELECT CAST(x'ff' AS TEXT) AS broken", root)


def test_a_sqlite_query_ends_in_time(sqlite_uri: str, root: Path) -> None:
    endless = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c"
    with pytest.raises(OutsideServiceError, match=r"it took too long\n.*query_timeout_seconds") as error:
        ask(sqlite_uri, endless, root, query_timeout_seconds=1)
    assert error.value.exit_code == 4


def test_a_locked_sqlite_file_is_an_outside_failure(sqlite_uri: str, root: Path) -> None:
    with closing(sqlite3.connect(root / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutsideServiceError, match="locked"):
            ask(sqlite_uri, ORDERS_SQL, root, query_timeout_seconds=1)


@pytest.mark.postgres
def test_rows_of_postgresql_are_read(shop_url: str, root: Path) -> None:
    rows = ask(shop_url, "SELECT * FROM shop WHERE who LIKE '%n%' AND 7 % 2 = 1 ORDER BY id; ", root)
    assert rows["at"].to_list() == [datetime(2011, 8, 31, 10, tzinfo=UTC)]
    assert [float(total) for total in rows["total"]] == [12.5]


@pytest.mark.postgres
def test_padded_ids_of_postgresql_lose_their_blanks_when_mapped(shop_url: str, root: Path) -> None:
    columns = {"order_id": "id", "member_id": "who", "ordered_at": "at", "amount": "total * 2"}
    source = SourceSettings(uri=shop_url, query=ORDERS_SQL, columns=columns)
    (export,) = discover(ORDERS, [source], root=root)
    rows, content_hash = export.read()
    found = map_export(rows, table=ORDERS, settings=source, name=export.name, timezone="Europe/London")
    assert found.rows.rows() == [(1, "1", "ann", datetime(2011, 8, 31, 10, tzinfo=UTC), 25.0), (2, "2", "bob", None, -6.0)]
    assert export.read()[1] == content_hash


@pytest.mark.postgres
def test_every_type_of_postgresql_is_read(shop_url: str, root: Path) -> None:
    query = """SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u, '{"a": 1}'::jsonb AS j, array[1, 2] AS l,
        'x'::bytea AS b, '1 day'::interval AS i, '10:00'::time AS t, '10.0.0.1'::inet AS ip, 10::money AS m, int4range(1, 2) AS r,
        true AS o, 'NaN'::numeric AS n, 1e60::numeric AS big, NULL AS nothing"""
    row = ask(shop_url, query, root).row(0, named=True)
    assert row["u"] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    assert (row["j"], row["l"], row["o"], row["ip"], row["nothing"]) == ({"a": 1}, [1, 2], True, "10.0.0.1", None)
    assert (row["n"], row["big"]) == ("NaN", "1" + "0" * 60)


@pytest.mark.postgres
def test_columns_of_one_name_are_told_apart(shop_url: str, root: Path) -> None:
    assert ask(shop_url, "SELECT 1 AS a, 2 AS a, 3 AS a", root).columns == ["a", "a_duplicated_0", "a_duplicated_1"]


@pytest.mark.postgres
@pytest.mark.parametrize(
    "query",
    [*WRITES, "WITH gone AS (DELETE FROM shop RETURNING id) SELECT id FROM gone", "SET TRANSACTION READ WRITE", "TRUNCATE shop"],
)
def test_nothing_is_written_to_postgresql(shop_url: str, root: Path, query: str) -> None:
    with pytest.raises(ConfigurationError, match="the query cannot be run"):
        ask(shop_url, query, root)
    with psycopg.connect(shop_url) as shop:
        assert shop.execute("SELECT id, total FROM shop ORDER BY id").fetchall() == [(1, 12.5), (2, -3)]


@pytest.mark.postgres
def test_a_function_that_writes_is_refused_too(shop_url: str, root: Path) -> None:
    with psycopg.connect(shop_url, autocommit=True) as shop:
        shop.execute("CREATE OR REPLACE FUNCTION empty_it() RETURNS INT LANGUAGE sql AS 'DELETE FROM shop; SELECT 1'")
    with pytest.raises(ConfigurationError, match="read-only transaction"):
        ask(shop_url, "SELECT empty_it()", root)


@pytest.mark.postgres
@pytest.mark.parametrize("query", ["SELECT * FROM nowhere", "SELECT colour FROM shop", "SELEC 1", "EXPLAIN SELECT 1"])
def test_a_wrong_query_of_postgresql_is_the_configurations_fault(shop_url: str, root: Path, query: str) -> None:
    with pytest.raises(ConfigurationError, match="the query cannot be run: "):
        ask(shop_url, query, root)


@pytest.mark.postgres
@pytest.mark.parametrize("query", ["SELECT 'infinity'::timestamptz AS at", "SELECT 'abc'::int AS n"])
def test_a_value_that_cannot_be_read_is_the_datas_fault(shop_url: str, root: Path, query: str) -> None:
    with pytest.raises(DataError, match="value that cannot be read"):
        ask(shop_url, query, root)


@pytest.mark.postgres
def test_a_postgresql_query_ends_in_time(shop_url: str, root: Path) -> None:
    slow = shop_url + "?options=-c%20statement_timeout%3D0"
    with pytest.raises(OutsideServiceError, match=r"statement timeout\n.*query_timeout_seconds"):
        ask(slow, "SELECT pg_sleep(20)", root, query_timeout_seconds=1)


@pytest.mark.postgres
def test_a_refused_login_is_an_outside_failure_without_the_password(shop_url: str, root: Path) -> None:
    for wrong in (shop_url.replace(SECRET, "sekret"), shop_url.replace("/postgres", "/nowhere")):
        with pytest.raises(OutsideServiceError, match="the database did not answer") as error:
            ask(wrong, "SELECT 1", root)
        assert "sekret" not in str(error.value)
        assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://ann:sekret@127.0.0.1:1/shop",
        "postgres://ann:sekret@127.0.0.1:1/shop",
        "postgresql+psycopg://ann:sekret@127.0.0.1:1/shop",
        "postgresql://ann:sekret@localhost.invalid/shop",
    ],
)
def test_a_database_that_is_not_there_is_an_outside_failure(uri: str, root: Path) -> None:
    with pytest.raises(OutsideServiceError, match="the database did not answer") as error:
        ask(uri, "SELECT 1", root)
    assert "sekret" not in str(error.value)


@pytest.mark.parametrize(
    "uri",
    [
        "mysql://ann:sekret@host/shop",
        "sqlite://sekret.db",
        "sekret",
        "postgresql://ann:sek/ret@host/shop",
        "postgresql://ann:sek ret@host:abc/shop",
        "postgresql://ann:sek%zzret@host/shop",
        "postgresql://ann:sekret@host/shop?colour=sekret",
    ],
)
def test_an_address_that_is_none_is_told_without_its_secrets(uri: str, root: Path) -> None:
    with pytest.raises(ConfigurationError, match="not the address of a SQLite file or a PostgreSQL database") as error:
        ask(uri, "SELECT 1", root)
    told: BaseException | None = error.value
    while told is not None:
        assert not any(piece in str(told) for piece in ("sekret", "sek", "ret@"))
        told = None if told.__suppress_context__ else told.__cause__ or told.__context__


def test_a_whole_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, sqlite_uri: str, root: Path) -> None:
    monkeypatch.setenv("SHOP", sqlite_uri)
    assert ask("${SHOP}", "SELECT id FROM shop", root).height == 3


def test_a_variable_that_is_not_set_is_named(root: Path) -> None:
    with pytest.raises(EvenfallError, match="variable NOT_SET_ANYWHERE is not set") as error:
        ask("postgresql://ann:${NOT_SET_ANYWHERE}@host/shop", "SELECT 1", root)
    assert error.value.exit_code == 2
