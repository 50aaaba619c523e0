"""Nights that ask a database only for what changed: nothing is missed, nothing counts twice, and nothing old is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.doctor.sources import look_at_sources
from lake.arrivals import ARRIVALS, read_arrivals
from lake.contracts import TIMESTAMP
from lake.errors import ConfigurationError
from lake.quarantine import read_quarantine
from lake.storage.delta import Lake
from pipeline.intake.intake import land_intake, validate_sources
from runtime.settings import Settings
from runtime.workspace import Workspace

NIGHT = date(2024, 2, 1)
NOW = datetime(2024, 2, 2, 2, tzinfo=UTC)
QUERY = "SELECT id, who, at, total, changed FROM shop WHERE changed >= :since ORDER BY id"
COLUMNS = {"order_id": "id", "member_id": "who", "ordered_at": "at", "amount": "total"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE shop (id TEXT PRIMARY KEY, who TEXT, at TEXT, total, changed TEXT)")
    write(tmp_path, ("o1", "ann", "2024-01-01 10:00", 10, "2024-01-01 10:00:00"))
    write(tmp_path, ("o2", "bob", "2024-01-09 10:00", "much", "2024-01-09 10:00:00"))
    write(tmp_path, ("o3", "ann", "2024-01-10 10:00", 30, "2024-01-10 10:00:00"))
    return tmp_path


def write(root: Path, *rows: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(root / "shop.db")) as shop, shop:
        shop.executemany("INSERT OR REPLACE INTO shop VALUES (?, ?, ?, ?, ?)", rows)


def settings(**source: object) -> Settings:
    orders = {"uri": "sqlite:///shop.db", "query": QUERY, "watermark": "changed", "columns": COLUMNS, **source}
    return Settings.model_validate(
        {"sources": {"orders": orders}, "validation": {"orders": {"max_bad_share": 0.9, "max_age_days": "off"}}}
    )


def night(root: Path, *, dies: bool = False, **source: object) -> pl.DataFrame:
    """One row per arrival ever, after a night."""
    intake = validate_sources(Workspace(root), settings(**source), as_of=NIGHT, now=NOW, progress=lambda _: None)
    assert not intake.stops, intake.stops
    if not dies:
        land_intake(Workspace(root), intake)
    return read_arrivals(Lake(root / "lake"))


def held(root: Path) -> dict[str, int]:
    return dict(Lake(root / "lake").scan("orders").select("order_id", "amount_minor").collect().iter_rows())


def counts(ledger: pl.DataFrame) -> list[tuple[object, ...]]:
    return ledger.select("watermark", "rows_read", "replaced", "quarantined", "landed").rows()


def test_nights_ask_for_what_changed_and_count_it_once(root: Path) -> None:
    first = ("changed=2024-01-10 10:00:00", 3, 0, 1, 2)
    assert counts(night(root)) == [first]
    # The overlap of a day: o2, which was bad, and o3 come again.
    again = ("changed=2024-01-10 10:00:00", 2, 1, 1, 0)
    assert counts(night(root)) == [first, again]
    assert counts(night(root)) == [first, again], "an unchanged result is no arrival"
    assert read_quarantine(Lake(root / "lake"))["status"].sort().to_list() == ["open", "superseded"]

    write(
        root, ("o4", "cat", "2024-01-20 10:00", 40, "2024-01-20 10:00:00"), ("o1", "ann", "2024-01-01", 11, "2024-01-21 10:00:00")
    )
    newest = ("changed=2024-01-21 10:00:00", 4, 1, 1, 2)
    night(root, dies=True)
    assert counts(night(root)) == [(*first[:2], 1, 1, 1), again, newest]
    assert held(root) == {"o1": 1100, "o3": 3000, "o4": 4000}

    assert night(root).height == 4, "the overlap alone, another result than before"
    # o2 did not come again: it is still to be repaired.
    assert read_quarantine(Lake(root / "lake"))["status"].sort().to_list() == ["open", "superseded", "superseded"]
    assert night(root, overlap="0 hours").height == 5
    assert night(root, overlap="0 hours").height == 5
    write(root, ("o1", "ann", "2024-01-01", 11, None), ("o4", "cat", "2024-01-20 10:00", 40, "2024-01-02 10:00:00"))
    assert night(root).height == 5, "an empty result is no arrival"
    assert held(root) == {"o1": 1100, "o3": 3000, "o4": 4000}
    assert night(root, watermark="at", query=QUERY.replace("changed >=", "at >=")).height == 6, (
        "another column: from the beginning"
    )
    assert read_arrivals(Lake(root / "lake"))["rows_read"][-1] == 4


def test_the_watermark_is_of_the_rows_read_and_a_source_without_ids_is_refused(root: Path) -> None:
    assert counts(night(root, where="who = 'bob' OR id = 'o1'")) == [("changed=2024-01-10 10:00:00", 3, 0, 1, 1)]
    columns = {name: how for name, how in COLUMNS.items() if name != "order_id"}
    with pytest.raises(ConfigurationError, match="a source with `watermark` must map order_id"):
        night(
            root, columns=columns, query=QUERY.replace("id, ", "id AS number, ").replace("BY id", "BY number"), overlap="9 weeks"
        )


def test_a_ledger_of_an_earlier_release_is_asked_on_from_the_beginning(root: Path) -> None:
    lake = Lake(root / "lake")
    night(root)
    facts = lake.metadata(ARRIVALS)
    lake.replace(ARRIVALS, read_arrivals(lake).drop("watermark"), metadata=facts)
    assert read_arrivals(lake)["watermark"].to_list() == [None]
    write(root, ("o4", "cat", "2024-01-20 10:00", 40, "2024-01-20 10:00:00"))
    assert counts(night(root))[-1] == ("changed=2024-01-20 10:00:00", 4, 2, 1, 1)
    assert lake.scan(ARRIVALS).select(pl.col("arrived_at").cast(TIMESTAMP)).collect().height == 2


def test_the_doctor_asks_from_the_beginning(root: Path) -> None:
    (found,) = look_at_sources(Workspace(root), settings())
    assert found.about == "orders"
    # One amount of the three rows is no number: the mapping is tried as well.
    assert found.says.splitlines() == [
        "the database answers, and its query gives rows",
        "of 3 rows tried, 1 do not fit: amount_is_a_number 1",
    ]
