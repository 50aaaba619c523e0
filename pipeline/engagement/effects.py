"""Whether talking worked: the effect of each action, and of all together, by the ledger.

A member counts once for an action, by the first decision: members who were listed against members who would have been listed and
were held out, contacted or not (intention to treat).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from engagement.actions import RETURNED, Action
from engagement.contact_history import LISTED
from engagement.effects import Effect, measure_effect
from engagement.holdouts import EVERY_ACTION
from lake.storage.delta import Lake
from pipeline.engagement.actions import configured_actions
from pipeline.engagement.ledger import CONTACT, DECISION, OUTCOME, WITHDRAWN, read_ledger
from runtime.run_context import RunContext


@dataclass(frozen=True)
class ActionEffect:
    """The effect of one action, or of all together.

    Args:
        action: The name of the action; `EVERY_ACTION` for all together.
        outcome: What it is judged by.
        horizon_days: Days in which the outcome counts; None for all together, whose actions may differ.
        effect: The effect on the outcome.
        on_returned: The effect on whether members returned.
        listed: Members listed whose contact is known, sent or not.
        contacted: Those of them who were contacted.
        waiting: Members decided upon whose horizon is not over.
        cost: What the contacts cost, in currency units.
        members_kept: Members who returned because they were listed; None before it can be measured.
        value_kept: What the listed spent because they were listed, in currency units; None without orders.
        mean_score: Their mean churn probability at the decision; None without any.
    """

    action: str
    outcome: str
    horizon_days: int | None
    effect: Effect
    on_returned: Effect
    listed: int
    contacted: int
    waiting: int
    cost: float
    members_kept: float | None
    value_kept: float | None
    mean_score: float | None

    @property
    def return_on_cost(self) -> float | None:
        """Return the value kept per unit of cost; None where nothing was spent or the value is not known."""
        return None if self.value_kept is None or self.cost <= 0 else self.value_kept / self.cost

    def as_json(self) -> dict[str, Any]:
        """Return the figures as `evenfall effects --json` writes them."""
        effect = self.effect
        figures = {
            "outcome": self.outcome,
            "horizon_days": self.horizon_days,
            "n_treated": effect.n_treated,
            "n_holdout": effect.n_holdout,
            "rate_treated": effect.rate_treated,
            "rate_holdout": effect.rate_holdout,
            "effect": effect.effect,
            "low": effect.low,
            "high": effect.high,
            "p_srm": effect.p_srm,
            "looks": effect.looks,
            "value_kept": self.value_kept,
        }
        further = {
            "fixed_low": effect.fixed_low,
            "fixed_high": effect.fixed_high,
            "is_trustworthy": effect.is_trustworthy,
            "members_kept": self.members_kept,
            "listed": self.listed,
            "contacted": self.contacted,
            "waiting": self.waiting,
            "cost": self.cost,
            "return_on_cost": self.return_on_cost,
        }
        return {**figures, **further}


@dataclass(frozen=True)
class LoopEffects:
    """The effects as of a night.

    Args:
        as_of: The night.
        actions: The effect of each configured action, in the order of the configuration.
        total: The effect of all together.
    """

    as_of: date
    actions: tuple[ActionEffect, ...]
    total: ActionEffect

    @property
    def has_answer(self) -> bool:
        """Return whether any effect can be told."""
        return any(one.effect.effect is not None for one in (*self.actions, self.total))

    def as_json(self) -> dict[str, Any]:
        """Return the figures as `evenfall effects --json` writes them."""
        return {
            "as_of": self.as_of.isoformat(),
            "actions": {one.action: one.as_json() for one in self.actions},
            "total": self.total.as_json(),
        }


def measure_effects(run: RunContext, *, before: date | None = None) -> LoopEffects:
    """Measure every effect by what nights up to this one have recorded.

    Args:
        run: The run.
        before: Only what nights before this one have recorded; by default this night's records count, too.
    """
    until = run.as_of + timedelta(days=1) if before is None else before
    actions, decisions = configured_actions(run.settings), decisions_until(run.workspace.lake, until)
    measured = tuple(_of_action(run, action, decisions) for action in actions)
    return LoopEffects(run.as_of, measured, _total(decisions, measured))


def decisions_until(lake: Lake, until: date) -> pl.DataFrame:
    """Read the decisions with what came of them: one row per night, member and action, the earliest night first."""
    ledger = read_ledger(lake, before=until)
    key = ["as_of", "member_no", "action"]
    decided = ledger.filter((pl.col("kind") == DECISION) & (pl.col("arm") != WITHDRAWN))
    matured = ledger.filter(pl.col("kind") == OUTCOME).select(
        *key, "outcome", "outcome_before", "returned", "spent", "spent_before", matured_on="recorded_as_of"
    )
    known = ledger.filter(pl.col("kind") == CONTACT).select(*key, "contacted_on", is_known=pl.lit(value=True))
    chosen = decided.select(*key, "arm", "score", "holdout_share")
    return chosen.join(matured, on=key, how="left").join(known, on=key, how="left").sort(key)


def _of_action(run: RunContext, action: Action, decisions: pl.DataFrame) -> ActionEffect:
    own = decisions.filter(pl.col("action") == action.name)
    return _effect(
        own.unique("member_no", keep="first", maintain_order=True),
        name=action.name,
        outcome=action.outcome,
        horizon_days=action.horizon(run.settings.churn.horizon_days),
        contacts=own,
        cost=action.cost * int(own["contacted_on"].is_not_null().sum()),
    )


def _total(decisions: pl.DataFrame, measured: Sequence[ActionEffect]) -> ActionEffect:
    """Measure all actions together: members listed for any, against those whom every action leaves alone."""
    compared = decisions.filter(pl.col("arm").is_in([LISTED, EVERY_ACTION]))
    return _effect(
        compared.unique("member_no", keep="first", maintain_order=True),
        name=EVERY_ACTION,
        outcome=RETURNED,
        horizon_days=None,
        contacts=decisions,
        cost=sum(one.cost for one in measured),
    )


def _effect(
    first: pl.DataFrame, *, name: str, outcome: str, horizon_days: int | None, contacts: pl.DataFrame, cost: float
) -> ActionEffect:
    """Measure one action, or all.

    Args:
        first: One row per member: the first decision.
        name: The name of the action.
        outcome: What it is judged by.
        horizon_days: Days in which the outcome counts.
        contacts: Every decision, repeated ones too.
        cost: What the contacts cost.
    """
    matured = first.filter(pl.col("matured_on").is_not_null()).with_columns(is_treated=pl.col("arm") == LISTED)
    looks = max(1, matured["matured_on"].n_unique())
    own = "returned" if name == EVERY_ACTION else "outcome"
    effect = _measure(matured, own, "outcome_before" if own == "outcome" else None, looks)
    on_returned = effect if outcome == RETURNED else _measure(matured, "returned", None, looks)
    spent = _measure(matured.drop_nulls("spent"), "spent", "spent_before", looks)
    listed = contacts.filter(pl.col("arm") == LISTED)
    return ActionEffect(
        action=name,
        outcome=outcome,
        horizon_days=horizon_days,
        effect=effect,
        on_returned=on_returned,
        listed=int(listed["is_known"].fill_null(value=False).sum()),
        contacted=int(listed["contacted_on"].is_not_null().sum()),
        waiting=first.height - matured.height,
        cost=cost,
        members_kept=None if on_returned.effect is None else on_returned.effect * on_returned.n_treated,
        value_kept=None if spent.effect is None else spent.effect * spent.n_treated,
        mean_score=matured.select(pl.col("score").mean()).item(),
    )


def _measure(matured: pl.DataFrame, outcome: str, before: str | None, looks: int) -> Effect:
    covariate = pl.col(before) if before is not None else pl.lit(None, pl.Float64)
    return measure_effect(matured.with_columns(covariate.alias("before")), outcome=outcome, looks=looks)
