"""Read runs back from MLflow as frames, to compare them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl

from runtime.tracking.tracking import BACKTESTS, Tracking

BACKTESTS_SCHEMA: Final = {
    "backtest": pl.String(),
    "run_at": pl.Datetime("ms", "UTC"),
    "cutoff": pl.Date(),
    "purpose": pl.String(),
    "metric": pl.String(),
    "model": pl.String(),
    "value": pl.Float64(),
}
TRAININGS_SCHEMA: Final = {
    "purpose": pl.String(),
    "training": pl.String(),
    "run_at": pl.Datetime("ms", "UTC"),
    "as_of": pl.Date(),
    "kind": pl.String(),
    "metric": pl.String(),
    "model": pl.String(),
    "value": pl.Float64(),
}
_FINISHED: Final = "attributes.status = 'FINISHED'"
_PARENT: Final = "mlflow.parentRunId"
_PARTS_OF_A_BACKTEST_METRIC: Final = 3
_PARTS_OF_A_TRAINING_METRIC: Final = 2


def read_backtests(tracking: Tracking) -> pl.DataFrame:
    """One row per backtest, cut-off, purpose, metric and model, columns `BACKTESTS_SCHEMA`; the newest backtest first.

    Raises:
        OutsideServiceError: The tracking store failed.
    """
    runs = _runs(tracking, BACKTESTS)
    parents = {run.info.run_id: run for run in runs if _PARENT not in run.data.tags}
    rows = []
    for run in runs:
        parent = parents.get(run.data.tags.get(_PARENT, ""))
        if parent is not None:
            about = (_label(parent), _run_at(parent), _night(run))
            rows += [(*about, *parts, value) for parts, value in _measured(run, _PARTS_OF_A_BACKTEST_METRIC)]
    frame = pl.DataFrame(rows, schema=BACKTESTS_SCHEMA, orient="row")
    return frame.sort("run_at", "cutoff", "purpose", "metric", "model", descending=[True, False, False, False, False])


def read_trainings(tracking: Tracking) -> pl.DataFrame:
    """One row per training, metric and model, columns `TRAININGS_SCHEMA`; the newest training first.

    Raises:
        OutsideServiceError: The tracking store failed.
    """
    rows = []
    for purpose in ("churn", "value"):
        for run in _runs(tracking, purpose):
            about = (purpose, _label(run), _run_at(run), _night(run), run.data.tags.get("kind"))
            rows += [(*about, *parts, value) for parts, value in _measured(run, _PARTS_OF_A_TRAINING_METRIC)]
    frame = pl.DataFrame(rows, schema=TRAININGS_SCHEMA, orient="row").filter(pl.col("metric") != "rows")
    return frame.sort("run_at", "purpose", "metric", "model", descending=[True, False, False, False])


def _runs(tracking: Tracking, experiment: str) -> list[Any]:
    """Return every finished run of an experiment; empty where nothing was ever logged."""
    # Opening a client would create the store.
    if not tracking.exists():
        return []
    with tracking.client() as client:
        logged_experiment = client.get_experiment_by_name(experiment)
        runs: list[Any] = []
        token: str | None = ""
        while logged_experiment is not None and token is not None:
            page = client.search_runs([logged_experiment.experiment_id], filter_string=_FINISHED, page_token=token or None)
            runs, token = [*runs, *page], page.token or None
        return runs


def _measured(run: Any, parts: int) -> Iterator[tuple[list[str], float]]:
    """Yield the metrics of a run whose names have so many parts, as `runtime.tracking.run_presentation` makes them."""
    for name, value in run.data.metrics.items():
        split = name.split("/")
        if len(split) == parts:
            yield split, value


def _run_at(run: Any) -> datetime:
    return datetime.fromtimestamp(run.info.start_time / 1000, UTC)


def _label(run: Any) -> str:
    """Return the name of a run with the minute it began, which distinguishes repeated runs of one night."""
    return f"{run.info.run_name} (run {_run_at(run):%Y-%m-%d %H:%M})"


def _night(run: Any) -> date:
    return date.fromisoformat(run.data.tags["as_of"])
