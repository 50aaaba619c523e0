"""A query with a watermark asks for what changed since the newest value it gave, and never goes back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest
from pydantic import ValidationError

from lake.errors import ConfigurationError, DataError
from lake.sources.databases import read_query
from lake.sources.source_settings import SourceSettings
from lake.sources.watermarks import Since, Watermark, asks_since, for_psycopg

NOW = datetime(2024, 3, 1, 2, tzinfo=UTC)
NAME = "orders (query)"
SINCE = "SELECT id, at FROM shop WHERE at >= :since ORDER BY id"


def source(**settings: object) -> SourceSettings:
    return SourceSettings.model_validate({"uri": "sqlite:///shop.db", "query": SINCE, "watermark": "at"} | settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"watermark": None}, "`:since` in `query` needs `watermark`"),
        ({"query": "SELECT ':since' AS at FROM shop -- :since"}, "`watermark` needs `:since` in `query`"),
        ({"watermark": None, "query": "SELECT 1", "overlap": "1 day"}, "`overlap` needs `watermark`"),
        ({"overlap": "yesterday"}, "'yesterday' is neither a duration"),
        ({"overlap": -1}, "greater than or equal to 0"),
        ({"uri": None, "query": None, "path": "orders.csv"}, "`watermark` is for a database"),
        ({"mode": "snapshot"}, "is no snapshot"),
        ({"lines": "add"}, "would count them twice"),
    ],
)
def test_half_of_a_watermark_is_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        source(**settings)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("at >= :since", "at >= %(since)s"),
        ("at >= :since AND who LIKE '%n' AND 7 % 2 = 1", "at >= %(since)s AND who LIKE '%%n' AND 7 %% 2 = 1"),
        ("at::since > :since::date OR at > :since", "at::since > %(since)s::date OR at > %(since)s"),
        ("a = ':since' AND b = 'it''s :since' AND c = :since", "a = ':since' AND b = 'it''s :since' AND c = %(since)s"),
        (r"a = E'\':since' AND c = :since", r"a = E'\':since' AND c = %(since)s"),
        ('":since" = :since /* :since\n :since */ -- :since', '":since" = %(since)s /* :since\n :since */ -- :since'),
        ("a = $$ :since $$ OR a = $q$ :since $$ $q$ OR b > :since", "a = $$ :since $$ OR a = $q$ :since $$ $q$ OR b > %(since)s"),
        ("a > :since_then AND b > :since", "a > :since_then AND b > %(since)s"),
    ],
)
def test_only_the_parameter_is_one(query: str, expected: str) -> None:
    assert for_psycopg(query) == expected
    assert asks_since(query)
    assert not asks_since(query.replace("%", "").replace("> :since", "").replace(">= :since", "").replace("= :since", ""))


@pytest.mark.parametrize(
    ("held", "overlap", "expected"),
    [
        (None, None, "1970-01-01 00:00:00"),
        ("at=2024-02-10 10:00:00.25", None, "2024-02-09 10:00:00"),
        ("at=2024-02-10T10:00:00+02:00", "2 hours", "2024-02-10 08:00:00"),
        ("at=2024-02-10", "12 hours", "2024-02-09"),
        ("at=0001-01-01 00:00:00", "1 week", "1970-01-01 00:00:00"),
        ("made=2024-02-10", None, "1970-01-01 00:00:00"),
        (None, 5, 0),
        ("at=120", 20, 100),
        ("at=2024-02-10", 5, 0),
        ("at=120", None, "1970-01-01 00:00:00"),
    ],
)
def test_since_is_the_newest_value_less_the_overlap(held: str | None, overlap: str | int | None, expected: Since) -> None:
    assert Watermark("at", overlap, held).since == expected


HELD = "at=2024-02-10 10:00:00"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series(["2024-02-11 09:00:00", None, "2024-02-10"]), "at=2024-02-11 09:00:00"),
        (pl.Series(["2024-02-09 09:00:00"]), HELD),
        (pl.Series([None], dtype=pl.Null), HELD),
        (pl.Series([datetime(2024, 2, 11, 1, tzinfo=timezone(timedelta(hours=2)))]), "at=2024-02-10 23:00:00"),
        (pl.Series([datetime(2024, 2, 11, 1)]), "at=2024-02-11 01:00:00"),  # noqa: DTZ001 - a column without a zone
        (pl.Series([date(2024, 2, 12)]), "at=2024-02-12"),
        # What nobody can have changed yet would hide everything until then.
        (pl.Series(["9999-12-31", "2024-02-11"]), "at=2024-02-11"),
        (pl.Series([datetime(9999, 12, 31), datetime(2024, 2, 11)]), "at=2024-02-11 00:00:00"),  # noqa: DTZ001
    ],
)
def test_the_watermark_of_times_never_goes_back(values: pl.Series, expected: str) -> None:
    assert Watermark("at", None, HELD).after(values.to_frame("at"), now=NOW, name=NAME) == expected


@pytest.mark.parametrize(
    ("values", "expected"), [([7, None, 9], "at=9"), ([3], "at=8"), ([Decimal(12), Decimal(10)], "at=12"), ([None], "at=8")]
)
def test_the_watermark_of_numbers_never_goes_back(values: list[object], expected: str) -> None:
    assert Watermark("at", 0, "at=8").after(pl.DataFrame({"at": values}), now=NOW, name=NAME) == expected


@pytest.mark.parametrize(
    ("values", "overlap"), [(["12/02/2024"], None), ([3], None), (["b"], 1), ([1.5], 1), ([date(2024, 1, 1)], 1)]
)
def test_a_watermark_of_another_kind_is_told_without_its_text(values: list[object], overlap: int | None) -> None:
    with pytest.raises(DataError, match=r"orders \(query\): the newest value of the watermark is") as error:
        Watermark("at", overlap, None).after(pl.DataFrame({"at": values}), now=NOW, name=NAME)
    assert "12/02/2024" not in str(error.value)


def test_a_watermark_that_the_query_does_not_give_is_the_configurations_fault() -> None:
    with pytest.raises(ConfigurationError, match=r"gives no column 'at'.*\n.*there are id, who"):
        Watermark("at", None, None).after(pl.DataFrame({"id": [1], "who": ["a"]}), now=NOW, name=NAME)


def in_sqlite(folder: Path) -> Callable[[str, Since | None], list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE shop (id INTEGER, at TEXT)")
        shop.executemany("INSERT INTO shop VALUES (?, ?)", [(1, "2024-01-05 10:00:00"), (2, "2024-02-05T10:00:00"), (3, None)])

    def ask(query: str, since: Since | None) -> list[tuple[object, ...]]:
        settings = source(query=query, overlap=None if since is None else 0 if isinstance(since, int) else "1 day")
        return read_query(settings, name=NAME, root=folder, since=since).rows()

    return ask


def test_sqlite_binds_since_as_text_or_number(tmp_path: Path) -> None:
    ask = in_sqlite(tmp_path)
    assert [row[0] for row in ask(SINCE, None)] == [1, 2]
    assert ask(SINCE, "2024-02-01 00:00:00") == [(2, "2024-02-05T10:00:00")]
    assert ask("SELECT id AS at FROM shop WHERE id > :since AND ':since' = ':since'", 2) == [(3,)]
    assert ask(SINCE, "2024-03-01 00:00:00") == []
    assert ask(SINCE, "3024'; DROP TABLE shop; --") == []


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["TIMESTAMPTZ", "TIMESTAMP", "DATE", "TEXT"])
def test_postgresql_binds_since_to_what_it_is_compared_with(postgres_url: str, tmp_path: Path, kind: str) -> None:
    query = f"""SELECT id, at FROM (VALUES (1, '2024-01-05 10:00'::{kind}), (2, '2024-02-05 10:00'), (3, NULL)) AS shop (id, at)
        WHERE at >= :since::{kind} AND 7 % 2 = 1 AND 'a:since' LIKE '%:since' ORDER BY id; """

    def ids(since: str | None) -> list[int]:
        return read_query(source(uri=postgres_url, query=query), name=NAME, root=tmp_path, since=since)["id"].to_list()

    assert ids(None) == [1, 2]
    assert ids("2024-02-01 00:00:00") == [2]
    assert ids("2024-03-01") == []
    found = read_query(source(uri=postgres_url, query=query), name=NAME, root=tmp_path)
    assert (Watermark("at", None, None).after(found, now=NOW, name=NAME) or "").startswith("at=2024-02-05")


@pytest.mark.postgres
def test_postgresql_binds_whole_numbers_and_never_pastes(postgres_url: str, tmp_path: Path) -> None:
    numbers = source(uri=postgres_url, query="SELECT id AS at FROM generate_series(1, 5) AS id WHERE id > :since", overlap=2)
    assert read_query(numbers, name=NAME, root=tmp_path, since=3)["at"].to_list() == [4, 5]
    assert read_query(numbers, name=NAME, root=tmp_path)["at"].to_list() == [1, 2, 3, 4, 5]
    with psycopg.connect(postgres_url, autocommit=True) as shop:
        shop.execute("CREATE TABLE kept (at TEXT)")
        query = source(uri=postgres_url, query="SELECT at FROM kept WHERE at >= :since")
        assert read_query(query, name=NAME, root=tmp_path, since="'; DROP TABLE kept; --").is_empty()
        assert shop.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        shop.execute("DROP TABLE kept")
