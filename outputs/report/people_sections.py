"""The sections of the morning report on the people as a community."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from community.journey import JOINED, Funnel, Stage
from community.proportions import Estimate
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.people_facts import LevelFlow, Newcomers, Rising
from outputs.report.sections import Section
from wording.defaults import default_name
from wording.numbers import DASH, difference, percent, share
from wording.report import missing_name
from wording.texts import fill, listing, name, sentences

_RECOGNITION: Final = 24
_NEWCOMERS: Final = 28
_RISING: Final = 22
_ROLES: Final = 44


def roles_section(facts: ReportFacts) -> Section | None:
    """Count staff and bots apart, and say where the members are listed who look like bots."""
    roles = facts.people.roles
    if roles is None:
        return None
    counted = [(fill("roles.staff"), roles.staff, roles.staff_share), (fill("roles.bots"), roles.bots, roles.bot_share)]
    body = render_fragment(
        "section_roles.html.j2", roles=roles, counted=[row for row in counted if row[1]], smallest=facts.smallest_group
    )
    return Section("roles", fill("roles.title"), body, _ROLES)


def newcomers_section(facts: ReportFacts) -> Section | None:
    """Show how far newcomers come beside the cohort before, who stays, and how many members are silent."""
    newcomers = facts.people.newcomers
    if newcomers is None:
        return None
    body = render_fragment(
        "section_newcomers.html.j2",
        funnel=newcomers.funnel,
        stages=[] if newcomers.funnel is None else [_stage_cells(stage) for stage in newcomers.funnel.stages],
        sentences=list(_newcomer_sentences(newcomers)),
        sources=[(one.name, one.members, _range(one.stayed)) for one in newcomers.by_source],
        smallest=facts.smallest_group,
    )
    return Section("newcomers", fill("newcomers.title"), body, _NEWCOMERS)


def rising_section(facts: ReportFacts) -> Section | None:
    """Show the moves between tiers, and how many are ready to rise."""
    rising = facts.people.rising
    if rising is None:
        return None
    body = render_fragment(
        "section_rising.html.j2", rising=rising, sentences=list(_rising_sentences(rising)), smallest=facts.smallest_group
    )
    return Section("rising", fill("rising.title"), body, _RISING)


def _stage_cells(stage: Stage) -> tuple[str, int, str, str, str]:
    shares = (_percent(stage.share), _percent(stage.earlier_share))
    change = DASH if stage.change is None else _points(stage.change)
    said = fill(f"newcomers.{stage.name}")
    # Everybody joined: the first stage has no share.
    return (said, stage.members, "", "", "") if stage.name == JOINED else (said, stage.members, *shares, change)


def _percent(value: float | None) -> str:
    return DASH if value is None else percent(value)


def _points(change: Estimate) -> str:
    value, low, high = (difference(round(100 * end), 0) for end in (change.value, change.low, change.high))
    return fill("newcomers.change.interval", value=value, low=low, high=high)


def _range(estimate: Estimate) -> str:
    return fill("newcomers.source.range", share=estimate.value, low=estimate.low, high=estimate.high)


def _newcomer_sentences(newcomers: Newcomers) -> Iterator[str]:
    if newcomers.funnel is not None:
        yield from _funnel_sentences(newcomers.funnel)
    invited = newcomers.invited
    if invited is not None:
        low, high = round(100 * invited.change.low), round(100 * invited.change.high)
        yield fill("newcomers.invited", n=invited.members, share=invited.stayed, others=invited.others_stayed, low=low, high=high)
    if newcomers.silent is not None and newcomers.active:
        said = share(newcomers.silent, newcomers.active)
        yield fill("newcomers.silent", silent=newcomers.silent, active=newcomers.active, share=said)


def _funnel_sentences(funnel: Funnel) -> Iterator[str]:
    if funnel.worst is not None:
        before, after = funnel.worst
        yield fill(f"newcomers.worst.{after.name}", lost=before.members - after.members, n=before.members)
    if funnel.stayed_answered is not None and funnel.stayed_unanswered is not None:
        yield fill("newcomers.answer", answered=funnel.stayed_answered, unanswered=funnel.stayed_unanswered)


def _rising_sentences(rising: Rising) -> Iterator[str]:
    # With a single week the table says it already.
    for week in rising.weeks if len(rising.weeks) > 1 else ():
        yield fill("rising.week", night=week.until, rose=week.rose, fell=week.fell)
    for ready in rising.ready:
        said = fill("rising.ready", n=ready.members, tier=name(ready.tier))
        what = None if ready.missing is None else missing_name(ready.missing)
        yield sentences(said, "" if what is None else fill("rising.ready.missing", what=what, lacking=ready.lacking))
    yield from (fill("rising.days", tier=name(tier), days=days) for tier, days in rising.days_in_tier if days)


def recognition_section(facts: ReportFacts) -> Section | None:
    """Say how many there are to thank and for what, and where their names are."""
    recognition = facts.people.recognition
    if recognition is None:
        return None
    levels = [fill("recognition.level", members=members, level=default_name(level)) for level, members in recognition.levels]
    flow = recognition.flow
    body = render_fragment(
        "section_recognition.html.j2",
        levels=listing(levels),
        moves=[] if flow is None else [_move(*move) for move in flow.moves],
        recognition=recognition,
        sentences=[] if flow is None else list(_level_sentences(flow)),
        thanked=[(fill(f"recognition.{kind}"), members) for kind, members in recognition.thanked],
        smallest=facts.smallest_group,
    )
    return Section("recognition", fill("recognition.title"), body, _RECOGNITION)


def _move(before: str | None, after: str, members: int) -> tuple[str, str, int]:
    return fill("recognition.no_level") if before is None else default_name(before), default_name(after), members


def _level_sentences(flow: LevelFlow) -> Iterator[str]:
    if not flow.moves:
        yield fill("recognition.rose.none")
    # With a single week the table says it already.
    for until, members in flow.weeks if len(flow.weeks) > 1 else ():
        yield fill("recognition.week.rose", night=until, n=members)
    yield from (fill("recognition.days", level=default_name(level), days=days) for level, days in flow.days_in_level if days)
