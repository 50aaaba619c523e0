"""What analysts and operators open, opened in a real browser: the MLflow UI, the report, the checks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser import page_as_seen
from tests.flows.communities import LAST_DAY
from tests.flows.conftest import Run

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def mlflow_ui(run: Run, shop: Path) -> Iterator[tuple[str, Path]]:
    assert run("nightly", "--workspace", shop, "--as-of", LAST_DAY).code == 0
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [
        Path(sys.executable).parent / "mlflow", "server", "--backend-store-uri", f"sqlite:///{shop / 'mlflow.db'}",
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    with (shop / "ui.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}, cwd=shop
        )
        try:
            address = f"http://127.0.0.1:{port}"
            until = time.monotonic() + 120
            while time.monotonic() < until:
                try:
                    httpx.get(address, timeout=2)
                    break
                except httpx.HTTPError:
                    time.sleep(0.5)
            yield address, shop
        finally:
            server.terminate()
            server.wait(30)


def test_an_analyst_sees_the_experiment_its_metrics_beside_the_baselines_and_its_plots(mlflow_ui: tuple[str, Path]) -> None:
    import mlflow

    address, shop = mlflow_ui
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{shop / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("churn").experiment_id
    [training] = client.search_runs([experiment])
    runs = page_as_seen(f"{address}/#/experiments/{experiment}/runs")
    assert f"churn {LAST_DAY}" in runs
    overview = page_as_seen(f"{address}/#/experiments/{experiment}/runs/{training.info.run_id}")
    for told in ("calibration_slope", "recency.auc", "past_rate.brier", "churn panel"):
        assert told in overview, told
    figures = {file.path for file in client.list_artifacts(training.info.run_id, "figures")}
    for name in ("roc", "precision_recall", "calibration", "lift", "gain"):
        assert f"figures/{name}.png" in figures
    plot = page_as_seen(f"{address}/#/experiments/{experiment}/runs/{training.info.run_id}/artifacts/figures/roc.png")
    assert "figures/roc.png" in plot
    assert "<img" in plot


def test_an_operator_sees_the_report_on_a_phone(run: Run, shop: Path) -> None:
    assert run("nightly", "--workspace", shop, "--as-of", LAST_DAY).code == 0
    for page in (f"{LAST_DAY}.html", f"{LAST_DAY}-validation.html"):
        seen = page_as_seen((shop / "reports" / page).as_uri(), settle_ms=1000, size="390,2000")
        assert "Small shop" in seen
        assert "<script" not in seen
        picture = shop / "seen.png"
        page_as_seen((shop / "reports" / page).as_uri(), settle_ms=1000, size="390,2000", picture=picture)
        assert picture.stat().st_size > 10_000
