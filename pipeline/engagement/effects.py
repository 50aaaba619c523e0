"""Whether talking worked: the effect of each action, and of all together, by the ledger.

A member counts once, by the first decision: members who were listed against members who would have been listed and were held
out, contacted or not (intention to treat). There are two draws, and each answers one question. An action is measured on the
members held out by its own draw. Members held out from every action are left aside there: no other action contacts them either,
before and after, so that they differ from the listed in more than this action. All actions together are measured on the members
whom every action leaves alone, against everybody else who was decided upon, held out from one action or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from engagement.actions import RETURNED, Action
from engagement.contact_history import LISTED
from engagement.effects import Effect, measure_effect
from engagement.holdouts import EVERY_ACTION
from lake.storage.delta import Lake
from pipeline.engagement.actions import configured_actions
from pipeline.engagement.ledger import CONTACT, DECISION, LEDGER, LEDGER_SCHEMA, OUTCOME, WITHDRAWN, read_ledger
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
        looks: The nights on which decisions matured, each of which was a look at the effect.
        next_due: The night on which the horizon of the first waiting decision is over; None without any, or for all together.
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
    looks: int
    next_due: date | None = None

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
            "looks": self.looks,
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
        """Return whether any effect can be told: there is one with an interval."""
        return any(one.effect.low is not None for one in (*self.actions, self.total))

    @property
    def next_due(self) -> date | None:
        """Return the night on which the next outcome is known, or None when no decision waits for one."""
        return min((one.next_due for one in self.actions if one.next_due is not None), default=None)

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
    return effects_of(
        read_ledger(run.workspace.lake, before=until),
        actions=configured_actions(run.settings),
        churn_horizon_days=run.settings.churn.horizon_days,
        as_of=run.as_of,
    )


def effects_over_time(run: RunContext, *, nights: int = 60) -> tuple[LoopEffects, ...]:
    """Measure every effect as of each night on which outcomes became known, the oldest first.

    Args:
        run: The run.
        nights: The newest so many nights.
    """
    known = run.workspace.lake.scan_or_empty(LEDGER, LEDGER_SCHEMA).filter(pl.col("kind") == OUTCOME)
    matured = known.filter(pl.col("recorded_as_of") <= run.as_of).select(pl.col("recorded_as_of").unique().sort())
    measured = (
        (night, measure_effects(run, before=night + timedelta(days=1)))
        for night in matured.collect()["recorded_as_of"].tail(nights)
    )
    return tuple(replace(effects, as_of=night) for night, effects in measured)


def effects_of(ledger: pl.DataFrame, *, actions: Sequence[Action], churn_horizon_days: int, as_of: date) -> LoopEffects:
    """Measure every effect by a ledger: the newest revision of each row, columns of `LEDGER_SCHEMA`."""
    decisions = _decisions(ledger)
    measured = tuple(_of_action(action, decisions, churn_horizon_days) for action in actions)
    return LoopEffects(as_of, measured, _total(decisions, measured))


def decisions_until(lake: Lake, until: date) -> pl.DataFrame:
    """Read the decisions that nights before `until` recorded; one row per night, member and action, as `_decisions`."""
    return _decisions(read_ledger(lake, before=until))


def _decisions(ledger: pl.DataFrame) -> pl.DataFrame:
    """Return the decisions with what came of them: one row per night, member and action, the earliest night first."""
    key = ["as_of", "member_no", "action"]
    decided = ledger.filter((pl.col("kind") == DECISION) & (pl.col("arm") != WITHDRAWN))
    matured = ledger.filter(pl.col("kind") == OUTCOME).select(
        *key, "outcome", "outcome_before", "returned", "spent", "spent_before", matured_on="recorded_as_of"
    )
    known = ledger.filter(pl.col("kind") == CONTACT).select(*key, "contacted_on", is_known=pl.lit(value=True))
    chosen = decided.select(*key, "arm", "score", "holdout_share", "overall_holdout_share", "cluster")
    return chosen.join(matured, on=key, how="left").join(known, on=key, how="left").sort(key)


def _of_action(action: Action, decisions: pl.DataFrame, churn_horizon_days: int) -> ActionEffect:
    own = decisions.filter((pl.col("action") == action.name) & (pl.col("arm") != EVERY_ACTION))
    return _effect(
        own.unique("member_no", keep="first", maintain_order=True),
        name=action.name,
        outcome=action.outcome,
        horizon_days=action.horizon(churn_horizon_days),
        contacts=own,
        cost=action.cost * int(own["contacted_on"].is_not_null().sum()),
    )


def _total(decisions: pl.DataFrame, measured: Sequence[ActionEffect]) -> ActionEffect:
    """Measure all actions together: members decided upon, against those whom every action leaves alone."""
    compared = decisions.with_columns(holdout_share="overall_holdout_share")
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
    is_treated = pl.col("arm") != EVERY_ACTION if name == EVERY_ACTION else pl.col("arm") == LISTED
    matured = first.filter(pl.col("matured_on").is_not_null()).with_columns(is_treated=is_treated)
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
        looks=looks,
        next_due=_next_due(first, horizon_days),
    )


def _next_due(first: pl.DataFrame, horizon_days: int | None) -> date | None:
    nights = first.filter(pl.col("matured_on").is_null())["as_of"]
    return None if horizon_days is None or nights.is_empty() else min(nights) + timedelta(days=horizon_days)


def _measure(matured: pl.DataFrame, outcome: str, before: str | None, looks: int) -> Effect:
    covariate = pl.col(before) if before is not None else pl.lit(None, pl.Float64)
    # The effect is read every night: its bounds must hold for all looks together from the first one on.
    return measure_effect(matured.with_columns(covariate.alias("before")), outcome=outcome, looks=max(2, looks))
