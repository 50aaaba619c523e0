"""Small groups in the report: none with fewer members than `[community] smallest_group` is shown, nor can it be computed.

Groups that are too small become one row, the others; while that row is too small itself, the next smallest group joins it, so
that sums stay right and no difference of a sum and its rows is a small group. Lists, which name members anyway, stay whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from outputs.report.content_facts import WhatWorks
from outputs.report.facts import ContactList, Group, NewlyAtRisk, ReportFacts
from outputs.report.loop_facts import ActionPlan
from outputs.report.network_facts import Carriers
from outputs.report.people_facts import Newcomers, PeopleFacts, Recognition, Rising
from wording.texts import fill

Row = TypeVar("Row")
Number = TypeVar("Number", int, float)


def without_small_groups(facts: ReportFacts) -> ReportFacts:
    """Return the facts of a report without groups that have fewer members than `facts.smallest_group`.

    Args:
        facts: What to tell.
    """
    fewest = facts.smallest_group
    if fewest <= 1:
        return facts
    return replace(
        facts,
        tiers=merged(facts.tiers, fewest),
        lifecycle=merged(facts.lifecycle, fewest),
        segments=merged(facts.segments, fewest),
        newly_at_risk=None if facts.newly_at_risk is None else _newly_at_risk(facts.newly_at_risk, fewest),
        contact_list=None if facts.contact_list is None else _contact_list(facts.contact_list, fewest),
        carriers=None if facts.carriers is None else _carriers(facts.carriers, fewest),
        what_works=None if facts.what_works is None else _works(facts.what_works, fewest),
        people=_people(facts.people, fewest),
        matured=None
        if facts.matured is None
        else replace(
            facts.matured,
            by_band=tuple(row for row in facts.matured.by_band if row.n >= fewest),
            chosen=tuple(row for row in facts.matured.chosen if row.n >= fewest),
        ),
    )


def merged(groups: Sequence[Group], fewest: int) -> tuple[Group, ...]:
    """Put small groups together as the others, who come last; groups without members stay, as there is nobody in them.

    Args:
        groups: The groups; members are in one of them at most.
        fewest: The fewest members that a group may have to be shown; the night before counts as well.
    """
    small = hidden(groups, lambda group: group.members, fewest, also=lambda group: group.previous_members or 0)
    if not small:
        return tuple(groups)
    return (*(group for group in groups if group not in small), _together(small))


def hidden(
    rows: Sequence[Row], size: Callable[[Row], int], fewest: int, *, also: Callable[[Row], int] = lambda _: 0
) -> list[Row]:
    """Return the rows that may not be shown: the small ones, and as many of the next as hide their sum.

    Args:
        rows: The rows.
        size: How many members a row has.
        fewest: The fewest that may be shown.
        also: Another number of members that must not be small.
    """
    small = [row for row in rows if 0 < size(row) < fewest or 0 < also(row) < fewest]
    others = sorted((row for row in rows if row not in small and size(row)), key=size)
    while small and others and 0 < sum(map(size, small)) < fewest:
        small.append(others.pop(0))
    return small


def _together(groups: Sequence[Group]) -> Group:
    return Group(
        fill("report.others"),
        sum(group.members for group in groups),
        _sum([group.previous_members for group in groups]),
        _sum([group.high_risk for group in groups]),
        _sum([group.expected_value for group in groups]),
    )


def _sum(values: Sequence[Number | None]) -> Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], start=known[0]) if known else None


def _newly_at_risk(newly: NewlyAtRisk, fewest: int) -> NewlyAtRisk:
    by_tier, by_segment, reasons = (
        groups if sum(group.members for group in groups) >= fewest else ()
        for groups in (merged(of, fewest) for of in (newly.by_tier, newly.by_segment, newly.reasons))
    )
    return replace(newly, by_tier=by_tier, by_segment=by_segment, reasons=reasons)


def _contact_list(listed: ContactList, fewest: int) -> ContactList:
    if listed.plan is None:
        return listed
    actions = listed.plan.actions
    small = hidden(actions, lambda action: action.members, fewest)
    shown = [
        replace(action, traits=tuple(trait for trait in action.traits if trait.members >= fewest))
        for action in actions
        if action not in small
    ]
    members = sum(action.members for action in small)
    others = [ActionPlan(fill("report.others"), members, _sum([action.expected_gain for action in small]))] if small else []
    return replace(listed, plan=replace(listed.plan, actions=(*shown, *others)))


def _carriers(carriers: Carriers, fewest: int) -> Carriers:
    small = {one.name for one in carriers.communities if one.members < fewest or 0 < (one.previous_members or 0) < fewest}
    return replace(
        carriers,
        communities=tuple(one for one in carriers.communities if one.name not in small),
        changes=tuple(one for one in carriers.changes if not small & {*one.before, *one.after}),
        rings=tuple(size for size in carriers.rings if size >= fewest),
    )


def _works(works: WhatWorks, fewest: int) -> WhatWorks:
    """Leave out what fewer people wrote; their responses would tell of single authors."""
    groups, topics = (tuple(one for one in rows if one.authors >= fewest) for rows in (works.groups, works.topics))
    return replace(works, groups=groups, topics=topics)


def _people(people: PeopleFacts, fewest: int) -> PeopleFacts:
    return replace(
        people,
        newcomers=None if people.newcomers is None else _newcomers(people.newcomers, fewest),
        rising=None if people.rising is None else _rising(people.rising, fewest),
        recognition=None if people.recognition is None else _recognition(people.recognition, fewest),
    )


def _newcomers(newcomers: Newcomers, fewest: int) -> Newcomers:
    funnel, invited = newcomers.funnel, newcomers.invited
    return replace(
        newcomers,
        funnel=None if funnel is None or funnel.stages[0].members < fewest else funnel,
        by_source=tuple(one for one in newcomers.by_source if one.members >= fewest),
        invited=None if invited is None or invited.members < fewest else invited,
    )


def _rising(rising: Rising, fewest: int) -> Rising:
    return replace(
        rising,
        moves=tuple(move for move in rising.moves if move.members >= fewest),
        few_moves=any(move.members < fewest for move in rising.moves),
        ready=tuple(
            replace(ready, missing=ready.missing if ready.lacking >= fewest else None)
            for ready in rising.ready
            if ready.members >= fewest
        ),
    )


def _recognition(recognition: Recognition, fewest: int) -> Recognition:
    flow = recognition.flow
    small = hidden(recognition.levels, lambda level: level[1], fewest)
    others = [(fill("report.others"), sum(members for _, members in small))] if small else []
    return replace(
        recognition,
        levels=(*(level for level in recognition.levels if level not in small), *others),
        flow=None if flow is None else replace(flow, moves=tuple(move for move in flow.moves if move[2] >= fewest)),
    )
