"""What a second worker saves: features, predictions and reasons of a big community in one process and by Dask workers.

    python -m benchmarks.scaling WORKSPACE YYYY-MM-DD --workers 1 2

The workspace holds a lake with its rollups, such as `benchmarks.nights` leaves. The model is trained on the community's own
features with an outcome drawn from them: its size is that of a real one, its predictions mean nothing. What the workers
return is compared with the single process, value by value.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import psutil
from polars.testing import assert_frame_equal

from runtime.environment import prepare_environment

_LEARNT_ROWS: Final = 200_000
_STEPS: Final = ("features", "predictions", "reasons")


def measure(workspace: Path, as_of: str, *, workers: int, bucket_members: int) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """Do the work with so many workers, or with none in this process; gives the figures and what came out."""
    from flows.scale.open_executor import open_executor
    from pipeline.history.daily_rollups import take_snapshot
    from runtime.run_context import open_run
    from runtime.scale_settings import Scale

    run = open_run(workspace, as_of)
    scale = Scale(engine="dask", workers=workers, bucket_members=bucket_members) if workers else Scale()
    run = replace(run, settings=run.settings.model_copy(update={"scale": scale}))
    snapshot = take_snapshot(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    figures: dict[str, Any] = {"workers": workers, "bucket_members": bucket_members if workers else None}
    came_out: dict[str, pl.DataFrame] = {}
    with open_executor(run) as executor:
        if workers:
            _warm_up(executor)
        with _timed(figures, "features"):
            features = executor.compute_features(run, snapshot)
        figures["members"] = features.members
        came_out["features"] = features.rows.collect()
        champions = _champions(run, came_out["features"])
        with _timed(figures, "predictions"):
            scored = executor.score(run, features, champions)
        with _timed(figures, "reasons"):
            explained = executor.explain(run, features, scored, champions)
        figures["eligible"] = int(scored["is_eligible"].sum())
        figures["peak_mib_of_a_worker"] = max((_peak_mib(process) for process in _workers()), default=None)
    came_out["lists"] = explained.select("member_no", "is_eligible", "churn_probability", "reasons").sort("member_no")
    return figures, came_out


@contextmanager
def _timed(figures: dict[str, Any], step: str) -> Iterator[None]:
    began, used = time.perf_counter(), _cpu_seconds()
    yield
    figures[step] = {
        "wall_seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(_cpu_seconds() - used, 2),
    }


def _warm_up(executor: Any) -> None:
    """Let the workers import what they need; a night pays for it once."""

    def imports() -> None:
        import models.reasons  # noqa: F401
        import pipeline.execution.partitions  # noqa: F401

    executor.cluster.client.run(imports)


def _cpu_seconds() -> float:
    """Of this process and its workers together."""
    times = [process.cpu_times() for process in (psutil.Process(), *_workers())]
    return float(sum(one.user + one.system for one in times))


def _workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]


def _peak_mib(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024


def _champions(run: Any, features: pl.DataFrame) -> Any:
    from models.boosting import make_trees
    from models.bundle import to_files
    from models.churn import ChurnModel
    from models.cutoffs import final_split
    from models.encoding import learn_encoding
    from pipeline.learning.champions import Champion, Champions
    from runtime.tracking.tracking import RegisteredModel

    settings = run.settings.prediction
    rows = features.head(_LEARNT_ROWS)
    names = [name for name in rows.columns if name not in ("member_no", "member_id")]
    encoding = learn_encoding(rows, names, max_categories=settings.max_categories)
    laid_out = encoding.matrix(rows)
    random = np.random.default_rng(7)
    silence = np.nan_to_num(rows["days_since_last_activity"].cast(pl.Float64).to_numpy(), nan=400.0)
    active = np.nan_to_num(rows["active_days_90d"].cast(pl.Float64).to_numpy())
    chance = 1 / (1 + np.exp(-(silence / 30 - np.log1p(active))))
    outcome = (random.random(rows.height) < chance).astype(np.float64)
    trees = make_trees(settings, objective="binary").fit(laid_out, outcome, encoding)
    split = final_split([run.as_of], horizon_days=run.settings.churn.horizon_days)
    model = ChurnModel("lightgbm", "For a benchmark.", split, settings, trees=trees)
    registered = RegisteredModel("churn", 1, run.as_of, to_files(model))
    return Champions(Champion(model, registered, ""), None)


def _same(ours: dict[str, pl.DataFrame], theirs: dict[str, pl.DataFrame]) -> None:
    for name, frame in theirs.items():
        assert_frame_equal(ours[name], frame, check_exact=True)


def main() -> None:
    """Measure, compare and print a table; figures also as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("as_of", type=date.fromisoformat)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--bucket-members", type=int, default=50_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    prepare_environment(asked.workspace)
    measured: list[dict[str, Any]] = []
    alone: dict[str, pl.DataFrame] = {}
    for workers in (0, *asked.workers):
        figures, came_out = measure(
            asked.workspace, asked.as_of.isoformat(), workers=workers, bucket_members=asked.bucket_members
        )
        alone = alone or came_out
        _same(came_out, alone)
        measured.append(figures)
        print(_line(figures), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps({"cores": os.cpu_count(), "measured": measured}, indent=2) + "\n", encoding="utf-8")


def _line(figures: dict[str, Any]) -> str:
    who = "one process" if not figures["workers"] else f"{figures['workers']} worker{'s' * (figures['workers'] > 1)}"
    times: Callable[[str], str] = lambda kind: "  ".join(f"{figures[step][kind]:7.1f}" for step in _STEPS)  # noqa: E731
    return (
        f"{who:12} wall s {times('wall_seconds')}   CPU s {times('cpu_seconds')}   "
        f"{figures['members']:,} members, {figures['eligible']:,} explained, worker peak {figures['peak_mib_of_a_worker']} MiB"
    )


if __name__ == "__main__":
    main()
