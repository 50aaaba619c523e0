"""The workspace's own MLflow database, which is there whole or not at all."""

from __future__ import annotations

from pathlib import Path


def make_own_store(database: Path) -> None:
    """Make the database beside its place and move it there, unless it is there already.

    MLflow makes its tables one by one outside any transaction: a process killed in between would leave a database that no
    later run can open or finish.

    Args:
        database: Where it belongs, such as `mlflow.db` of a workspace.
    """
    if database.exists():
        return
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy import create_engine

    making = database.with_name(f"{database.name}.making")
    making.unlink(missing_ok=True)
    making.with_name(f"{making.name}-journal").unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{making}")
    try:
        _initialize_tables(engine)
    finally:
        engine.dispose()
    making.replace(database)
