"""Champions: choose the models that score a night, and train challengers when there is no champion or one is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import polars as pl

from lake.errors import ConfigurationError
from models.bundle import from_files, is_current_format
from models.churn import ChurnModel
from models.gate import Contest, Decision, decide
from models.measures import Purpose
from models.panel import churn_rows, value_rows
from models.training import OURS, Trained
from models.value import ValueModel
from pipeline.learning.card_files import show_cards
from pipeline.learning.challenger import TrainingInput, fingerprint_of, train_challenger
from pipeline.learning.due import why_due
from runtime.progress import say
from runtime.run_context import RunContext
from runtime.tracking.tracking import RegisteredModel

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
        """Return the name in the lists: `churn/3`, or `churn/3 (recency)` for a simple rule, which serves while data are few.

        `churn/3 (starting)` is the starting model alone, `churn/3 (with starting)` its mean with the community's own trees.
        """
        kind = getattr(self.model, "kind", "lightgbm")
        if kind != "lightgbm":
            return f"{self.registered.label} ({kind.replace('_', ' ')})"
        return self.registered.label + (" (with starting)" if getattr(self.model, "starting_share", 0) else "")


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
    champions = Champions(churn, value)
    show_cards(run, [champion.registered for champion in champions.all])
    return champions


def _champion(run: RunContext, training_input: TrainingInput, purpose: Purpose, *, force: Force | None) -> Champion[Any]:
    """Return the champion of one purpose, after training and deciding on a challenger where that is due."""
    tracking = run.tracking
    champion = tracking.champion(purpose, as_of=run.as_of)
    without_contest = _needs_replacing(champion, force=force)
    incumbent = None if without_contest else champion
    if incumbent is not None and not _is_due(run, purpose, training_input.tonight, force=force):
        # A night that is run again must report the decision on its own challenger, as it did the first time.
        tonights_challenger = tracking.find(purpose, as_of=run.as_of, fingerprint=fingerprint_of(run, purpose))
        decision = None if tonights_challenger is None else tracking.decision(tonights_challenger)
        return Champion(_read(incumbent), incumbent, decision or tracking.decision(incumbent) or "")
    fingerprint = fingerprint_of(run, purpose)
    challenger = tracking.find(purpose, as_of=run.as_of, fingerprint=fingerprint)
    decision = None if challenger is None else tracking.decision(challenger)
    contest: Contest | None = None
    if challenger is None or decision is None:
        # The contest needs the holdout model, which is not stored. After a crash between training and deciding, training again
        # gives the same one: training is deterministic.
        trained, record = train_challenger(run, training_input, purpose, fingerprint)
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
    predictions, champion = trained.predictions, from_files(incumbent.files)
    return Contest(
        predictions["actual"].to_numpy(),
        champion.predict(rows).to_numpy(),
        predictions[OURS].to_numpy(),
        {name: predictions[name].to_numpy() for name in trained.metrics if name != OURS},
        predictions["is_still_here"].to_numpy() if "is_still_here" in predictions.columns else None,
    )


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


def _is_due(run: RunContext, purpose: Purpose, tonight: pl.LazyFrame, *, force: Force | None) -> bool:
    last_training = run.tracking.newest_training(purpose, as_of=run.as_of)
    if force is not None or last_training is None:
        return True
    age_days, champion = (run.as_of - last_training).days, run.tracking.champion("churn", as_of=run.as_of)
    if age_days >= run.settings.training.every_days or champion is None:
        return age_days >= run.settings.training.every_days
    reason = why_due(run, champion, tonight, days_since_training=age_days)
    if reason is not None:
        say(f"a training of {purpose} is due: {reason}")
    return reason is not None
