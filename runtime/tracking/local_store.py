"""The workspace's own MLflow database: created completely or not at all, and moved with the workspace."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

ARTIFACTS: Final = "mlartifacts"
_BUSY_SECONDS: Final = 30
# Table and column where MLflow stores absolute addresses of artifacts.
_LOCATIONS: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def make_local_store(database: Path) -> None:
    """Create the database under another name and rename it at the end, unless it exists.

    MLflow creates its tables one by one outside any transaction. A process that is killed in between would leave a database that
    no later run can open or complete.

    Args:
        database: The final path, such as `mlflow.db` of a workspace.
    """
    if database.exists():
        return
    making = database.with_name(f"{database.name}.making")
    # Left by a process that was killed while it created the database.
    making.unlink(missing_ok=True)
    making.with_name(f"{making.name}-journal").unlink(missing_ok=True)
    _make_tables(making)
    making.replace(database)


def _make_tables(file: Path) -> None:
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy import create_engine, event

    engine = create_engine(f"sqlite:///{file}")
    # Nobody reads an unfinished file, so its hundreds of changes are written to disk once, by the fsync at the end.
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    try:
        _initialize_tables(engine)
    finally:
        engine.dispose()
    with file.open("rb") as made:
        os.fsync(made.fileno())


def relocate(database: Path) -> None:
    """Point the addresses in a database that was moved or restored elsewhere to the artifacts beside it.

    MLflow stores absolute addresses, so that a workspace that was moved would not find its models.

    Args:
        database: `mlflow.db` of a workspace; nothing happens where there are no artifacts beside it.
    """
    folder = database.parent.resolve() / ARTIFACTS
    if not database.exists() or not folder.is_dir():
        return
    # A damaged database is left to MLflow, which opens it next and has the better message.
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(database, timeout=_BUSY_SECONDS, isolation_level=None)) as store,
    ):
        here = folder.as_uri()
        if not any(_artifacts_folder(location) not in (None, here) for location in _locations(store)):
            return
        store.create_function("moved", 1, lambda location: _moved(location, here), deterministic=True)
        # All addresses change together or not at all.
        store.execute("BEGIN IMMEDIATE")
        for table, column in _LOCATIONS:
            store.execute(f"UPDATE {table} SET {column} = moved({column}) WHERE {column} IS NOT NULL")  # noqa: S608
        store.execute("COMMIT")


def _locations(store: sqlite3.Connection) -> list[str]:
    return [location for (location,) in store.execute("SELECT artifact_location FROM experiments WHERE artifact_location != ''")]


def _artifacts_folder(location: str) -> str | None:
    """Return the folder of artifacts that an address is in; None for an address that Evenfall did not choose."""
    before, separator, _ = location.rpartition(f"/{ARTIFACTS}/")
    return f"{before}/{ARTIFACTS}" if separator and before.startswith("file:") else None


def _moved(location: str, here: str) -> str:
    folder = _artifacts_folder(location)
    return location if folder is None else here + location.removeprefix(folder)
