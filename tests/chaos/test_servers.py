"""Nights on real servers that fail midway: they say so and end with 4, and the next run completes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import polars as pl
import psycopg
import pytest

from lake.sources.source_identity import QUERY
from lake.storage.delta import Lake
from tests.chaos.crowd import NIGHT, write_crowd
from tests.chaos.driver import Driver
from tests.chaos.proxy import Door, door_to
from tests.postgres import running_postgres

pytestmark = pytest.mark.postgres
# A password that must be encoded in an address, so that its every written form can be looked for.
SECRET = "zwölf/Möwen@9?"
SOURCE = """
[[sources.orders]]
uri = "postgresql://shopkeeper:${SHOP_PASSWORD}@127.0.0.1:%d/postgres"
query = "SELECT id, who, at, total FROM sold"
[sources.orders.columns]
order_id = "id"
member_id = "who"
ordered_at = "at"
amount = "total"

[lists]
publish_uri = "postgresql://shopkeeper:${SHOP_PASSWORD}@127.0.0.1:%d/postgres"
publish_table = "tonight"
"""
ROWS = 40


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        with psycopg.connect(url, autocommit=True) as tables:
            tables.execute("CREATE TABLE sold (id TEXT, who TEXT, at TIMESTAMP, total NUMERIC)")
            with tables.cursor() as cursor:
                rows = [(f"db{n}", f"c{n % 30:03}", f"2025-04-{n % 20 + 1:02} 10:00", n) for n in range(ROWS)]
                cursor.executemany("INSERT INTO sold VALUES (%s, %s, %s, %s)", rows)
            tables.execute(f"CREATE ROLE shopkeeper LOGIN SUPERUSER PASSWORD '{SECRET}'")
            tables.execute("CREATE DATABASE models")
        yield url


@pytest.fixture
def doors(postgres: str) -> Iterator[dict[str, Door]]:
    port = urlsplit(postgres).port
    assert port is not None
    with door_to(port) as source, door_to(port) as published, door_to(port) as models:
        yield {"source": source, "published": published, "models": models}


@pytest.fixture
def workspace(tmp_path: Path, doors: dict[str, Door]) -> Path:
    folder = tmp_path / "workspace"
    write_crowd(folder)
    text = (folder / "evenfall.toml").read_text().replace("[sources.orders]\npath", "[[sources.orders]]\npath")
    (folder / "evenfall.toml").write_text(text + SOURCE % (doors["source"].port, doors["published"].port))
    return folder


def environment(doors: dict[str, Door]) -> dict[str, str]:
    store = f"postgresql://shopkeeper:{quote(SECRET, safe='')}@127.0.0.1:{doors['models'].port}/models"
    return {"SHOP_PASSWORD": SECRET, "MLFLOW_TRACKING_URI": store}


def traces_of_the_secret(folder: Path, *said: str) -> list[str]:
    """Where the password shows, in any of the ways it may be written."""
    forms = {SECRET, quote(SECRET), quote(SECRET, safe=""), SECRET.encode("unicode_escape").decode(), SECRET.split("/")[1]}
    matchers = [form.encode() for form in forms]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    found = [str(path) for path in files if any(matcher in path.read_bytes() for matcher in matchers)]
    return found + [text for text in said if any(form in text for form in forms)]


def test_a_night_on_three_databases_survives_that_they_fail(
    driver: Driver, doors: dict[str, Door], workspace: Path, tmp_path: Path, postgres: str
) -> None:
    told: list[str] = []

    def night(code: int, *words: str) -> None:
        told.append(night_of(driver, workspace, doors, code, *words))

    doors["source"].shut()
    night(4, "orders[2] (query): the database did not answer")
    assert not Lake(workspace / "lake").exists("orders")
    doors["source"].open()
    doors["published"].shut()
    night(4, "table 'tonight' of the postgresql database")
    doors["published"].open()
    night(0, "rows published to the database")
    members = pl.read_parquet(workspace / "lists" / str(NIGHT) / "members.parquet")
    with psycopg.connect(postgres) as tables:
        published: dict[str, float] = dict(tables.execute("SELECT member_id, churn_probability FROM tonight").fetchall())
    assert published == dict(members.select("member_id", "churn_probability").iter_rows())
    assert champions(postgres) == [("churn", "champion", 1), ("value", "champion", 1)]
    assert Lake(workspace / "lake").scan("orders").filter(pl.col("source").str.starts_with(QUERY)).collect().height == ROWS
    assert (workspace / "mlartifacts" / "churn").is_dir()
    assert traces_of_the_secret(tmp_path, *told) == []


@pytest.mark.soak
def test_a_model_store_that_goes_away_before_or_in_the_middle_of_a_training_is_said_and_healed(
    driver: Driver, doors: dict[str, Door], workspace: Path, tmp_path: Path, postgres: str
) -> None:
    with psycopg.connect(postgres, autocommit=True) as tables:
        tables.execute("DROP DATABASE models WITH (FORCE)")
        tables.execute("CREATE DATABASE models")
    doors["models"].shut()
    told = [night_of(driver, workspace, doors, 4, "the MLflow tracking store", "MLFLOW_TRACKING_URI")]
    assert not (workspace / "lists" / str(NIGHT)).exists()
    doors["models"].open()
    told.append(night_of(driver, workspace, doors, 4, "tracking store", once_said=("churn/1 promoted", doors["models"].shut)))
    doors["models"].open()
    told.append(night_of(driver, workspace, doors, 0))
    assert champions(postgres) == [("churn", "champion", 1), ("value", "champion", 1)]
    assert traces_of_the_secret(tmp_path, *told) == []


def night_of(driver: Driver, workspace: Path, doors: dict[str, Door], code: int, *words: str, **how: Any) -> str:
    """Run a night that must end with a code and say certain words; returns all it said."""
    ended = driver.night(workspace, NIGHT, environment=environment(doors), **how)
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.said
    for word in words:
        assert word in ended.said
    return ended.said


def champions(postgres: str) -> list[Any]:
    with psycopg.connect(postgres.replace("/postgres", "/models")) as tables:
        return tables.execute("SELECT name, alias, version FROM registered_model_aliases ORDER BY name").fetchall()
