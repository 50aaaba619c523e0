"""The backtest: the shape of its figures, its page and its runs, and that its splits never look ahead."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.communities import LAST_DAY
from tests.nights import Run


def test_every_model_stands_beside_ours_at_every_cut_off(run: Run, begun: Path) -> None:
    shop = begun
    file = shop / "figures.json"
    done = run("backtest", "--workspace", shop, "--as-of", LAST_DAY, "--cutoffs", 3, "--json", file)
    assert done.code == 0, done.err
    figures = json.loads(file.read_text())
    assert set(figures) == {"cutoffs", "summary"}
    for cutoff in figures["cutoffs"]:
        assert date.fromisoformat(cutoff["as_of"]) + timedelta(days=28) <= LAST_DAY
        assert {"evenfall", "recency", "past_rate"} <= set(cutoff["churn"])
        assert {"auc", "average_precision", "brier", "calibration_slope"} <= set(cutoff["churn"]["evenfall"])
        assert {"ngini", "mae", "rmse", "total_ratio"} <= set(cutoff["value"]["evenfall"])
        assert 0 < cutoff["churn_rate"] < 1
        assert cutoff["n"] > 0
    pooled = figures["summary"]["churn"]["calibration"]
    assert set(pooled) == {"everybody", "first_year"}
    assert pooled["everybody"]["n"] == sum(cutoff["n"] for cutoff in figures["cutoffs"])
    assert pooled["everybody"]["happened"] == pytest.approx(
        sum(cutoff["n"] * cutoff["churn_rate"] for cutoff in figures["cutoffs"]) / pooled["everybody"]["n"]
    )
    assert {"predicted", "calibration_slope", "calibration_intercept", "ece"} <= set(pooled["first_year"])
    newest = figures["cutoffs"][-1]["as_of"]
    assert newest == str(LAST_DAY - timedelta(days=28))
    page = (shop / "reports" / f"backtest-{LAST_DAY}.html").read_text()
    assert "<script" not in page
    assert "Did the probabilities come true?" in page
    assert "Here under a year" in page
    assert "Churn: AUC" in done.out
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{shop / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("backtests")
    runs = client.search_runs([experiment.experiment_id])
    children = [one for one in runs if "mlflow.parentRunId" in one.data.tags]
    assert len(children) == len(figures["cutoffs"])
    (parent,) = (one for one in runs if "mlflow.parentRunId" not in one.data.tags)
    assert parent.data.metrics["churn/auc/evenfall"] == pytest.approx(figures["summary"]["churn"]["mean"]["evenfall"]["auc"])
    logged = {name: value for name, value in parent.data.metrics.items() if "/by_tenure/" in name}
    assert logged == {
        f"churn/by_tenure/{measure}/{band}": pytest.approx(value)
        for band, row in pooled.items()
        for measure, value in row.items()
        if value is not None
    }
    newest_child = next(one for one in children if one.data.tags["as_of"] == newest)
    assert newest_child.data.metrics["n"] == figures["cutoffs"][-1]["n"]


def test_a_history_too_short_to_test_says_so(run: Run, begun: Path) -> None:
    done = run("backtest", "--workspace", begun, "--as-of", LAST_DAY - timedelta(days=150))
    assert done.code == 3
    assert "too short for a backtest" in done.err


def test_a_backtest_of_an_empty_lake_is_the_datas_fault(run: Run, shop: Path) -> None:
    done = run("backtest", "--workspace", shop, "--as-of", LAST_DAY)
    assert done.code == 3
    assert "evenfall nightly" in done.err
