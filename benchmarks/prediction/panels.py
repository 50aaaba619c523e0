"""Panels of the benchmark's communities: features of every cut-off, computed once and kept as Parquet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchmarks.measure import BenchmarkError
from benchmarks.prediction.datasets import SIMULATED_DAYS, SIMULATED_FIRST_DAY, SIMULATED_MEMBERS, Community
from benchmarks.prediction.windows import plain_windows, read_activity, read_joined
from features.history import History
from features.panel import build_panel
from flows.scaffold import DEMO_CONFIGURATION
from lake.roles import store_configured_roles
from lake.simulate import simulate
from models.cutoffs import plan_cutoffs
from models.level import Level
from pipeline.engagement.actions import configured_roles
from pipeline.history.daily_rollups import load_snapshot, update_rollups
from pipeline.history.materialise import materialise_if_small
from pipeline.intake.intake import land_intake, validate_sources
from pipeline.learning.challenger import first_day
from pipeline.leveling import Levels, measure_levels
from runtime.os_errors import cores
from runtime.run_context import RunContext, open_run

STEP_DAYS: Final = 28
_MIN_HISTORY_DAYS: Final = 90
# As many as are tested at most.
_LEVELS: Final = 10
_ROWS_IN_MEMORY: Final = 50_000_000

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


@dataclass(frozen=True)
class Panel:
    """All that the benchmark predicts from.

    Args:
        rows: One row per cut-off and member, as `build_panel` gives them.
        windows: The plain windows of the same rows.
        facts: Its facts.
        levels: Cut-off → the levels that a night then would have given to the predictions; of the newest cut-offs.
    """

    rows: pl.DataFrame
    windows: pl.DataFrame
    facts: PanelFacts
    levels: Mapping[date, Levels]


def panel_of(community: Community, horizon_days: int, folder: Path, *, max_cutoffs: int, progress: Progress) -> Panel:
    """Return a community's panel: all members at every cut-off, 28 days apart, back from the newest one that has matured.

    Args:
        community: The community.
        horizon_days: Days of the label windows of churn and value.
        folder: Where panels and workspaces are kept; a panel that is there is read.
        max_cutoffs: Most cut-offs, the newest ones.
        progress: Told what is being done.

    Raises:
        BenchmarkError: The community's data cannot be taken in.
    """
    path = folder / f"{community.name}_{horizon_days}.parquet"
    windows_path, facts_path = path.with_name(f"{path.stem}_plain.parquet"), path.with_suffix(".json")
    levels_path = path.with_name(f"{path.stem}_levels.json")
    if not path.exists():
        run = workspace_of(community, folder / "workspaces", progress)
        history = materialise_if_small(load_snapshot(run).history, run.workspace.lake, max_rows=_ROWS_IN_MEMORY)
        begins = first_day(history, run.as_of)
        progress(f"{community.name}: features, {horizon_days} days …")
        rows = _build(run, history, begins, horizon_days, max_cutoffs)
        eligible_days = run.settings.churn.eligible_days
        facts = PanelFacts(community.name, horizon_days, eligible_days, run.as_of.isoformat(), begins.isoformat())
        joined = read_joined(run.workspace.lake, timezone=run.timezone)
        plain_windows(read_activity(run.workspace.lake), joined, rows).write_parquet(windows_path)
        facts_path.write_text(json.dumps(asdict(facts)) + "\n", encoding="utf-8")
        levels_path.write_text(json.dumps(_levels(run, history, horizon_days, rows)) + "\n", encoding="utf-8")
        # Last and by renaming: the panel is there only when everything is.
        partial = path.with_suffix(".partial")
        rows.write_parquet(partial)
        partial.rename(path)
    stored = json.loads(levels_path.read_text(encoding="utf-8"))
    levels = {
        date.fromisoformat(day): Levels(**{name: _level(one) for name, one in both.items()}) for day, both in stored.items()
    }
    read_facts = PanelFacts(**json.loads(facts_path.read_text(encoding="utf-8")))
    return Panel(pl.read_parquet(path), pl.read_parquet(windows_path), read_facts, levels)


def _levels(run: RunContext, history: History, horizon_days: int, rows: pl.DataFrame) -> dict[str, Any]:
    """Measure the levels of the newest cut-offs, each from what was known on it."""
    sections = {
        name: getattr(run.settings, name).model_copy(update={"horizon_days": horizon_days}) for name in ("churn", "value")
    }
    settings = run.settings.model_copy(update=sections)
    days = sorted(rows["as_of"].unique())[-_LEVELS:]
    return {day.isoformat(): asdict(measure_levels(settings, history, day)) for day in days}


def _level(stored: dict[str, Any] | None) -> Level | None:
    return None if stored is None else Level(**stored)


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
