from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from lake.errors import ConfigurationError, OutsideServiceError
from outputs.lists import MEMBERS_SCHEMA
from outputs.publishing.database import check_table_name, publish_members

TONIGHT, LAST_NIGHT = date(2011, 8, 31), date(2011, 8, 30)
REASONS = [{"feature": "recency", "value": 61.0, "contribution": 0.4, "text": 'Said "bye", 5 % less'}]


def members(as_of: date = TONIGHT, *, ids: tuple[str, ...] = ("a", "b", "c"), probability: float = 0.25) -> pl.DataFrame:
    rows = {
        "as_of": [as_of] * len(ids),
        "member_id": list(ids),
        "is_eligible": [True, False, None][: len(ids)],
        "churn_probability": [probability, None, None][: len(ids)],
        "reasons": [REASONS, [], None][: len(ids)],
    }
    return pl.DataFrame(rows, schema_overrides={"reasons": MEMBERS_SCHEMA["reasons"]})


def rows_of(url: str, table: str) -> list[dict[str, object]]:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY as_of, member_id")).mappings()
        rows = [dict(row) for row in found]
    engine.dispose()
    return rows


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'lists.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def table(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W", "_", f"m_{request.node.name[-50:]}")


def test_a_night_is_written_with_nulls_and_reasons_as_json(url: str, table: str) -> None:
    assert publish_members(url, table=table, members=members(), as_of=TONIGHT) == 3
    first, second, third = rows_of(url, table)
    assert list(first) == list(MEMBERS_SCHEMA)
    assert json.loads(str(first["reasons"])) == REASONS
    assert (second["reasons"], third["reasons"], third["is_eligible"], third["churn_probability"]) == ("[]", None, None, None)


def test_a_night_again_replaces_only_its_own_rows(url: str, table: str) -> None:
    publish_members(url, table=table, members=members(LAST_NIGHT), as_of=LAST_NIGHT)
    publish_members(url, table=table, members=members(), as_of=TONIGHT)
    publish_members(url, table=table, members=members(ids=("a", "d"), probability=0.75), as_of=TONIGHT)
    rows = [(str(row["as_of"]), row["member_id"], row["churn_probability"]) for row in rows_of(url, table)]
    assert rows == [
        ("2011-08-30", "a", 0.25), ("2011-08-30", "b", None), ("2011-08-30", "c", None),
        ("2011-08-31", "a", 0.75), ("2011-08-31", "d", None),
    ]  # fmt: skip


def test_a_failure_changes_nothing_and_shows_no_member(url: str, table: str) -> None:
    publish_members(url, table=table, members=members(), as_of=TONIGHT)
    before = rows_of(url, table)
    with pytest.raises(OutsideServiceError) as failed:
        publish_members(url, table=table, members=members(ids=("x-secret", "x-secret")), as_of=TONIGHT)
    assert "x-secret" not in str(failed.value)
    assert rows_of(url, table) == before


def test_the_drivers_words_are_for_the_terminal_alone_and_are_its_first_line(sqlite_url: str) -> None:
    publish_members(sqlite_url, table="members", members=members(LAST_NIGHT), as_of=LAST_NIGHT)
    engine = sa.create_engine(sqlite_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        # As PostgreSQL says it: what is wrong, then the row.
        says = "SELECT RAISE(ABORT, 'no such member\nDETAIL: Failing row contains (x-secret, 7)')"
        connection.exec_driver_sql(f"CREATE TRIGGER t BEFORE INSERT ON members BEGIN {says}; END")
    with pytest.raises(OutsideServiceError) as failed:
        publish_members(sqlite_url, table="members", members=members(ids=("x-secret",)), as_of=TONIGHT)
    assert failed.value.detail == "no such member"
    assert failed.value.what.endswith("could not be changed: IntegrityError")
    assert failed.value.remedy.startswith("That table is as it was.")
    assert "x-secret" not in str(failed.value)


def test_a_failed_first_night_leaves_no_table(url: str, table: str) -> None:
    with pytest.raises(OutsideServiceError):
        publish_members(url, table=table, members=members(ids=("a", "a")), as_of=TONIGHT)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    assert not sa.inspect(engine).has_table(table)
    engine.dispose()


def test_columns_that_later_work_adds_are_added_to_the_table(url: str, table: str) -> None:
    publish_members(url, table=table, members=members(LAST_NIGHT), as_of=LAST_NIGHT)
    wider = members().with_columns(network_role=pl.lit("hub"), badges=pl.Series([['a"b', "c"], [], None]))
    publish_members(url, table=table, members=wider, as_of=TONIGHT)
    rows = rows_of(url, table)
    assert [row["network_role"] for row in rows] == [None, None, None, "hub", "hub", "hub"]
    assert [row["badges"] for row in rows[3:]] == ['["a\\"b","c"]', "[]", None]


def test_a_null_character_in_an_id_is_stored_as_the_replacement_character(url: str, table: str) -> None:
    publish_members(url, table=table, members=members(ids=("a\x00b",)), as_of=TONIGHT)
    assert [row["member_id"] for row in rows_of(url, table)] == ["a\ufffdb"]


@pytest.mark.postgres
def test_a_wrong_password_is_reported_without_showing_it(postgres_url: str) -> None:
    wrong = postgres_url.replace("moon-and-stars", "hunter2-wrong")
    with pytest.raises(OutsideServiceError, match=r"password authentication failed") as failed:
        publish_members(wrong, table="members", members=members(), as_of=TONIGHT)
    shown = f"{failed.value!s} {failed.value!r} {failed.value.__cause__!r}"
    assert "hunter2" not in shown
    assert failed.value.__suppress_context__


@pytest.mark.postgres
def test_a_password_that_the_server_itself_repeats_is_blanked(postgres_url: str) -> None:
    repeated = postgres_url.replace("evenfall:moon-and-stars", "hunter2:hunter2")
    with pytest.raises(OutsideServiceError, match=r'for user "\*\*\*"') as failed:
        publish_members(repeated, table="members", members=members(), as_of=TONIGHT)
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@127.0.0.1:1/lists",
        "postgresql://me@127.0.0.1:1/lists?password=hunter2",
        "sqlite:////no/such/folder/hunter2-is-only-a-path/../x.db",
    ],
)
def test_a_database_that_is_not_there_is_an_outside_failure(url: str) -> None:
    with pytest.raises(OutsideServiceError) as failed:
        publish_members(url, table="members", members=members(), as_of=TONIGHT)
    assert failed.value.exit_code == 4
    if url.startswith("postgresql"):
        assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize(
    "url", ["my:hunter2@host", "mysql://me:hunter2@host/x", "nosuch://me:hunter2@host/x", "postgresql://h:port/x"]
)
def test_a_url_that_cannot_be_used_is_a_matter_of_configuration_and_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as failed:
        publish_members(url, table="members", members=members(), as_of=TONIGHT)
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize("name", ["", "a b", "a;drop", "1a", 'a"b', "a.b.c", "é", "a" * 64, "a\n"])
def test_a_strange_table_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="table name"):
        check_table_name(name)


def test_a_table_name_may_have_its_schema_in_front() -> None:
    assert check_table_name("reporting.members") == ("reporting", "members")
    assert check_table_name("select") == (None, "select")


def test_rows_of_another_night_are_refused(sqlite_url: str) -> None:
    with pytest.raises(AssertionError, match="belongs to the night"):
        publish_members(sqlite_url, table="members", members=members(LAST_NIGHT), as_of=TONIGHT)
