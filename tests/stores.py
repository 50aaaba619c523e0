"""MLflow's empty database: making it takes a second or more, so it is made once and lent to all workspaces of tests."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def lent_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], None]]:
    """Let workspaces of this process begin with a copy; gives what makes a real one, for the tests of the local store."""
    from runtime.tracking import local_store
    from runtime.tracking.library import quiet_mlflow

    real, empty = local_store._make_tables, tmp_path_factory.mktemp("empty_store") / "mlflow.db"

    def lend(file: Path) -> None:
        if not empty.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                quiet_mlflow()
                real(empty)
        shutil.copyfile(empty, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_store, "_make_tables", lend)
        yield real
