"""Panels of the benchmark's communities: ingested and rolled up once, features computed once for all cut-offs, kept as Parquet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from benchmarks.measure import BenchmarkError
from benchmarks.prediction.datasets import SIMULATED_DAYS, SIMULATED_FIRST_DAY, SIMULATED_MEMBERS, Community
from features.history import History
from features.panel import build_panel
from flows.scaffold import DEMO_CONFIGURATION
from lake.roles import store_configured_roles
from lake.simulate import simulate
from models.cutoffs import plan_cutoffs
from pipeline.engagement.actions import configured_roles
from pipeline.history.daily_rollups import load_snapshot, update_rollups
from pipeline.history.materialise import materialise_if_small
from pipeline.intake.intake import land_intake, validate_sources
from pipeline.learning.challenger import first_day
from runtime.os_errors import cores
from runtime.run_context import RunContext, open_run

STEP_DAYS = 28
_MIN_HISTORY_DAYS = 90

Progress = Callable[[str], None]


@dataclass(frozen=True)
class PanelFacts:
    """What is true of a panel beside its rows.

    Args:
        community: The community's name.
        horizon_days: Days of both label windows.
        eligible_days: Who counts in the outcome of churn, as the community's configuration says.
        night: The last full day of the data.
        first_day: The first day of the history.
    """

    community: str
    horizon_days: int
    eligible_days: int
    night: str
    first_day: str


def workspace_of(community: Community, folder: Path, progress: Progress) -> RunContext:
    """Return a workspace with the community's lake, ingested and rolled up; made unless it is there already.

    Raises:
        BenchmarkError: The community's data cannot be taken in.
    """
    workspace = folder / community.name
    done = workspace / "ingested"
    if done.exists():
        return open_run(workspace, done.read_text(encoding="utf-8"))
    shutil.rmtree(workspace, ignore_errors=True)
    progress(f"{community.name}: taking in …")
    _make_workspace(community, workspace)
    run = _take_in(open_run(workspace, None))
    done.write_text(run.as_of.isoformat(), encoding="utf-8")
    return run


def panel_of(
    community: Community, horizon_days: int, folder: Path, *, max_cutoffs: int, progress: Progress
) -> tuple[pl.DataFrame, PanelFacts]:
    """Return a community's panel: all members at every cut-off, 28 days apart, back from the newest one that has matured.

    Args:
        community: The community.
        horizon_days: Days of the label windows of churn and value.
        folder: Where panels and workspaces are kept; a panel that is there is read.
        max_cutoffs: Most cut-offs, the newest ones.
        progress: Told what is being done.

    Returns:
        The panel as `build_panel` gives it, and its facts.
    """
    path = folder / f"{community.name}_{horizon_days}.parquet"
    facts_path = path.with_suffix(".json")
    if path.exists() and facts_path.exists():
        return pl.read_parquet(path), PanelFacts(**json.loads(facts_path.read_text(encoding="utf-8")))
    run = workspace_of(community, folder / "workspaces", progress)
    history = materialise_if_small(load_snapshot(run).history, run.workspace.lake, max_rows=50_000_000)
    begins = first_day(history, run.as_of)
    progress(f"{community.name}: features, {horizon_days} days …")
    panel = _build(run, history, begins, horizon_days, max_cutoffs)
    eligible = run.settings.churn.eligible_days
    facts = PanelFacts(community.name, horizon_days, eligible, run.as_of.isoformat(), begins.isoformat())
    facts_path.write_text(json.dumps(asdict(facts)) + "\n", encoding="utf-8")
    # Renamed at the end, so that an interrupted run leaves no half of a file.
    partial = path.with_suffix(".partial")
    panel.write_parquet(partial)
    partial.rename(path)
    return panel, facts


def _build(run: RunContext, history: History, begins: date, horizon_days: int, max_cutoffs: int) -> pl.DataFrame:
    cutoffs = plan_cutoffs(
        first_day=begins,
        as_of=run.as_of,
        horizon_days=horizon_days,
        step_days=STEP_DAYS,
        max_cutoffs=max_cutoffs,
        min_history_days=_MIN_HISTORY_DAYS,
    )
    return build_panel(
        history,
        cutoffs=cutoffs,
        churn_horizon_days=horizon_days,
        value_horizon_days=horizon_days,
        seen_until=run.as_of,
        eligible_days=run.settings.churn.eligible_days,
        threads=cores(),
    )


def _make_workspace(community: Community, workspace: Path) -> None:
    workspace.mkdir(parents=True)
    if community.folder is None:
        (workspace / "evenfall.toml").write_text(DEMO_CONFIGURATION, encoding="utf-8")
        seed, first = community.seed or 0, SIMULATED_FIRST_DAY
        simulate(workspace, seed=seed, members=SIMULATED_MEMBERS, days=SIMULATED_DAYS, first_day=first)
        return
    shutil.copy(community.folder / "evenfall.toml", workspace)
    shutil.copytree(community.folder / "data", workspace / "data")


def _take_in(run: RunContext) -> RunContext:
    intake = validate_sources(run.workspace, run.settings, as_of=run.asked, now=datetime.now(UTC), progress=lambda _: None)
    # The data may end years ago.
    wrong = [finding.says for finding in intake.stops if finding.rule != "fresh_enough"]
    if wrong:
        raise BenchmarkError("; ".join(wrong))
    land_intake(run.workspace, intake)
    intake.spool.empty()
    run = run.on(intake.as_of)
    store_configured_roles(run.workspace.lake, configured_roles(run.settings))
    update_rollups(run)
    return run
