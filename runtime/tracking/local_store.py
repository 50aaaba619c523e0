"""The workspace's own MLflow database, which is there whole or not at all, and moves with it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

ARTIFACTS: Final = "mlartifacts"
_BUSY_SECONDS: Final = 30
# Where MLflow keeps addresses of artifacts.
_LOCATIONS: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def make_local_store(database: Path) -> None:
    """Make the database beside its place and move it there, unless it is there already.

    MLflow makes its tables one by one outside any transaction: a process killed in between would leave a database that no
    later run can open or finish.

    Args:
        database: Where it belongs, such as `mlflow.db` of a workspace.
    """
    if database.exists():
        return
    making = database.with_name(f"{database.name}.making")
    making.unlink(missing_ok=True)
    making.with_name(f"{making.name}-journal").unlink(missing_ok=True)
    _make_tables(making)
    making.replace(database)


def _make_tables(file: Path) -> None:
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy import create_engine, event

    engine = create_engine(f"sqlite:///{file}")
    # Nobody reads an unfinished file, so its hundreds of changes reach the disk once, at the end.
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    try:
        _initialize_tables(engine)
    finally:
        engine.dispose()
    with file.open("rb") as made:
        os.fsync(made.fileno())


def relocate(database: Path) -> None:
    """Let a database that was moved or restored elsewhere look for its artifacts beside itself.

    MLflow writes whole addresses into its tables, so a workspace that was moved would not find its models.

    Args:
        database: `mlflow.db` of a workspace; nothing happens where no artifacts lie beside it.
    """
    folder = database.parent.resolve() / ARTIFACTS
    if not database.exists() or not folder.is_dir():
        return
    # What is wrong with the database MLflow tells better, when it opens it next.
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(database, timeout=_BUSY_SECONDS, isolation_level=None)) as store,
    ):
        here = folder.as_uri()
        if not any(_artifacts_folder(location) not in (None, here) for location in _locations(store)):
            return
        store.create_function("moved", 1, lambda location: _moved(location, here), deterministic=True)
        store.execute("BEGIN IMMEDIATE")
        for table, column in _LOCATIONS:
            store.execute(f"UPDATE {table} SET {column} = moved({column}) WHERE {column} IS NOT NULL")  # noqa: S608
        store.execute("COMMIT")


def _locations(store: sqlite3.Connection) -> list[str]:
    return [location for (location,) in store.execute("SELECT artifact_location FROM experiments WHERE artifact_location != ''")]


def _artifacts_folder(location: str) -> str | None:
    """The folder of artifacts an address is in; None for one that Evenfall did not choose."""
    before, separator, _ = location.rpartition(f"/{ARTIFACTS}/")
    return f"{before}/{ARTIFACTS}" if separator and before.startswith("file:") else None


def _moved(location: str, here: str) -> str:
    folder = _artifacts_folder(location)
    return location if folder is None else here + location.removeprefix(folder)
