"""The morning in a few sentences. Each is two parts: what a person must know, and what puts it in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from community.figure_changes import FigureChange
from community.key_figures import KEY_FIGURES
from outputs.report.change_sentences import change_sentences, direction
from outputs.report.facts import ReportFacts
from outputs.report.figures_section import news
from outputs.report.goal_section import chance
from outputs.report.health_section import say_health
from wording.numbers import share
from wording.readings import reading_name
from wording.report import change
from wording.texts import fill, label, listing, name

_CHANGES_TOLD: Final = 2
_ACTIONS_TOLD: Final = 3
# Figures that move with those active within 7 days, which the first headline tells.
_TOLD_ALREADY: Final = frozenset({"dau", "wau", "mau"})


@dataclass(frozen=True)
class Headline:
    """One sentence: the strong part first, then the rest.

    Args:
        strong: Begins the sentence and is set bold.
        rest: Ends it; begins with its own blank or punctuation.
        tone: `plain`, or `alert` where a person should act.
    """

    strong: str
    rest: str
    tone: str = "plain"

    def __str__(self) -> str:
        return self.strong + self.rest


def headlines(facts: ReportFacts) -> tuple[Headline, ...]:
    """Return the headlines, the most important first; what the community has no data for is not mentioned."""
    return (
        *_active(facts),
        *_talk(facts),
        *_changes(facts),
        *_newly_at_risk(facts),
        *_unanswered(facts),
        *_risk(facts),
        *_spend(facts),
        *_expected(facts),
        *_goals(facts),
        *_health(facts),
        *_data(facts),
    )


def _active(facts: ReportFacts) -> Iterator[Headline]:
    """Say how many were active; beside the week before only as surely as it can be said."""
    week = None if facts.morning is None else facts.morning.week
    wau = None if week is None else next((one for one in week.changes if one.figure == "wau"), None)
    if week is None or wau is None:
        yield from _activity(facts)
        return
    joined = next((one.now for one in week.changes if one.figure == "new_members"), 0.0)
    said = fill("headline.active.joined", n=round(joined)) if joined and week.period == "week" else ""
    now, before = round(wau.now), round(wau.before or 0)
    last = fill(f"changes.last.{week.period}")
    yield _headline(f"headline.wau.{_how(wau)}", n=now, before=before, by=abs(now - before), last=last, joined=said)


def _talk(facts: ReportFacts) -> Iterator[Headline]:
    """Say how many there are to talk to, and what to do for most of them."""
    listed = facts.contact_list
    if listed is None or listed.plan is None or not listed.members:
        return
    # What is left when small groups are put together says nothing to do.
    named = [(one.action, one.members) for one in listed.plan.actions if one.action not in {None, fill("report.others")}]
    most = [(action, members) for action, members in named if action is not None and members >= facts.smallest_group]
    actions = [fill("headline.talk.action", action=name(action), members=members) for action, members in most[:_ACTIONS_TOLD]]
    for_most = fill("headline.talk.most", actions=listing(actions)) if actions else ""
    yield _headline("headline.talk", n=listed.members, day=listed.plan.day, most=for_most)


# The surprise of a change → how the first headline tells it.
_TOLD: Final = {
    "unusual": "{way}",
    "usual": "usual_{way}",
    "unproven": "unproven_{way}",
    "ended": "{way}",
    "began": "unproven_{way}",
}


def _how(wau: FigureChange) -> str:
    if wau.surprise in {"steady", "nothing"}:
        return "steady"
    return _TOLD.get(wau.surprise, "unknown").format(way=direction(wau))


def _changes(facts: ReportFacts) -> Iterator[Headline]:
    """Tell the most remarkable changes of other figures, at most two; the section on changes has them all."""
    week = None if facts.morning is None else facts.morning.week
    others = [] if week is None else [one for one in news(week) if _is_headline(one)]
    for one in others[:_CHANGES_TOLD]:
        assert week is not None
        strong, _, rest = change_sentences(one, week, facts.currency)[0].partition("*")
        yield Headline(strong, rest, "alert" if one.is_bad else "plain")


def _is_headline(change: FigureChange) -> bool:
    """Return whether a change is news by itself: how many messages we sent ourselves is none."""
    return change.figure not in _TOLD_ALREADY and KEY_FIGURES[change.figure].good != 0


def _activity(facts: ReportFacts) -> Iterator[Headline]:
    activity = facts.activity
    compared = change(activity.active_7d, activity.active_previous_7d, of="members")
    joined = fill("headline.active.joined", n=activity.new_7d) if activity.new_7d else ""
    yield _headline("headline.active", n=activity.active_7d, compared=compared, joined=joined)


def _newly_at_risk(facts: ReportFacts) -> Iterator[Headline]:
    newly = facts.newly_at_risk
    if newly is None or newly.members is None or newly.valuable == 0:
        return
    # The lesser tier first, as one speaks: "gold and diamond".
    tiers = listing([label(tier).lower() for tier in reversed(newly.tiers)])
    if newly.members == 0:
        yield _headline("headline.newly_at_risk.none", valuable=newly.valuable, tiers=tiers)
    else:
        yield _headline("headline.newly_at_risk", tone="alert", n=newly.members, valuable=newly.valuable, tiers=tiers)


def _unanswered(facts: ReportFacts) -> Iterator[Headline]:
    unanswered = facts.unanswered
    if unanswered is None or not unanswered.waiting:
        return
    n = unanswered.by_newcomers
    newcomers = fill("headline.unanswered.newcomers", n=n) if n else ""
    yield _headline("headline.unanswered", tone="alert" if n else "plain", n=unanswered.waiting, newcomers=newcomers)


def _risk(facts: ReportFacts) -> Iterator[Headline]:
    risk = facts.risk
    if risk is None:
        return
    here, gone, days = risk.still_here, risk.gone, risk.horizon_days
    if here.members:
        before = "" if here.high_previous is None else fill("headline.risk.before", n=here.high_previous)
        of_all = share(here.high, here.members)
        leaving = round(here.leaving)
        yield _headline("headline.risk", high=here.high, n=here.members, share=of_all, days=days, leaving=leaving, before=before)
    if gone.members:
        yield _headline("headline.gone", n=gone.members, days=days, eligible=risk.eligible_days, back=round(gone.staying))
    for key, outlook in (("headline.nearly_all", here), ("headline.nearly_all.scored", risk.everybody)):
        if outlook.nearly_all_leave:
            of_all = share(round(outlook.leaving), outlook.members)
            yield _headline(key, leaving=round(outlook.leaving), n=outlook.members, share=of_all, days=days, high=outlook.high)
            return


def _spend(facts: ReportFacts) -> Iterator[Headline]:
    activity = facts.activity
    week = None if facts.morning is None else facts.morning.week
    # The figures count the spend of those, too, who may not be profiled: of two sums on one page theirs is the one.
    if activity.spend_7d is None or (week is not None and any(one.figure == "spend" for one in week.changes)):
        return
    compared = ""
    if activity.spend_previous_7d is not None:
        weeks = change(activity.spend_7d, activity.spend_previous_7d, of="spend")
        compared = fill("headline.spend.compared", change=weeks)
    yield _headline("headline.spend", n=activity.spend_7d, currency=facts.currency, compared=compared)


def _expected(facts: ReportFacts) -> Iterator[Headline]:
    if facts.expected_value is None or facts.value_horizon_days is None:
        return
    yield _headline("headline.expected", n=facts.expected_value, currency=facts.currency, days=facts.value_horizon_days)


def _goals(facts: ReportFacts) -> Iterator[Headline]:
    judged = [one.judged for one in (() if facts.morning is None else facts.morning.goals)]
    open_ = [one for one in judged if one.status in {"on_track", "off_track"}]
    if not open_:
        return
    on_track = sum(one.status == "on_track" for one in open_)
    if on_track == len(open_):
        yield _headline("headline.goals", on_track=on_track, n=len(open_))
        return
    least = min(open_, key=lambda one: chance(one) or 0)
    reading = reading_name(least.goal.figure, least.goal.dimension, how=least.goal.how)
    goal, by = least.goal.name or reading, least.goal.by
    yield _headline("headline.goals.worst", tone="alert", on_track=on_track, n=len(open_), goal=goal, by=by, chance=chance(least))


def _health(facts: ReportFacts) -> Iterator[Headline]:
    if facts.morning is None or facts.morning.health is None:
        return
    strong, _, rest = say_health(facts.morning.health, "headline.health").partition("*")
    yield Headline(strong, rest)


def _data(facts: ReportFacts) -> Iterator[Headline]:
    if not facts.flows:
        return
    read, quarantined = sum(flow.read for flow in facts.flows), sum(flow.quarantined for flow in facts.flows)
    if read == 0:
        yield _headline("headline.no_data")
    elif quarantined == 0:
        yield _headline("headline.data", n=read)
    else:
        yield _headline("headline.broken", broken=quarantined, n=read)


def _headline(key: str, *, tone: str = "plain", **values: Any) -> Headline:
    """Fill a template; what stands before its asterisk is the strong part."""
    strong, _, rest = fill(key, **values).partition("*")
    return Headline(strong[:1].upper() + strong[1:], rest, tone)
