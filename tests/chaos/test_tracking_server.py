"""Nights that keep their runs and models on an MLflow server, which goes away and comes back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.chaos.crowd import NIGHT, write_crowd
from tests.chaos.driver import Driver
from tests.chaos.proxy import Door, door_to
from tests.chaos.states import lists_of
from tests.serving import served

pytestmark = pytest.mark.soak


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server that keeps everything in a folder of its own."""
    folder = tmp_path / "server"
    folder.mkdir()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with served(command, cwd=folder, log=folder / "said.txt") as address:
        yield address


@pytest.fixture
def door(server: str) -> Iterator[Door]:
    port = urlsplit(server).port
    assert port is not None
    with door_to(port) as one:
        yield one


def test_a_night_whose_mlflow_server_goes_away_ends_with_4_and_the_next_one_completes(
    driver: Driver, server: str, door: Door, tmp_path: Path
) -> None:
    whole, workspace = tmp_path / "whole", tmp_path / "workspace"
    for folder in (whole, workspace):
        write_crowd(folder)
    assert driver.night(whole, NIGHT).code == 0
    on_server = {"environment": {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{door.port}"}}
    door.shut()
    stopped(driver, workspace, on_server)
    door.open()
    # In the middle of what is sent: the first model is judged, the second is not.
    stopped(driver, workspace, on_server | {"once_said": ("churn/1 promoted", door.shut)})
    assert champion(server, "churn") == "1"
    assert champion(server, "value") is None
    door.open()
    for _ in range(2):  # and run again it changes nothing
        ended = driver.night(workspace, NIGHT, **on_server)
        assert ended.code == 0, ended.said
        assert lists_of(workspace) == lists_of(whole)
    assert [champion(server, name) for name in ("churn", "value")] == ["1", "1"]
    assert not (workspace / "mlflow.db").exists()
    assert not (workspace / "mlartifacts").exists()


def stopped(driver: Driver, workspace: Path, how: dict[str, Any]) -> None:
    """Run a night that its server leaves alone."""
    ended = driver.night(workspace, NIGHT, **how)
    assert ended.code == 4, ended.said
    assert "the MLflow tracking store at http://127.0.0.1" in ended.said
    assert "Check MLFLOW_TRACKING_URI" in ended.said
    assert "Traceback" not in ended.said
    assert not (workspace / "lists" / str(NIGHT)).exists()


def champion(server: str, name: str) -> str | None:
    asked = httpx.get(f"{server}/api/2.0/mlflow/registered-models/alias", params={"name": name, "alias": "champion"})
    if asked.status_code == httpx.codes.NOT_FOUND:
        return None
    return str(asked.raise_for_status().json()["model_version"]["version"])
