"""What analysts and operators open, opened in a real browser: the MLflow UI, the report, the checks."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.run_context import open_run
from runtime.tracking.views import runs_page
from tests.browser import page_as_seen
from tests.communities import LAST_DAY
from tests.explored import FIRST_NIGHT, Explored
from tests.live_page import LivePage, open_browser
from tests.serving import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]
_A_FIGURE_IS_DRAWN = "[...document.images].some(image => image.naturalWidth >= 600)"


@pytest.fixture
def mlflow_ui(explored: Explored, tmp_path: Path) -> Iterator[LivePage]:
    """The MLflow UI of a workspace with two trainings of each model and a backtest, open in a browser."""
    command = [
        Path(sys.executable).parent / "mlflow", "server", "--backend-store-uri", f"sqlite:///{explored.root / 'mlflow.db'}",
        "--host", "127.0.0.1", "--port", "{port}", "--workers", "1",
    ]  # fmt: skip
    with served(command, cwd=tmp_path, log=tmp_path / "ui.log") as address, open_browser(size="1600,1300") as page:
        page.address = address
        yield page


def test_an_analyst_sees_experiments_metrics_beside_the_baselines_and_plots(mlflow_ui: LivePage, explored: Explored) -> None:
    import mlflow

    page = mlflow_ui
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{explored.root / 'mlflow.db'}")
    churn = client.get_experiment_by_name("churn").experiment_id
    backtests = client.get_experiment_by_name("backtests").experiment_id
    page.go(f"{page.address}/#/experiments")
    experiments = page.until("backtests", "nights", "value", "churn", "One run per training of the churn model")
    assert "Default" not in experiments.split("\n")
    page.go(f"{page.address}/#/experiments/{churn}/runs?workflowType=machine_learning")
    page.until(f"churn {LAST_DAY}", f"churn {FIRST_NIGHT}", "churn panel")
    # The address that a night prints: opens on the runs, with the headline figures as columns.
    page.go(f"{page.address}/{runs_page(open_run(explored.root, None).tracking, 'churn')}")
    page.until(f"churn {LAST_DAY}", f"churn {FIRST_NIGHT}", "auc/evenfall", "auc/recency", "brier/evenfall")
    training = max(client.search_runs([churn]), key=lambda run: run.info.start_time)
    page.go(f"{page.address}/#/experiments/{churn}/runs/{training.info.run_id}")
    overview = page.until("auc/evenfall", "auc/recency", "auc/past_rate", "calibration_slope/evenfall", "brier/past_rate")
    for noise in ("fingerprint", "lake.daily", "python -m"):
        assert noise not in overview, noise
    page.go(f"{page.address}/#/experiments/{churn}/runs/{training.info.run_id}/model-metrics")
    page.until("Model metrics", "evenfall", "recency")
    page.until_true("document.querySelectorAll('.js-plotly-plot, svg.main-svg').length > 2")
    figures = {file.path for file in client.list_artifacts(training.info.run_id, "figures")}
    for name in ("roc", "precision_recall", "calibration", "lift", "gain"):
        assert f"figures/{name}.png" in figures
    page.go(f"{page.address}/#/experiments/{churn}/runs/{training.info.run_id}/artifacts/figures/roc.png")
    page.until("roc.png")
    page.until_true(_A_FIGURE_IS_DRAWN)
    page.go(f"{page.address}/#/experiments/{backtests}/runs?workflowType=machine_learning")
    page.until(f"backtest {LAST_DAY}")


def test_every_run_is_told_apart_by_its_name_and_its_night(explored: Explored) -> None:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{explored.root / 'mlflow.db'}")
    for name in ("churn", "value", "nights"):
        runs = client.search_runs([client.get_experiment_by_name(name).experiment_id])
        assert {(run.info.run_name.split()[-1], run.data.tags["as_of"]) for run in runs} == {
            (str(night), str(night)) for night in (FIRST_NIGHT, LAST_DAY)
        }
        assert len(runs) == 2
        for run in runs:
            shown = {tag for tag in run.data.tags if not tag.startswith("mlflow.")}
            assert shown <= {"as_of", "kind", "community", "churn_model"}
            assert run.data.tags["mlflow.source.name"] == "evenfall"


def test_an_operator_sees_the_report_on_a_phone(explored: Explored, tmp_path: Path) -> None:
    for page in (f"{LAST_DAY}.html", f"{LAST_DAY}-validation.html"):
        address = (explored.root / "reports" / page).as_uri()
        seen = page_as_seen(address, settle_ms=1000, size="390,2000")
        assert "Small shop" in seen
        assert "<script" not in seen
        picture = tmp_path / "seen.png"
        page_as_seen(address, settle_ms=1000, size="390,2000", picture=picture)
        assert picture.stat().st_size > 10_000
