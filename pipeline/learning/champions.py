"""Champions: choose the models that score a night, and train challengers when there is no champion or one is due."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Generic, Literal, TypeVar

import polars as pl

from features.compute import compute_features
from features.eligibility import is_eligible
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
from models.measures import HEADLINE, HEADLINE_NAME, Purpose
from models.panel import churn_rows, empty_panel, feature_names, outcomes, spend_minor, value_rows
from models.training import Trained, train_churn, train_value
from models.value import ValueModel
from pipeline.history.materialise import materialise_if_small
from runtime.os_errors import cores
from runtime.progress import each_cutoff, say
from runtime.run_context import RunContext, code_hash, settings_hash
from runtime.tracking.figures import training_figures
from runtime.tracking.tracking import RegisteredModel, TrainingRecord

Force = Literal["train", "promote"]
Model = TypeVar("Model")


@dataclass(frozen=True)
class Champion(Generic[Model]):
    """A model that scores, with its entry in the registry.

    Args:
        model: The model.
        registered: Its name, version and files.
        decided: The last decision of the gate: on this model, or on the challenger that was turned down.
    """

    model: Model
    registered: RegisteredModel
    decided: str

    @property
    def label(self) -> str:
        """Return the name in the lists: `churn/3`, or `churn/3 (recency)` for a simple rule, which serves while data are few."""
        kind = getattr(self.model, "kind", "lightgbm")
        return self.registered.label + ("" if kind == "lightgbm" else f" ({kind.replace('_', ' ')})")


@dataclass(frozen=True)
class Champions:
    """The models that score a night.

    Args:
        churn: The churn champion.
        value: The value champion; None in a community without orders.
    """

    churn: Champion[ChurnModel]
    value: Champion[ValueModel] | None

    @property
    def all(self) -> tuple[Champion[Any], ...]:
        """Return the churn champion and, where there is one, the value champion."""
        return (self.churn,) if self.value is None else (self.churn, self.value)


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


def choose_champions(run: RunContext, training_input: TrainingInput, *, force: Force | None = None) -> Champions:
    """Return tonight's champions; train challengers first where there is no champion, one is due, or `force` is given.

    Args:
        run: The run.
        training_input: The training data; its features of tonight also show the gate how many contacts would change.
        force: `train` a challenger now, or `promote` it whatever the gate decides; None does neither.

    Raises:
        OutsideServiceError: The tracking store failed.
    """
    run.tracking.prepare()
    churn = _champion(run, training_input, "churn", force=force)
    assert isinstance(churn.model, ChurnModel)
    value = _champion(run, training_input, "value", force=force) if "orders" in training_input.history.available else None
    return Champions(churn, value)


def _champion(run: RunContext, training_input: TrainingInput, purpose: Purpose, *, force: Force | None) -> Champion[Any]:
    """Return the champion of one purpose, after training and deciding on a challenger where that is due."""
    tracking = run.tracking
    champion = tracking.champion(purpose, as_of=run.as_of)
    without_contest = _needs_replacing(champion, force=force)
    incumbent = None if without_contest else champion
    if incumbent is not None and not _is_due(run, purpose, force=force):
        # A night that is run again must report the decision on its own challenger, as it did the first time.
        tonights_challenger = tracking.find(purpose, as_of=run.as_of, fingerprint=_fingerprint(run, purpose))
        decision = None if tonights_challenger is None else tracking.decision(tonights_challenger)
        return Champion(_read(incumbent), incumbent, decision or tracking.decision(incumbent) or "")
    fingerprint = _fingerprint(run, purpose)
    challenger = tracking.find(purpose, as_of=run.as_of, fingerprint=fingerprint)
    decision = None if challenger is None else tracking.decision(challenger)
    contest: Contest | None = None
    if challenger is None or decision is None:
        # The contest needs the holdout model, which is not stored. After a crash between training and deciding, training again
        # gives the same one: training is deterministic.
        trained, record = _train(run, training_input, purpose, fingerprint)
        challenger = challenger or tracking.log_training(record)
        contest = _contest(purpose, trained, record.panel, incumbent)
    if decision is None or force == "promote":
        decision = _decide(
            run,
            purpose,
            training_input.tonight,
            incumbent=incumbent,
            challenger=challenger,
            contest=contest,
            force=force,
            without_contest=without_contest,
        )
    say(f"{challenger.label} {decision}")
    # Read again: the decision may have promoted the challenger, or left the incumbent.
    champion = tracking.champion(purpose, as_of=run.as_of)
    assert champion is not None
    return Champion(_read(champion), champion, decision)


def _needs_replacing(champion: RegisteredModel | None, *, force: Force | None) -> str:
    """Return why the champion has to be replaced without a contest, as text for the promotion; empty if it need not be.

    A damaged champion stops a night, since somebody has to look at it; with `force` it is replaced.

    Raises:
        ConfigurationError: The champion is damaged, and `force` is None.
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
    """Read a registered model from its files.

    Raises:
        ConfigurationError: It is damaged, or in a format that this version does not know.
    """
    registered.refuse_damage()
    return from_files(registered.files)


def _decide(
    run: RunContext,
    purpose: Purpose,
    tonight: pl.LazyFrame,
    *,
    incumbent: RegisteredModel | None,
    challenger: RegisteredModel,
    contest: Contest | None,
    force: Force | None,
    without_contest: str,
) -> str:
    """Let the gate decide on a challenger, record the decision, and return it as text.

    Args:
        run: The run.
        purpose: `churn` or `value`.
        tonight: The features of tonight: one row per member.
        incumbent: The champion to beat; None promotes without a contest.
        challenger: The new model.
        contest: The predictions of both on a holdout; None where they cannot be compared.
        force: `promote` promotes without a contest.
        without_contest: The reason to record where there is no incumbent.
    """
    if incumbent is None:
        decision = Decision(True, without_contest)
    elif force == "promote":
        decision = Decision(True, "by hand")
    else:
        change = _list_change(
            tonight.collect(), from_files(incumbent.files), from_files(challenger.files), run.settings.lists.contact_capacity
        )
        decision = decide(purpose, contest, list_change=change, policy=run.settings.gate, seed=run.settings.prediction.seed)
    if decision.promote:
        run.tracking.promote(challenger, as_of=run.as_of, reason=decision.reason)
        return f"promoted: {decision.reason}"
    run.tracking.turn_down(challenger, reason=decision.reason)
    return f"turned down: {decision.reason}"


def _contest(purpose: Purpose, trained: Trained[Any], panel: pl.DataFrame, incumbent: RegisteredModel | None) -> Contest | None:
    """Return the predictions of the holdout model and of the champion on the test cut-offs; None if they cannot be compared.

    The challenger itself was trained on the test cut-offs, so that its holdout model is compared. A champion that was trained on
    them, too, would win by memory.
    """
    if incumbent is None or trained.holdout_model is None or min(trained.evaluation.test) < incumbent.trained_as_of:
        return None
    rows = (churn_rows if purpose == "churn" else value_rows)(panel, trained.evaluation.test)
    actual = outcomes(rows) if purpose == "churn" else spend_minor(rows)
    champion = from_files(incumbent.files)
    return Contest(actual, champion.predict(rows).to_numpy(), trained.holdout_model.predict(rows).to_numpy())


def _list_change(features: pl.DataFrame, champion: Any, challenger: Any, capacity: int) -> float:
    """Return the share of the `capacity` highest predictions of tonight that would be of other members."""
    if features.is_empty() or not capacity:
        return 0.0
    contact_lists = [
        features.select("member_id", score=model.predict(features))
        # Ties are broken by id: simple rules give many equal scores, which must not look like a changed list.
        .sort(["score", "member_id"], descending=[True, False])
        .head(capacity)
        for model in (champion, challenger)
    ]
    return contact_lists[1].join(contact_lists[0], on="member_id", how="anti").height / contact_lists[1].height


def _is_due(run: RunContext, purpose: Purpose, *, force: Force | None) -> bool:
    last_training = run.tracking.newest_training(purpose, as_of=run.as_of)
    return force is not None or last_training is None or (run.as_of - last_training).days >= run.settings.training.every_days


def _train(
    run: RunContext, training_input: TrainingInput, purpose: Purpose, fingerprint: str
) -> tuple[Trained[Any], TrainingRecord]:
    """Train a model on past cut-offs; return it with its holdout model, and the record for the registry."""
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
    train = train_churn if purpose == "churn" else train_value
    trained: Trained[Any] = train(
        panel, horizon_days=horizon_days, settings=settings.prediction, tonight=tonight, train_trees=training_input.train_trees
    )
    return trained, _training_record(run, purpose, trained, panel=panel, cutoffs=cutoffs, fingerprint=fingerprint)


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
        files=to_files(trained.model),
        panel=panel,
        features=feature_names(panel),
        summary=_summary(purpose, trained),
        figures=training_figures(curves, trained.importance, title=title),
        tables={"feature_importance.csv": trained.importance, **{f"{name}.csv": points for name, points in curves.items()}},
        # The short code and the kind are for people who compare runs; the fingerprint identifies a training.
        tags={**data_versions(run), "fingerprint": fingerprint, "code": code_hash()[:12], "kind": trained.model.kind},
    )


def _summary(purpose: Purpose, trained: Trained[Any]) -> str:
    """Return a summary of a training in one or two sentences, for the page of the run in MLflow."""
    values_by_model = {model: metrics.get(HEADLINE[purpose]) for model, metrics in trained.metrics.items()}
    figures = ", ".join(f"{model.replace('_', ' ')} {value:.3f}" for model, value in values_by_model.items() if value is not None)
    told = f"{HEADLINE_NAME[purpose]} on outcomes the holdout model had not seen: {figures}."
    result = told if figures else trained.evaluation.why
    return f"{result} {trained.model.why}"


def data_versions(run: RunContext) -> dict[str, str]:
    """Return the versions of the tables that a run read, as tags `lake.<table>` → version."""
    lake = run.workspace.lake
    return {f"lake.{table}": str(lake.version(table)) for table in (DAILY, TIES, "members", "feedback") if lake.exists(table)}


def _fingerprint(run: RunContext, purpose: Purpose) -> str:
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
