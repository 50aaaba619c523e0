"""The workspace's own MLflow database is there whole or not at all, and is one that MLflow opens as its own."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from runtime.tracking import local_store
from runtime.tracking.local_store import make_local_store
from runtime.tracking.tracking import Tracking


@pytest.fixture(autouse=True)
def made_for_real(lent_stores: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(local_store, "_make_tables", lent_stores)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def contents(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as store:
        return list(store.iterdump())


def test_a_store_is_made_beside_its_place_whatever_a_killed_process_left_there_and_mlflow_has_nothing_to_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.store.db.utils as mlflows

    database = tmp_path / "mlflow.db"
    (tmp_path / "mlflow.db.making").write_bytes(b"half a database")
    (tmp_path / "mlflow.db.making-journal").write_bytes(b"half a journal")
    initialise, seen = mlflows._initialize_tables, []

    def watched(engine: Any) -> None:
        initialise(engine)
        seen.append((Path(engine.url.database).name, database.exists()))

    monkeypatch.setattr(mlflows, "_initialize_tables", watched)
    make_local_store(database)
    assert seen == [("mlflow.db.making", False)]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    with closing(sqlite3.connect(database)) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    before = contents(database)
    assert any("alembic_version" in line for line in before)

    def not_needed(*_: Any) -> None:
        raise AssertionError("MLflow made or upgraded the tables anew")

    monkeypatch.setattr(mlflows, "_upgrade_db", not_needed)
    monkeypatch.setattr(mlflows, "_initialize_tables", not_needed)
    tracking = Tracking.of(tmp_path)
    tracking.prepare()
    assert tracking.champion("churn", as_of=date(2025, 7, 1)) is None
    make_local_store(database)
    assert len(contents(database)) > len(before)
