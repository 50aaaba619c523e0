"""The deployments on a real Prefect server: scheduled, picked up by a worker, run to the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from tests.communities import LAST_DAY, shop_lines, write_shop
from tests.paths import ROOT

PREFECT = Path(sys.executable).parent / "prefect"
PATIENCE_SECONDS = 180


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    pytest.fail(f"{what} did not happen within {PATIENCE_SECONDS} s")


class Server:
    """A Prefect server of this test alone."""

    def __init__(self, home: Path, workspace: Path) -> None:
        self.port = free_port()
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.environment = os.environ | {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "true",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_CLI_PROMPT": "false",
            # By default a worker asks for work every ten seconds.
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "EVENFALL_WORKSPACE": str(workspace),
            "EVENFALL_TIMEZONE": "Europe/Berlin",
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = home / "log.txt"

    def start(self, *arguments: str) -> None:
        with self.log.open("ab") as log:
            self.processes.append(subprocess.Popen([PREFECT, *arguments], env=self.environment, cwd=ROOT, stdout=log, stderr=log))

    def run(self, *arguments: str) -> None:
        done = subprocess.run([PREFECT, *arguments], env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def ask(self, path: str, **question: Any) -> Any:
        answer = httpx.post(f"{self.api}/{path}", json=question, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    workspace, home = tmp_path / "shop", tmp_path / "prefect"
    # It is the server, the worker and the flow that are looked at: the fewer days, the shorter the night.
    write_shop(workspace, shop_lines(customers=8).filter(pl.col("at") >= "2025-06-01"))
    home.mkdir()
    one = Server(home, workspace)
    one.start("server", "start", "--host", "127.0.0.1", "--port", str(one.port))
    try:
        wait_for("the server's answer", lambda: _answers(one))
        yield one
    finally:
        one.stop()


def _answers(server: Server) -> bool:
    try:
        return httpx.get(f"{server.api}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def test_the_nightly_is_scheduled_and_a_worker_runs_it_to_the_end(server: Server, tmp_path: Path) -> None:
    server.ask("work_pools/", name="evenfall", type="process")
    server.run("--no-prompt", "deploy", "--all")
    deployed = {one["name"]: one for one in server.ask("deployments/filter")}
    assert set(deployed) == {"nightly", "train", "backfill"}
    assert [one["schedule"]["timezone"] for one in deployed["nightly"]["schedules"]] == ["Europe/Berlin"]
    assert deployed["nightly"]["concurrency_limit"] == 1 or deployed["nightly"]["global_concurrency_limit"]["limit"] == 1

    def scheduled() -> list[Any]:
        state = {"type": {"any_": ["SCHEDULED"]}}
        return [
            one
            for one in server.ask("flow_runs/filter", flow_runs={"state": state})
            if one["deployment_id"] == deployed["nightly"]["id"]
        ]

    wait_for("a scheduled night", scheduled)
    asked = server.ask(f"deployments/{deployed['nightly']['id']}/create_flow_run", parameters={"as_of": LAST_DAY.isoformat()})
    server.start("worker", "start", "--pool", "evenfall")

    def ended() -> str | None:
        state = httpx.get(f"{server.api}/flow_runs/{asked['id']}", timeout=30).json()["state"]
        return state["type"] if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    assert wait_for("the end of the night", ended) == "COMPLETED", server.log.read_text()[-3000:]
    run = httpx.get(f"{server.api}/flow_runs/{asked['id']}", timeout=30).json()
    assert run["name"] == f"nightly {LAST_DAY}"
    assert (tmp_path / "shop" / "lists" / str(LAST_DAY) / "members.parquet").exists()
    keys = {artifact["key"] for artifact in server.ask("artifacts/filter")}
    assert {f"night-{LAST_DAY}", f"night-{LAST_DAY}-tiers"} <= keys
    tasks = [task["name"].rsplit("-", 1)[0] for task in server.ask("task_runs/filter", flow_runs={"id": {"any_": [asked["id"]]}})]
    assert {"take_in", "land", "score_and_segment", "make_lists", "report"} <= set(tasks)
