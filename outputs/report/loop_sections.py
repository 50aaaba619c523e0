"""The sections of the morning report about the loop: whom to talk to tomorrow, and whether talking worked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from markupsafe import Markup

from outputs.report.charts import effects_chart
from outputs.report.facts import ContactList, ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.loop_facts import ActionPlan, MeasuredAction, Talked
from outputs.report.sections import Section
from wording.decisions import odd_contacts_line, why_not_listed
from wording.effects import SHARES, effect_row, effect_verdicts, mismatch_warning, unit_of_difference
from wording.group_names import GroupNames
from wording.numbers import DASH, money, number, share
from wording.texts import fill, label, listing, name, sentences

# Near the top once there is an answer, near the end until then.
_ANSWERED, _UNANSWERED, _TALK = 4, 46, 2
# Members from which their number is written without decimals.
_WHOLE_FROM: Final = 10
_CHART_SCHEMA: Final = {
    "label": pl.String(),
    "effect": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "is_trustworthy": pl.Boolean(),
}


@dataclass(frozen=True)
class Verdict:
    """What to think of one action: sentences, and whether a person should act on them."""

    says: str
    tone: str


def talk_section(facts: ReportFacts) -> Section | None:
    """Show whom to talk to tomorrow: a count per action with what the members have in common, and the way to the list."""
    listed = facts.contact_list
    if listed is None:
        return None
    body = render_fragment(
        "section_talk.html.j2",
        listed=listed,
        plan=listed.plan,
        smallest=facts.smallest_group,
        **_plan_texts(listed, facts.currency),
    )
    return Section("talk", fill("talk.title"), body, _TALK)


def talked_section(facts: ReportFacts) -> Section | None:
    """Show whether talking worked; until that can be told, when it can."""
    talked = facts.talked
    if talked is None:
        return None
    odd = [*(odd_contacts_line(one.why, one.contacts) for one in talked.odd_contacts), *talked.rankings]
    if not talked.has_answer:
        body = render_fragment("section_talked_waiting.html.j2", talked=talked, odd=odd)
        return Section("talked", fill("talked.title"), body, _UNANSWERED)
    measured = (talked.total, *talked.actions)
    cells = [effect_row(_name(one), one.figures, currency=facts.currency) for one in measured]
    rows = [(one.is_trustworthy, action, figures) for one, (action, *figures) in zip(measured, cells, strict=True)]
    body = render_fragment(
        "section_talked.html.j2",
        talked=talked,
        odd=odd,
        verdicts=[_verdict(one, facts.currency) for one in measured],
        charts=list(_charts(talked)),
        rows=rows,
        brought=[_brought(one, facts.currency) for one in measured if one.effect is not None],
    )
    return Section("talked", fill("talked.title"), body, _ANSWERED)


def _plan_texts(listed: ContactList, currency: str | None) -> dict[str, object]:
    plan = listed.plan
    if plan is None:
        return {"actions": [], "gain": "", "unit": "", "not_listed": []}
    unit, gain = "money" if plan.is_money else "members", plan.expected_gain
    is_money = plan.is_money
    return {
        "actions": [(_action(one), one.members, _traits(one), _gain(one, currency, is_money=is_money)) for one in plan.actions],
        "gain": fill(f"talk.gain.{unit}", n=gain, currency=currency) if gain else "",
        "unit": unit,
        "not_listed": [fill("talk.not_listed.rule", n=one.members, why=why_not_listed(one.why)) for one in plan.not_listed],
    }


def _action(plan: ActionPlan) -> str:
    return fill("talk.no_action") if plan.action is None else label(plan.action)


def _traits(plan: ActionPlan) -> str:
    phrases = []
    for trait in plan.traits:
        # A behaviour group is called by its name, the others by a slug.
        called = GroupNames().said(trait.name) if trait.of == "segment" else name(trait.name)
        what = fill(f"talk.trait.{trait.of}", name=called)
        is_all = trait.members == plan.members
        phrases.append(
            fill("talk.trait.all" if is_all else "talk.trait.most", what=what, share=share(trait.members, plan.members))
        )
    return listing(phrases) if phrases else fill("talk.traits.none")


def _gain(plan: ActionPlan, currency: str | None, *, is_money: bool) -> str:
    if plan.expected_gain is None:
        return DASH
    return money(plan.expected_gain, currency) if is_money else number(plan.expected_gain, digits=1)


def _name(one: MeasuredAction) -> str:
    return fill("effects.total") if one.action is None else one.action


def _verdict(one: MeasuredAction, currency: str | None) -> Verdict:
    spoken_of = fill("effects.total.verdict") if one.action is None else one.action
    says = sentences(*effect_verdicts(spoken_of, one.figures, currency=currency))
    harms = one.is_trustworthy and one.high is not None and one.high < 0
    is_alarming = harms or mismatch_warning(one.action, one.p_srm) is not None
    return Verdict(says, "alert" if is_alarming else "plain")


def _charts(talked: Talked) -> Iterator[Markup]:
    """Draw one chart per unit, all actions together first."""
    measured = [one for one in (talked.total, *talked.actions) if one.effect is not None and one.low is not None]
    by_unit: dict[str, list[MeasuredAction]] = {}
    for one in measured:
        by_unit.setdefault("share" if one.outcome in SHARES else one.outcome, []).append(one)
    for position, drawn in enumerate(by_unit.values(), start=1):
        outcome = drawn[0].outcome
        points = _points(drawn, scale=100.0 if outcome in SHARES else 1.0)
        yield effects_chart(points, chart_id=f"talked-{position}", title=fill("talked.chart"), unit=unit_of_difference(outcome))


def _points(drawn: Sequence[MeasuredAction], *, scale: float) -> pl.DataFrame:
    bounds = pl.col("effect", "low", "high") * scale
    rows = [(label(_name(one)), one.effect, one.low, one.high, one.is_trustworthy) for one in drawn]
    return pl.DataFrame(rows, schema=_CHART_SCHEMA, orient="row").with_columns(bounds)


def _brought(one: MeasuredAction, currency: str | None) -> tuple[bool, str, list[str]]:
    """Return whether its effect is certain, and what an action brought: contacted, members and value kept, cost, return."""
    kept, value, times = (one.members_kept, one.value_kept, one.return_on_cost) if one.is_trustworthy else (None, None, None)
    is_certain = one.low is not None and one.high is not None and (one.low > 0 or one.high < 0)
    return (
        is_certain,
        label(_name(one)),
        [
            fill("talked.contacted", n=one.contacted, of=one.listed),
            DASH if kept is None else number(kept, digits=0 if abs(kept) >= _WHOLE_FROM else 1),
            DASH if value is None else money(value, currency),
            money(one.cost, currency),
            DASH if times is None else fill("talked.times", n=number(times, digits=1)),
        ],
    )
