"""A deployed night whose database goes away: the worker's step is tried again, and the night finishes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from lake.storage.delta import Lake
from tests.chaos.proxy import door_to
from tests.communities import LAST_DAY, SHOP
from tests.flows.test_deployments import Server, server, wait_for
from tests.postgres import PASSWORD, USER

__all__ = ["server"]
pytestmark = [pytest.mark.soak, pytest.mark.postgres]
AWAY_SECONDS = 20
SOURCE = """
[[sources.orders]]
uri = "postgresql://%s:${SHOP_PASSWORD}@127.0.0.1:%d/postgres"
query = "SELECT id, who, at, total FROM sold_later"
[sources.orders.columns]
order_id = "id"
member_id = "who"
ordered_at = "at"
amount = "total"
"""


@pytest.fixture
def sold(postgres_url: str) -> Iterator[int]:
    with psycopg.connect(postgres_url, autocommit=True) as tables:
        tables.execute(
            "CREATE TABLE sold_later AS SELECT 'db1' AS id, 'c001' AS who, TIMESTAMP '2025-07-01 10:00' AS at, 5 AS total"
        )
        port = urlsplit(postgres_url).port
        assert port is not None
        yield port
        tables.execute("DROP TABLE sold_later")


def test_a_worker_retries_a_step_whose_database_was_away_for_twenty_seconds(server: Server, sold: int, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    server.environment["SHOP_PASSWORD"] = PASSWORD
    with door_to(sold) as door:
        text = SHOP.replace("[sources.orders]\npath", "[[sources.orders]]\npath") + SOURCE % (USER, door.port)
        (workspace / "evenfall.toml").write_text(text)
        server.run("work-pool", "create", "evenfall", "--type", "process")
        server.run("--no-prompt", "deploy", "--all")
        (nightly,) = [one for one in server.ask("deployments/filter") if one["name"] == "nightly"]
        asked = server.ask(f"deployments/{nightly['id']}/create_flow_run", parameters={"as_of": LAST_DAY.isoformat()})
        door.shut()
        server.start("worker", "start", "--pool", "evenfall")
        wait_for("a first knock at the shut door", lambda: door.knocks)
        threading.Timer(AWAY_SECONDS, door.open).start()

        def ended() -> Any:
            state = httpx.get(f"{server.api}/flow_runs/{asked['id']}", timeout=30).json()["state"]
            return state["type"] if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

        assert wait_for("the end of the night", ended) == "COMPLETED", server.log.read_text()[-3000:]
    tasks = server.ask("task_runs/filter", flow_runs={"id": {"any_": [asked["id"]]}})
    assert max(task["run_count"] for task in tasks if task["name"].startswith("take_in")) >= 2
    assert Lake(workspace / "lake").row_count("orders") > 0
    assert "db1" in Lake(workspace / "lake").scan("orders").collect()["order_id"].to_list()
    assert PASSWORD not in server.log.read_text()
