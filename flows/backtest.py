"""`evenfall backtest`: predict past nights with what was known then, and compare every model with the baselines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from features.history import History
from features.panel import build_panel
from flows.train import resolved
from lake.errors import DataError
from models.backtest import CutoffResult, Summary, backtest_cutoff, summarise
from models.bootstrap import Difference
from models.curves import curve_by_population
from models.cutoffs import plan_cutoffs
from models.measures import Purpose, headline
from models.training import OURS
from outputs.report.backtest_page import BacktestFacts, BacktestPart, CutoffRow, render_backtest
from outputs.report.calibration_rows import CALIBRATION_NAMES, calibration_rows
from pipeline.history.daily_rollups import load_snapshot, update_rollups
from pipeline.history.materialise import materialise_if_small
from pipeline.learning.challenger import data_versions, first_day, panel_filter
from pipeline.learning.starting_model import starting_model_for
from pipeline.leveling import measure_levels
from runtime.os_errors import cores
from runtime.progress import each, each_cutoff, say
from runtime.run_context import RunContext, open_run

_NAMES: Final = {
    "churn": (
        "Churn",
        "AUC among those still here",
        "AUC is how often a member who left was ranked above one who stayed; 0.5 is chance. Still here is who was active within "
        "the horizon.",
    ),
    "value": ("Value", "nGini", "nGini says how well members were ordered by what they went on to spend; 1 is perfect."),
}


@flow(name="backtest", flow_run_name="backtest {as_of}", persist_result=False, validate_parameters=False)
def backtest(workspace: str = ".", as_of: str | None = None, cutoffs: int = 12, json_file: str | None = None) -> list[str]:
    """Test past nights; returns the lines to show.

    Args:
        workspace: The folder with `evenfall.toml`.
        as_of: The night whose past is tested; by default what `[run] as_of` says.
        cutoffs: How many past cut-offs to test, where history allows.
        json_file: Where to write the figures, or None.

    Raises:
        DataError: The lake is empty, or history is too short for a single test.
    """
    run = open_run(workspace, as_of)
    with run.workspace.locked("backtest"):
        run = resolved(run)
        update_rollups(run)
        at_most = run.settings.scale.budget.rollup_rows_in_memory
        history = materialise_if_small(load_snapshot(run).history, run.workspace.lake, max_rows=at_most)
        results = measure(run, history, cutoffs)
        if not results:
            raise DataError(
                f"history up to {run.as_of} is too short for a backtest",
                remedy="Bring a longer history, or shorten the horizons under [churn] and [value].",
            )
        summaries = [summarise(results, purpose) for purpose in ("churn", "value") if any(r.purpose == purpose for r in results)]
        return report(run, results, summaries, requested=cutoffs, json_file=json_file)


@task(cache_policy=NO_CACHE, persist_result=False)
def measure(run: RunContext, history: History, requested: int) -> list[CutoffResult]:
    """Predict and evaluate every cut-off, oldest first.

    Args:
        run: The run, with its night resolved.
        history: The history up to that night.
        requested: The number of cut-offs to test, where history allows.

    Returns:
        One result per purpose and cut-off that could be evaluated; empty where history is too short.
    """
    settings = run.settings
    horizons: dict[Purpose, int] = {"churn": settings.churn.horizon_days}
    if "orders" in history.available:
        horizons["value"] = settings.value.horizon_days
    planned = _planned(run, history, max(horizons.values()), requested)
    if not planned:
        return []
    results: list[CutoffResult] = []
    panels: dict[tuple[int, bool], pl.DataFrame] = {}
    for purpose, horizon_days in horizons.items():
        keep = panel_filter(purpose, history)
        # Horizon and filter decide the rows of a panel: two purposes with the same ones share it.
        kind = (horizon_days, keep is None)
        if kind not in panels:
            # A new dictionary, and not a new key: only one panel stays in memory.
            panels = {kind: _panel(run, history, planned, horizon_days, keep)}
        positions = range(max(0, len(planned) - requested), len(planned))
        for position in each(positions, total=len(positions), unit="cut-offs"):
            known = planned[max(0, position + 1 - _reach(run, horizon_days)) : position + 1]
            say(f"{purpose} as of {known[-1]} …")
            level = measure_levels(settings, history, known[-1]).of(purpose)
            result = backtest_cutoff(
                panels[kind],
                known,
                purpose,
                horizon_days=horizon_days,
                settings=settings.prediction,
                level=level,
                starting=starting_model_for(settings.prediction),
            )
            if result is not None:
                results.append(result)
    return results


def _planned(run: RunContext, history: History, horizon_days: int, requested: int) -> tuple[date, ...]:
    """Return the cut-offs to test, and before them those that their trainings learn from, as far as history allows."""
    prediction = run.settings.prediction
    return plan_cutoffs(
        first_day=first_day(history, run.as_of),
        as_of=run.as_of,
        horizon_days=horizon_days,
        step_days=prediction.step_days,
        max_cutoffs=requested - 1 + _reach(run, horizon_days),
        min_history_days=prediction.min_history_days,
    )


def _reach(run: RunContext, horizon_days: int) -> int:
    """Return how many cut-offs one test needs: itself, those with open outcomes before it, and those that a night learns from."""
    prediction = run.settings.prediction
    # A negated floor division rounds up.
    return prediction.max_cutoffs - (-horizon_days // prediction.step_days)


def _panel(run: RunContext, history: History, planned: tuple[date, ...], horizon_days: int, keep: pl.Expr | None) -> pl.DataFrame:
    say(f"features of {len(planned)} past cut-offs …")
    return build_panel(
        history,
        cutoffs=planned,
        churn_horizon_days=horizon_days,
        value_horizon_days=horizon_days,
        seen_until=run.as_of,
        eligible_days=run.settings.churn.eligible_days,
        keep=keep,
        threads=cores(),
        following=each_cutoff,
    )


@task(cache_policy=NO_CACHE, persist_result=False)
def report(
    run: RunContext, results: Sequence[CutoffResult], summaries: Sequence[Summary], *, requested: int, json_file: str | None
) -> list[str]:
    """Write the page, the JSON and the MLflow runs.

    Args:
        run: The run, with its night resolved.
        results: One result per purpose and cut-off.
        summaries: One summary per purpose.
        requested: The number of cut-offs that was asked for.
        json_file: Where to write the figures, or None.

    Returns:
        The lines to show.
    """
    figures = as_json(results, summaries)
    parts = tuple(_part(summary, results) for summary in summaries)
    tested = len({result.as_of for result in results})
    note = f"History allows {tested} of the {requested} cut-offs asked for." if tested < requested else None
    page = run.workspace.reports / f"backtest-{run.as_of.isoformat()}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render_backtest(BacktestFacts(run.settings.community.name, run.as_of, parts, note)), encoding="utf-8")
    if json_file is not None:
        Path(json_file).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    run.tracking.prepare()
    run.tracking.log_backtest(as_of=run.as_of, results=figures, page=page.read_text(encoding="utf-8"), tags=data_versions(run))
    lines = [f"{part.title}: {part.verdict}" for part in parts]
    written = [f"page: {page}", *([f"figures: {json_file}"] if json_file is not None else [])]
    return [*([note] if note else []), *lines, *written]


def as_json(results: Sequence[CutoffResult], summaries: Sequence[Summary]) -> dict[str, Any]:
    """Return the figures as JSON data; other programs rely on its shape."""
    cutoffs: dict[date, dict[str, Any]] = {}
    for result in results:
        row = cutoffs.setdefault(
            result.as_of, {"as_of": result.as_of.isoformat(), "n": None, "churn_rate": None, "churn": {}, "value": {}}
        )
        if result.purpose == "churn":
            row["n"], row["churn_rate"] = result.members, result.outcome_mean
        row[result.purpose] = {model: dict(metrics) for model, metrics in result.metrics.items()}
        if result.calibration is not None:
            row["churn_calibration"] = _by_band(result.calibration)
        row[f"{result.purpose}_lead"] = _leads(result.against)
        row[f"{result.purpose}_lead_all"] = _leads(result.against_all)
    return {
        "cutoffs": [cutoffs[as_of] for as_of in sorted(cutoffs)],
        "summary": {
            summary.purpose: {
                "cutoffs": summary.cutoffs,
                "mean": {model: dict(metrics) for model, metrics in summary.mean.items()},
                "best_baseline": summary.best_baseline,
                "wins": dict(summary.wins),
                "worst": None if summary.worst is None else summary.worst.isoformat(),
                **({} if summary.calibration is None else {"calibration": _by_band(summary.calibration)}),
            }
            for summary in summaries
        },
    }


def _leads(against: Mapping[str, Difference]) -> dict[str, dict[str, float]]:
    return {model: {"estimate": lead.estimate, "lower": lead.lower, "upper": lead.upper} for model, lead in against.items()}


def _by_band(calibration: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return tenure band → measure → value."""
    return {row.pop("band"): row for row in calibration.to_dicts()}


def _part(summary: Summary, results: Sequence[CutoffResult]) -> BacktestPart:
    title, measure_name, meaning = _NAMES[summary.purpose]
    best = summary.best_baseline
    models = (OURS, *(model for model in summary.mean if model != OURS))
    rows = []
    for result in results:
        if result.purpose == summary.purpose:
            lead = result.against.get(best) if best is not None else None
            values = {model: headline(summary.purpose, result.metrics.get(model, {})) for model in models}
            bounds = (None, None) if lead is None else (lead.lower, lead.upper)
            rows.append(CutoffRow(result.as_of, result.members, values, *bounds))
    metrics = list(dict.fromkeys(metric for model in models for metric in summary.mean[model]))
    means = {
        metric: {model: summary.mean[model][metric] for model in models if metric in summary.mean[model]} for metric in metrics
    }
    calibration = () if summary.calibration is None else calibration_rows(summary.calibration)
    curve = curve_by_population(summary.curves, "calibration")
    return BacktestPart(
        title,
        measure_name,
        meaning,
        models,
        tuple(rows),
        means,
        _verdict(summary),
        summary.worst,
        calibration,
        curve=None if curve is None else curve.rename(CALIBRATION_NAMES),
        lift=curve_by_population(summary.curves, "lift"),
    )


def _verdict(summary: Summary) -> str:
    ours, best = headline(summary.purpose, summary.mean[OURS]), summary.best_baseline
    theirs = None if best is None else headline(summary.purpose, summary.mean[best])
    if ours is None or best is None or theirs is None:
        return "Nothing could be compared."
    return (
        f"{_NAMES[summary.purpose][1]} {ours:.3f} on average over {summary.cutoffs} cut-offs, "
        f"{theirs:.3f} for {best.replace('_', ' ')}, the best simple rule; surely ahead of it at {summary.wins[best]} of them."
    )
