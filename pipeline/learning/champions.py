"""Champions: the models that score tonight, trained anew when there is none or it is due."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Generic, Literal, TypeVar

import polars as pl

from features.compute import compute_features
from features.first_day import first_day_of_history
from features.history import History, is_activity
from features.panel import build_panel
from lake.contracts import DAILY, TIES
from lake.errors import ConfigurationError
from lake.storage.delta import DAY
from models.boosting import TrainTrees, train_trees_here
from models.bundle import from_files, is_current_format, to_files
from models.churn import ChurnModel
from models.cutoffs import plan_cutoffs
from models.gate import Contest, Decision, decide
from models.leakage import refuse_later_knowledge
from models.panel import churn_rows, empty_panel, feature_names, outcomes, spend_minor, value_rows
from models.training import Trained, train_churn, train_value
from models.value import ValueModel
from pipeline.history.materialise import materialise_if_small
from runtime.os_errors import cores
from runtime.progress import each_cutoff, say
from runtime.run_context import RunContext, code_hash, settings_hash
from runtime.settings import Settings
from runtime.tracking.figures import training_figures
from runtime.tracking.tracking import RegisteredModel, TrainingRecord

Purpose = Literal["churn", "value"]
Force = Literal["train", "promote"]
Model = TypeVar("Model")


@dataclass(frozen=True)
class Champion(Generic[Model]):
    """A model and its place in the registry.

    Args:
        model: What predicts.
        registered: Its name and version.
        decided: What the gate said last: of this model, or of the challenger it turned down.
    """

    model: Model
    registered: RegisteredModel
    decided: str

    @property
    def label(self) -> str:
        """How the lists call it: `churn/3`, or `churn/3 (recency)` where too little is known for more than a simple rule."""
        kind = getattr(self.model, "kind", "lightgbm")
        return self.registered.label + ("" if kind == "lightgbm" else f" ({kind.replace('_', ' ')})")


@dataclass(frozen=True)
class Champions:
    """What scores tonight.

    Args:
        churn: The churn champion.
        value: The value champion; None in a community without orders.
    """

    churn: Champion[ChurnModel]
    value: Champion[ValueModel] | None

    @property
    def all(self) -> tuple[Champion[Any], ...]:
        """Both, as far as there are two."""
        return (self.churn,) if self.value is None else (self.churn, self.value)


@dataclass(frozen=True)
class TrainingInput:
    """What models learn from, and who grows their trees.

    Args:
        history: The history of those members.
        tonight: Their features as of tonight, sorted by member_id.
        train_trees: Who grows the trees.
    """

    history: History
    tonight: pl.LazyFrame
    train_trees: TrainTrees = train_trees_here


def choose_champions(night: RunContext, training_input: TrainingInput, *, force: Force | None = None) -> Champions:
    """Load tonight's champions, having trained challengers where there is no champion, they are due, or `force` says so.

    Args:
        night: The run.
        training_input: What to learn from; on its features of tonight the gate counts how much of the contact list would change.
        force: `train` a challenger now, or `promote` it whatever the gate says.

    Raises:
        OutsideServiceError: The tracking store failed.
    """
    night.tracking.prepare()
    churn = _champion(night, training_input, "churn", force=force)
    assert isinstance(churn.model, ChurnModel)
    value = _champion(night, training_input, "value", force=force) if "orders" in training_input.history.available else None
    return Champions(churn, value)


def _champion(night: RunContext, training_input: TrainingInput, purpose: Purpose, *, force: Force | None) -> Champion[Any]:
    tracking = night.tracking
    champion = tracking.champion(purpose, as_of=night.as_of)
    first = _needs_replacing(champion, force=force)
    held = None if first else champion
    if held is not None and not _is_due(night, purpose, force=force):
        # A night that is run again tells of its own challenger what it told the first time.
        tonights = tracking.find(purpose, as_of=night.as_of, fingerprint=_fingerprint(night, purpose))
        decided = None if tonights is None else tracking.decision(tonights)
        return Champion(_read(held), held, decided or tracking.decision(held) or "")
    fingerprint = _fingerprint(night, purpose)
    challenger = tracking.find(purpose, as_of=night.as_of, fingerprint=fingerprint)
    decided = None if challenger is None else tracking.decision(challenger)
    contest: Contest | None = None
    if challenger is None or decided is None:
        # A crash between training and deciding is healed by training again: the same data give the same twin.
        trained, record = _train(night, training_input, purpose, fingerprint)
        challenger = challenger or tracking.log_training(record)
        contest = _contest(purpose, trained, record.panel, held)
    if decided is None or force == "promote":
        decided = _decide(
            night, purpose, training_input.tonight, held=held, challenger=challenger, contest=contest, force=force, first=first
        )
    say(f"{challenger.label} {decided}")
    chosen = tracking.champion(purpose, as_of=night.as_of)
    assert chosen is not None
    return Champion(_read(chosen), chosen, decided)


def _needs_replacing(champion: RegisteredModel | None, *, force: Force | None) -> str:
    """Why a new model takes the place of the champion without a contest, as its promotion will say; empty where it need not.

    A damaged champion stops a night, for somebody should know; whoever asks for a training gets one.

    Raises:
        ConfigurationError: The champion is damaged, and nobody asked for a training.
    """
    if champion is None:
        return "the first model"
    if champion.damage is None and not is_current_format(champion.files):
        say(f"{champion.label} was written in the format of another version of Evenfall; a new model takes its place …")
        return f"{champion.label} was written in the format of another version"
    try:
        _read(champion)
    except ConfigurationError as error:
        if force is None:
            raise
        say(f"{error.what}; a new model takes its place …")
        return f"{champion.label} was damaged"
    return ""


def _read(registered: RegisteredModel) -> Any:
    """Read a registered model.

    Raises:
        ConfigurationError: It is damaged, or in a format this version does not know.
    """
    registered.refuse_damage()
    return from_files(registered.files)


def _decide(
    night: RunContext,
    purpose: Purpose,
    tonight: pl.LazyFrame,
    *,
    held: RegisteredModel | None,
    challenger: RegisteredModel,
    contest: Contest | None,
    force: Force | None,
    first: str,
) -> str:
    """Let the gate decide, and write down what it said; without a champion to beat, `first` says why there is none."""
    if held is None:
        decision = Decision(True, first)
    elif force == "promote":
        decision = Decision(True, "by hand")
    else:
        change = _list_change(
            tonight.collect(), from_files(held.files), from_files(challenger.files), night.settings.lists.contact_capacity
        )
        decision = decide(purpose, contest, list_change=change, policy=night.settings.gate, seed=night.settings.prediction.seed)
    if decision.promote:
        night.tracking.promote(challenger, as_of=night.as_of, reason=decision.reason)
        return f"promoted: {decision.reason}"
    night.tracking.turn_down(challenger, reason=decision.reason)
    return f"turned down: {decision.reason}"


def _contest(purpose: Purpose, trained: Trained[Any], panel: pl.DataFrame, held: RegisteredModel | None) -> Contest | None:
    """The measured twin against the champion, where the champion had not learnt from those outcomes either."""
    if held is None or trained.holdout_model is None or min(trained.evaluation.test) < held.trained_as_of:
        return None
    rows = (churn_rows if purpose == "churn" else value_rows)(panel, trained.evaluation.test)
    actual = outcomes(rows) if purpose == "churn" else spend_minor(rows)
    champion = from_files(held.files)
    return Contest(actual, champion.predict(rows).to_numpy(), trained.holdout_model.predict(rows).to_numpy())


def _list_change(features: pl.DataFrame, champion: Any, challenger: Any, capacity: int) -> float:
    """The share of tonight's highest predictions that would be other members'."""
    if features.is_empty() or not capacity:
        return 0.0
    tops = [
        features.select("member_id", score=model.predict(features))
        .sort(["score", "member_id"], descending=[True, False])
        .head(capacity)
        for model in (champion, challenger)
    ]
    return tops[1].join(tops[0], on="member_id", how="anti").height / tops[1].height


def _is_due(night: RunContext, purpose: Purpose, *, force: Force | None) -> bool:
    newest = night.tracking.newest_training(purpose, as_of=night.as_of)
    return force is not None or newest is None or (night.as_of - newest).days >= night.settings.training.every_days


def _train(
    night: RunContext, training_input: TrainingInput, purpose: Purpose, fingerprint: str
) -> tuple[Trained[Any], TrainingRecord]:
    settings = night.settings
    history = materialise_if_small(
        training_input.history, night.workspace.lake, max_rows=settings.scale.budget.rollup_rows_in_memory
    )
    horizon_days = settings.churn.horizon_days if purpose == "churn" else settings.value.horizon_days
    cutoffs = plan_cutoffs(
        first_day=first_day(history, night.as_of),
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
            keep=kept_rows(purpose, history),
            threads=cores(),
            following=each_cutoff,
        )
        refuse_later_knowledge(panel.filter(pl.col("as_of") == cutoffs[-1]), _without_future(history, cutoffs[-1]))
    tonight = training_input.tonight.with_columns(is_eligible=is_eligible(settings)).collect()
    train = train_churn if purpose == "churn" else train_value
    trained: Trained[Any] = train(
        panel, horizon_days=horizon_days, settings=settings.prediction, tonight=tonight, train_trees=training_input.train_trees
    )
    return trained, _record(night, purpose, trained, panel=panel, cutoffs=cutoffs, fingerprint=fingerprint)


def _without_future(history: History, as_of: date) -> pl.DataFrame:
    """The features as of a past night, from a history that ends there; it is ended here, not where features do it."""
    days = pl.col("event_date") <= as_of
    seen = pl.col("seen_from").is_null() | (pl.col("seen_from") <= as_of)
    ended = replace(
        history,
        members=history.members.filter(seen),
        daily=history.daily.filter(days),
        ties=history.ties.filter(days),
        everybody=None if history.everybody is None else history.everybody.filter(seen),
    )
    return compute_features(ended, as_of=as_of, threads=cores())


def _record(
    night: RunContext,
    purpose: Purpose,
    trained: Trained[Any],
    *,
    panel: pl.DataFrame,
    cutoffs: tuple[date, ...],
    fingerprint: str,
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


def data_versions(night: RunContext) -> dict[str, str]:
    """Table → version of the lake that a run read, as tags."""
    lake = night.workspace.lake
    return {f"lake.{table}": str(lake.version(table)) for table in (DAILY, TIES, "members", "feedback") if lake.exists(table)}


def _fingerprint(night: RunContext, purpose: Purpose) -> str:
    """What a training depends on: a crash between registering and promoting finds the same version again."""
    facts: Mapping[str, Any] = {
        "purpose": purpose,
        "as_of": night.as_of.isoformat(),
        "data": data_versions(night),
        "settings": settings_hash(night.settings),
        "code": code_hash(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def kept_rows(purpose: Purpose, history: History) -> pl.Expr | None:
    """Which rows of the panel to carry; where people only buy, how they do is learnt from those who left long ago too."""
    return pl.col("is_eligible") if purpose == "churn" and "events" in history.available else None


def is_eligible(settings: Settings) -> pl.Expr:
    """Whether a member is scored for churn: active lately enough."""
    return (pl.col("days_since_last_activity") < settings.churn.eligible_days).fill_null(value=False)


def first_day(history: History, as_of: date) -> date:
    """The first day of activity, by which cut-offs are planned; days far from the rest are no history."""
    seen = history.daily.filter(is_activity() & (pl.col(DAY) <= as_of))
    rows_by_day = seen.group_by(DAY).agg(pl.col("n").cast(pl.Int64).sum()).collect(engine="streaming")
    return first_day_of_history(dict(rows_by_day.iter_rows())) or as_of


def _days(cutoffs: tuple[date, ...]) -> str:
    return ", ".join(cutoff.isoformat() for cutoff in cutoffs) or "none"
