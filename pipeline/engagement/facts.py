"""What a night tells of the loop: facts for the report, warnings, and metrics. Nothing of it names a member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final

import polars as pl

from community.recommendations import RULES
from engagement.actions import PLAIN_RANKING
from engagement.contact_history import LISTED
from engagement.decisions import HOLDOUT
from engagement.holdouts import EVERY_ACTION
from outputs.report.facts import ContactList
from outputs.report.loop_facts import ActionPlan, ContactPlan, MeasuredAction, NotListed, OddContacts, Talked, Trait
from pipeline.community.showing import chosen_rule, stored_tests
from pipeline.engagement.contacts import contacts_seen, odd_contacts
from pipeline.engagement.effects import ActionEffect, LoopEffects, measure_effects
from pipeline.engagement.ledger import read_decisions
from pipeline.engagement.ranking import RankingFacts, ranking_facts
from pipeline.night import NightLists
from runtime.run_context import RunContext
from wording.effects import mismatch_warning
from wording.ranking import ranking_line
from wording.showing import rule_sentence
from wording.texts import label

TRAITS: Final = ("tier", "churn_risk", "segment")
_RULES_SHOWN: Final = 3
_LOGGED: Final = ("effect", "low", "high", "n_treated", "n_holdout")


@dataclass(frozen=True)
class LoopMeasures:
    """What a night measured of the loop.

    Args:
        effects: The effects of the actions.
        odd_contacts: Reason → contacts of our own actions that fit no decision.
        rankings: How uplift did for each action when it was last judged.
    """

    effects: LoopEffects
    odd_contacts: Mapping[str, int]
    rankings: tuple[RankingFacts, ...] = ()


def measure_loop(run: RunContext) -> LoopMeasures:
    """Measure effects, and count the contacts that fit no decision."""
    lake = run.workspace.lake
    contacts, decisions = contacts_seen(lake, as_of=run.as_of), read_decisions(lake, before=run.as_of)
    odd = odd_contacts(contacts, decisions, match_days=run.settings.contact_policy.match_days)
    return LoopMeasures(measure_effects(run), odd, ranking_facts(run))


def contact_list_facts(run: RunContext, lists: NightLists) -> ContactList:
    """Return what the report tells of tomorrow's contact list.

    Args:
        run: The run.
        lists: The lists of the night.
    """
    folder = f"../lists/{run.as_of.isoformat()}"
    contacts, members = lists.contacts, lists.members
    chosen = lists.decided.decisions.chosen
    plan = ContactPlan(
        day=run.as_of + timedelta(days=1),
        actions=_action_plans(contacts.join(members.select("member_id", "segment"), on="member_id", how="left")),
        expected_gain=_sum(contacts, "expected_gain"),
        is_money=bool(members["expected_value"].is_not_null().any()),
        held_out=int((members["suppressed_because"] == HOLDOUT).sum()),
        held_out_ranked=chosen.filter(pl.col("arm") != LISTED).height,
        not_listed=_not_listed(members),
    )
    return ContactList(contacts.height, f"{folder}/contact_list.xlsx", folder, plan, _showing(run, contacts))


def _showing(run: RunContext, contacts: pl.DataFrame) -> str | None:
    """Say how the pieces were chosen that the contact list names; None where it names none."""
    if "show" not in contacts.columns:
        return None
    tests = stored_tests(run.workspace.lake, run.as_of)
    rule = chosen_rule(tests)
    chosen = next((test for test in tests if test.is_chosen), None)
    return rule_sentence(
        rule,
        members=0 if chosen is None else chosen.members,
        hit_rate=None if chosen is None else chosen.hit_rate,
        simplest_hit_rate=tests[0].hit_rate if tests else None,
        is_simplest=rule == RULES[0],
    )


def talked_facts(loop: LoopMeasures) -> Talked | None:
    """Return what the report tells of whether talking worked; None in a community without actions."""
    effects = loop.effects
    if not effects.actions:
        return None
    return Talked(
        has_answer=effects.has_answer,
        actions=tuple(_measured(one) for one in effects.actions),
        total=_measured(effects.total),
        waiting=sum(one.waiting for one in effects.actions),
        first_due=effects.next_due,
        odd_contacts=tuple(OddContacts(why, count) for why, count in loop.odd_contacts.items()),
        rankings=tuple(_ranking_lines(loop.rankings)),
    )


def _ranking_lines(rankings: Sequence[RankingFacts]) -> Iterator[str]:
    """Yield a sentence for each action that was judged; a model that could not be judged has no figures."""
    for one in rankings:
        if one.qini is None or one.champion_qini is None or one.low is None or one.high is None:
            continue
        yield ranking_line(
            label(one.action),
            accepted=one.accepted,
            decisions=one.treated + one.held_out,
            qini=one.qini,
            champion_qini=one.champion_qini,
            low=one.low,
            high=one.high,
        )


def loop_warnings(loop: LoopMeasures) -> list[str]:
    """Return a sentence for each action whose arms do not have the sizes they were drawn with."""
    measured = (*loop.effects.actions, loop.effects.total)
    warnings = (mismatch_warning(_name(one), one.effect.p_srm) for one in measured)
    return [warning for warning in warnings if warning is not None]


def loop_metrics(loop: LoopMeasures) -> dict[str, float]:
    """Return the metrics that a night logs of each action that has been measured, and of all together (`all`)."""
    metrics: dict[str, float] = {}
    for one in (*loop.effects.actions, loop.effects.total):
        figures = {name: getattr(one.effect, name) for name in _LOGGED}
        if one.effect.n_treated or one.effect.n_holdout:
            metrics |= {f"effects.{one.action}.{name}": float(n) for name, n in figures.items() if n is not None}
    return metrics


def _action_plans(contacts: pl.DataFrame) -> tuple[ActionPlan, ...]:
    plans = [
        ActionPlan(None if action in (None, PLAIN_RANKING) else str(action), own.height, _sum(own, "expected_gain"), _traits(own))
        for (action,), own in contacts.group_by("action", maintain_order=True)
    ]
    return tuple(sorted(plans, key=lambda plan: (-plan.members, plan.action or "")))


def _traits(members: pl.DataFrame) -> tuple[Trait, ...]:
    """Return the value of each column that at least half of the members have."""
    traits = []
    for column in TRAITS:
        counted = members.filter(pl.col(column).is_not_null()).group_by(column).len()
        for name, count in counted.sort("len", column, descending=[True, False]).head(1).iter_rows():
            traits += [Trait(column, name, count)] if 2 * count >= members.height else []
    return tuple(traits)


def _not_listed(members: pl.DataFrame) -> tuple[NotListed, ...]:
    # Who is held out is told in a sentence of its own.
    stopped = members.filter(pl.col("suppressed_because").is_not_null() & (pl.col("suppressed_because") != HOLDOUT))
    counted = stopped.group_by("suppressed_because").len().sort("len", "suppressed_because", descending=[True, False])
    return tuple(NotListed(why, count) for why, count in counted.head(_RULES_SHOWN).iter_rows())


def _sum(contacts: pl.DataFrame, column: str) -> float | None:
    return float(contacts[column].sum()) if contacts[column].is_not_null().any() else None


def _measured(one: ActionEffect) -> MeasuredAction:
    figures = one.as_json()
    known = {field.name: figures[field.name] for field in fields(MeasuredAction) if field.name in figures}
    return MeasuredAction(action=_name(one), **known)


def _name(one: ActionEffect) -> str | None:
    return None if one.action == EVERY_ACTION else one.action
