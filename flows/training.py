"""Champions: the models that score tonight, trained anew when there is none or it is due."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Generic, Literal, TypeVar

import polars as pl

from features.history import EVENT_PREFIX, ORDER_ACTIVITIES, History
from features.panel import build_panel
from flows.figures import training_figures
from flows.night import Night, code_hash, say, settings_hash
from flows.rollup import DAILY, TIES
from flows.tracking import RegisteredModel, TrainingRecord
from lake.store import DAY
from models.bundle import from_files, to_files
from models.churn import ChurnModel
from models.cutoffs import plan_cutoffs
from models.panel import empty_panel, feature_names
from models.training import Trained, train_churn, train_value
from models.value import ValueModel

Purpose = Literal["churn", "value"]
Model = TypeVar("Model")
_PROMOTED_AFTER_TRAINING: Final = "newest training"


@dataclass(frozen=True)
class Champion(Generic[Model]):
    """A model and its place in the registry."""

    model: Model
    registered: RegisteredModel


@dataclass(frozen=True)
class Champions:
    """What scores tonight.

    Args:
        churn: The churn champion.
        value: The value champion; None in a community without orders.
        trained: Whether tonight trained anew.
    """

    churn: Champion[ChurnModel]
    value: Champion[ValueModel] | None
    trained: bool


def choose_champions(night: Night, history: History, *, train: bool = False) -> Champions:
    """Load tonight's champions, training them first where there is none, it is due, or `train` says so.

    Raises:
        OutsideServiceError: The tracking store failed.
    """
    night.tracking.prepare()
    churn, churn_is_new = _champion(night, history, "churn", train=train)
    assert isinstance(churn.model, ChurnModel)
    if "orders" not in history.available:
        return Champions(churn, None, trained=churn_is_new)
    value, value_is_new = _champion(night, history, "value", train=train)
    return Champions(churn, value, trained=churn_is_new or value_is_new)


def _champion(night: Night, history: History, purpose: Purpose, *, train: bool) -> tuple[Champion[Any], bool]:
    held = night.tracking.champion(purpose, as_of=night.as_of)
    if held is not None and not _is_due(night, held, train=train):
        return Champion(from_files(held.files), held), False
    fingerprint = _fingerprint(night, purpose)
    registered = night.tracking.find(purpose, as_of=night.as_of, fingerprint=fingerprint)
    if registered is None:
        registered = night.tracking.log_training(_train(night, history, purpose, fingerprint))
    night.tracking.promote(registered, as_of=night.as_of, reason=_PROMOTED_AFTER_TRAINING)
    return Champion(from_files(registered.files), registered), True


def _is_due(night: Night, held: RegisteredModel, *, train: bool) -> bool:
    age_days = (night.as_of - held.trained_as_of).days
    return (train and age_days > 0) or age_days >= night.settings.training.every_days


def _train(night: Night, history: History, purpose: Purpose, fingerprint: str) -> TrainingRecord:
    settings = night.settings
    horizon_days = settings.churn.horizon_days if purpose == "churn" else settings.value.horizon_days
    cutoffs = plan_cutoffs(
        first_day=_first_day(history, night.as_of),
        as_of=night.as_of,
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
            seen_until=night.as_of,
            eligible_days=settings.churn.eligible_days,
            keep=pl.col("is_eligible") if purpose == "churn" else None,
        )
    train = train_churn if purpose == "churn" else train_value
    trained: Trained[Any] = train(panel, horizon_days=horizon_days, settings=settings.prediction)
    return _record(night, purpose, trained, panel=panel, cutoffs=cutoffs, fingerprint=fingerprint)


def _record(
    night: Night, purpose: Purpose, trained: Trained[Any], *, panel: pl.DataFrame, cutoffs: tuple[date, ...], fingerprint: str
) -> TrainingRecord:
    title = f"{purpose}, measured as of {', '.join(map(str, trained.evaluation.test)) or 'no past night'}"
    parts = {f"evaluation_{part}": _days(getattr(trained.evaluation, part)) for part in ("train", "calibrate", "test")}
    parts |= {f"final_{part}": _days(getattr(trained.final, part)) for part in ("train", "calibrate")}
    curves = {**trained.curves}
    return TrainingRecord(
        experiment=purpose,
        as_of=night.as_of,
        parameters={**trained.parameters, **parts, "cutoffs": len(cutoffs)},
        metrics={**trained.metrics, "rows": {part: float(rows) for part, rows in trained.rows.items()}},
        files=to_files(trained.model),
        panel=panel,
        features=feature_names(panel),
        summary=_summary(purpose, trained),
        figures=training_figures(curves, trained.importance, title=title),
        tables={"feature_importance.csv": trained.importance, **{f"{name}.csv": points for name, points in curves.items()}},
        tags={**data_versions(night), "fingerprint": fingerprint, "code": code_hash()[:12], "kind": trained.model.kind},
    )


def _summary(purpose: Purpose, trained: Trained[Any]) -> str:
    """What came out, for whoever opens the run."""
    metric, name = ("auc", "AUC") if purpose == "churn" else ("ngini", "nGini")
    measured = {model: values.get(metric) for model, values in trained.metrics.items()}
    figures = ", ".join(f"{model.replace('_', ' ')} {value:.3f}" for model, value in measured.items() if value is not None)
    told = f"{name} on outcomes the measured twin had not seen: {figures}." if figures else trained.evaluation.why
    return f"{told} {trained.model.why}"


def data_versions(night: Night) -> dict[str, str]:
    """Table → version of the lake that a run read, as tags."""
    lake = night.workspace.lake
    return {f"lake.{table}": str(lake.version(table)) for table in (DAILY, TIES, "members", "feedback") if lake.exists(table)}


def _fingerprint(night: Night, purpose: Purpose) -> str:
    """What a training depends on: a crash between registering and promoting finds the same version again."""
    facts: Mapping[str, Any] = {
        "purpose": purpose,
        "as_of": night.as_of.isoformat(),
        "data": data_versions(night),
        "settings": settings_hash(night.settings),
        "code": code_hash(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _first_day(history: History, as_of: date) -> date:
    activity = pl.col("activity").str.starts_with(EVENT_PREFIX) | pl.col("activity").is_in(ORDER_ACTIVITIES)
    first = history.daily.filter(activity & (pl.col(DAY) <= as_of)).select(pl.col(DAY).min()).collect(engine="streaming").item()
    return first if isinstance(first, date) else as_of


def _days(cutoffs: tuple[date, ...]) -> str:
    return ", ".join(cutoff.isoformat() for cutoff in cutoffs) or "none"
