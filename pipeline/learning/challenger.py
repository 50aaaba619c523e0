"""Challengers: train a model on past cut-offs, and describe the training for the registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from features.compute import compute_features
from features.eligibility import is_eligible
from features.first_day import first_day_of_history
from features.history import History, is_activity
from features.panel import build_panel
from lake.contracts import DAILY, TIES
from lake.storage.delta import DAY
from models.boosting import TrainTrees, train_trees_here
from models.bundle import to_files
from models.cutoffs import plan_cutoffs
from models.leakage import refuse_later_knowledge
from models.measures import HEADLINE_NAME, Purpose, headline
from models.panel import empty_panel, feature_names
from models.training import Trained, train_churn, train_value
from outputs.report.model_card import render_model_card
from pipeline.history.materialise import materialise_if_small
from pipeline.learning.card_files import MODEL_CARD
from pipeline.learning.model_card import model_card
from pipeline.learning.reference import reference_files
from pipeline.learning.starting_model import starting_model_for
from runtime.os_errors import cores
from runtime.progress import each_cutoff, say
from runtime.run_context import RunContext, code_hash, settings_hash
from runtime.tracking.figures import training_figures
from runtime.tracking.tracking import TrainingRecord


@dataclass(frozen=True)
class TrainingInput:
    """The training data of models, and the function that trains their trees.

    Args:
        history: The history of the members to train on.
        tonight: Their features as of tonight: one row per member, sorted by member_id.
        train_trees: Trains LightGBM trees, in this process or on a cluster.
    """

    history: History
    tonight: pl.LazyFrame
    train_trees: TrainTrees = train_trees_here


def train_challenger(
    run: RunContext, training_input: TrainingInput, purpose: Purpose, fingerprint: str
) -> tuple[Trained[Any], TrainingRecord]:
    """Train a model on past cut-offs.

    Args:
        run: The run.
        training_input: The training data.
        purpose: `churn` or `value`.
        fingerprint: The fingerprint of this training, as `fingerprint_of` returns it.

    Returns:
        The model with its holdout model and its evaluation, and the record for the registry.
    """
    settings = run.settings
    # A panel scans the rollups once per cut-off.
    history = materialise_if_small(
        training_input.history, run.workspace.lake, max_rows=settings.scale.budget.rollup_rows_in_memory
    )
    horizon_days = settings.churn.horizon_days if purpose == "churn" else settings.value.horizon_days
    cutoffs = plan_cutoffs(
        first_day=first_day(history, run.as_of),
        as_of=run.as_of,
        horizon_days=horizon_days,
        step_days=settings.prediction.step_days,
        max_cutoffs=settings.prediction.max_cutoffs,
        min_history_days=settings.prediction.min_history_days,
    )
    say(f"training {purpose} on {len(cutoffs)} past cut-offs …")
    panel = empty_panel()
    if cutoffs:
        panel = build_panel(
            history,
            cutoffs=cutoffs,
            churn_horizon_days=horizon_days,
            value_horizon_days=horizon_days,
            seen_until=run.as_of,
            eligible_days=settings.churn.eligible_days,
            keep=panel_filter(purpose, history),
            threads=cores(),
            following=each_cutoff,
        )
        # Recomputing one cut-off is cheap, and shows a leak in any feature before a model has learnt from it.
        refuse_later_knowledge(panel.filter(pl.col("as_of") == cutoffs[-1]), _without_future(history, cutoffs[-1]))
    tonight = training_input.tonight.with_columns(is_eligible=is_eligible(settings.churn.eligible_days)).collect()
    learnt_from: dict[str, Any] = {"horizon_days": horizon_days, "settings": settings.prediction, "tonight": tonight}
    learnt_from |= {"train_trees": training_input.train_trees}
    trained: Trained[Any]
    if purpose == "churn":
        trained = train_churn(panel, starting=starting_model_for(settings.prediction), **learnt_from)
    else:
        trained = train_value(panel, **learnt_from)
    record = _training_record(run, purpose, trained, panel=panel, cutoffs=cutoffs, fingerprint=fingerprint)
    card = render_model_card(model_card(run, purpose, trained, panel, training_input.history))
    return trained, replace(record, pages={MODEL_CARD: card})


def _without_future(history: History, as_of: date) -> pl.DataFrame:
    """Compute the features as of a past night from a history that ends there, as a check for leakage.

    The history is cut here by code of its own and not by `features.history.cut`, which the check is about.
    """
    until = pl.col("event_date") <= as_of
    is_known = pl.col("seen_from").is_null() | (pl.col("seen_from") <= as_of)
    history_until = replace(
        history,
        members=history.members.filter(is_known),
        daily=history.daily.filter(until),
        ties=history.ties.filter(until),
        everybody=None if history.everybody is None else history.everybody.filter(is_known),
    )
    return compute_features(history_until, as_of=as_of, threads=cores())


def _training_record(
    run: RunContext,
    purpose: Purpose,
    trained: Trained[Any],
    *,
    panel: pl.DataFrame,
    cutoffs: tuple[date, ...],
    fingerprint: str,
) -> TrainingRecord:
    title = f"{purpose}, measured as of {', '.join(map(str, trained.evaluation.test)) or 'no past night'}"
    cutoffs_by_part = {
        f"evaluation_{part}": _as_text(getattr(trained.evaluation, part)) for part in ("train", "calibrate", "test")
    }
    cutoffs_by_part |= {f"final_{part}": _as_text(getattr(trained.final, part)) for part in ("train", "calibrate")}
    curves = {**trained.curves}
    return TrainingRecord(
        experiment=purpose,
        as_of=run.as_of,
        parameters={**trained.parameters, **cutoffs_by_part, "cutoffs": len(cutoffs)},
        metrics={**trained.metrics, "rows": {part: float(rows) for part, rows in trained.rows.items()}},
        files=to_files(trained.model) | reference_files(trained.model, panel),
        panel=panel,
        features=feature_names(panel),
        summary=_summary(purpose, trained),
        figures=training_figures(curves, trained.importance, title=title),
        tables={"feature_importance.csv": trained.importance, **{f"{name}.csv": points for name, points in curves.items()}},
        # The short code and the kind are for people who compare runs; the fingerprint identifies a training.
        tags={**data_versions(run), "fingerprint": fingerprint, "code": code_hash()[:12], "kind": trained.model.kind},
        trials=trained.trials,
    )


def _summary(purpose: Purpose, trained: Trained[Any]) -> str:
    """Return a summary of a training in one or two sentences, for the page of the run in MLflow."""
    values_by_model = {model: headline(purpose, metrics) for model, metrics in trained.metrics.items()}
    figures = ", ".join(f"{model.replace('_', ' ')} {value:.3f}" for model, value in values_by_model.items() if value is not None)
    among = " among those still here" if purpose == "churn" else ""
    measured = f"{HEADLINE_NAME[purpose]}{among}, on outcomes the holdout model had not seen: {figures}."
    result = measured if figures else trained.evaluation.why
    return f"{result} {trained.model.why}"


def data_versions(run: RunContext) -> dict[str, str]:
    """Return the versions of the tables that a run read, as tags `lake.<table>` → version."""
    lake = run.workspace.lake
    return {f"lake.{table}": str(lake.version(table)) for table in (DAILY, TIES, "members", "feedback") if lake.exists(table)}


def fingerprint_of(run: RunContext, purpose: Purpose) -> str:
    """Return a hash of everything a training depends on.

    After a crash between registering and promoting, the same model version is found by it instead of registering a second one.
    """
    inputs: Mapping[str, Any] = {
        "purpose": purpose,
        "as_of": run.as_of.isoformat(),
        "data": data_versions(run),
        "settings": settings_hash(run.settings),
        "code": code_hash(),
    }
    # Sorted keys: the hash must not depend on the order in which the inputs are written here.
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


def panel_filter(purpose: Purpose, history: History) -> pl.Expr | None:
    """Return the filter for the rows of the panel; None keeps all rows.

    Where there are events, churn is trained on eligible members alone. With orders alone, and for value, members who left long
    ago are training data, too.
    """
    return pl.col("is_eligible") if purpose == "churn" and "events" in history.available else None


def first_day(history: History, as_of: date) -> date:
    """Return the first day of activity, from which cut-offs are planned.

    Single days far from all others, such as the default date of an export, are ignored; see `first_day_of_history`.
    """
    seen = history.daily.filter(is_activity() & (pl.col(DAY) <= as_of))
    rows_by_day = seen.group_by(DAY).agg(pl.col("n").cast(pl.Int64).sum()).collect(engine="streaming")
    return first_day_of_history(dict(rows_by_day.iter_rows())) or as_of


def _as_text(cutoffs: tuple[date, ...]) -> str:
    return ", ".join(cutoff.isoformat() for cutoff in cutoffs) or "none"
