"""Prefect's temporary server starts before Prefect is imported, and only where none is configured."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows import temporary_server
from tests.paths import ROOT


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What is started, instead of servers, in a process that has not read Prefect."""
    started: list[str] = []
    monkeypatch.delitem(sys.modules, "prefect", raising=False)
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def start() -> object:
        started.append("server")
        return started

    monkeypatch.setattr(temporary_server, "_Server", start)
    monkeypatch.setattr(temporary_server, "_server", None)
    monkeypatch.setattr(atexit, "register", lambda _: None)
    return started


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("home/profiles.toml", 'active = "ours"'),
        ("prefect.toml", ""),
        (".env", "PREFECT_API_URL=http://prefect.example/api"),
        ("pyproject.toml", "[tool.prefect]\nhome = '.'"),
    ],
)
def test_a_server_that_a_file_may_name_is_left_to_prefect(started: list[str], file: str, text: str) -> None:
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(text)
    temporary_server.start_server()
    assert started == []


@pytest.mark.parametrize("name", ["PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"])
def test_a_server_that_the_environment_may_name_is_left_to_prefect(
    started: list[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "false")
    temporary_server.start_server()
    assert started == []


def test_without_any_of_them_the_server_starts_once_unless_prefect_has_been_read(
    started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    Path(".env").write_text("DATABASE_PASSWORD=secret")
    temporary_server.start_server()
    assert started == ["server"]
    monkeypatch.setitem(sys.modules, "prefect", pytest)
    temporary_server.start_server()
    assert started == ["server"]


def test_a_server_that_does_not_come_up_is_left_to_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(temporary_server, "_server", temporary_server._Server())
    assert os.environ["PREFECT_API_URL"].startswith("http://127.0.0.1:")
    temporary_server.wait_for_server()
    assert "PREFECT_API_URL" not in os.environ
    assert temporary_server._server is None


_FLOW = """
import json, os, sys
from pathlib import Path
from flows.temporary_server import start_server, wait_for_server, without_heartbeats
from runtime.environment import prepare_environment
prepare_environment(Path(sys.argv[1]))
start_server()
from prefect import flow, task
from prefect.settings import get_current_settings
wait_for_server()
@task
def one(): return get_current_settings().flows.heartbeat_frequency
@flow
def small(): return one()
with without_heartbeats():
    heartbeat = small()
from flows import temporary_server
print(json.dumps([temporary_server._server._process.pid, heartbeat, "prefect.server.api.server" in sys.modules]))
"""
_STATES = "SELECT state_name FROM flow_run UNION ALL SELECT state_name FROM task_run"


def test_flows_and_tasks_are_recorded_and_the_server_ends_with_the_process(tmp_path: Path) -> None:
    import sqlite3

    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    code = [sys.executable, "-c", _FLOW, str(tmp_path)]
    done = subprocess.run(
        code, cwd=tmp_path, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    process, heartbeat, has_read_the_server = json.loads(done.stdout.splitlines()[-1])
    assert heartbeat is None
    assert not has_read_the_server
    assert not psutil.pid_exists(process)
    with sqlite3.connect(tmp_path / ".evenfall" / "prefect" / "prefect.db") as database:
        assert sorted(state for (state,) in database.execute(_STATES)) == ["Completed", "Completed"]
    database.close()
