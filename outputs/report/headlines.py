"""The morning in a few sentences. Each is two parts: what a person must know, and what puts it in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from outputs.report.facts import ReportFacts
from wording import numbers as words


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
    """Say the morning in words, the most important first; what this community has no data for is not mentioned."""
    return (*_activity(facts), *_newly_at_risk(facts), *_risk(facts), *_spend(facts), *_expected(facts), *_data(facts))


def _activity(facts: ReportFacts) -> Iterator[Headline]:
    activity = facts.activity
    compared = words.change(activity.active_7d, activity.active_previous_7d)
    strong = _starting(words.count(activity.active_7d, "member"))
    new = f"; {words.count(activity.new_7d, 'member')} joined" if activity.new_7d else ""
    yield Headline(strong, f" {_was(activity.active_7d)} active in the last 7 days, {compared}{new}.")


def _newly_at_risk(facts: ReportFacts) -> Iterator[Headline]:
    newly = facts.newly_at_risk
    if newly is None or newly.members is None or newly.valuable == 0:
        return
    whole = f" of your {words.count(newly.valuable, ' and '.join(_tier_names(newly.tiers)) + ' member')}"
    if newly.members == 0:
        yield Headline("None", f"{whole} {'is' if newly.valuable == 1 else 'are'} newly at risk.")
    else:
        yield Headline(words.number(newly.members), f"{whole} {'is' if newly.members == 1 else 'are'} newly at risk.", "alert")


def _risk(facts: ReportFacts) -> Iterator[Headline]:
    risk = facts.risk
    if risk is None or risk.eligible == 0:
        return
    strong = f"{words.number(risk.high)} of {words.count(risk.eligible, 'member')} scored"
    verb = "has" if risk.high == 1 else "have"
    before = "" if risk.high_previous is None else f"; the night before it was {words.number(risk.high_previous)}"
    share = words.share(risk.high, risk.eligible)
    yield Headline(strong, f" ({share}) {verb} a high risk of leaving: no activity for {_window(risk.horizon_days)}{before}.")


def _spend(facts: ReportFacts) -> Iterator[Headline]:
    activity = facts.activity
    if activity.spend_7d is None:
        return
    compared = ""
    if activity.spend_previous_7d is not None:
        compared = ", " + words.change(activity.spend_7d, activity.spend_previous_7d, less="less")
    yield Headline(words.money(activity.spend_7d, facts.currency), f" was spent in the last 7 days, refunds taken off{compared}.")


def _expected(facts: ReportFacts) -> Iterator[Headline]:
    if facts.expected_value is None or facts.value_horizon_days is None:
        return
    expected = words.money(facts.expected_value, facts.currency)
    yield Headline(
        expected, f" is what all members together are expected to spend over the next {_window(facts.value_horizon_days)}."
    )


def _data(facts: ReportFacts) -> Iterator[Headline]:
    if not facts.flows:
        return
    read, quarantined = sum(flow.read for flow in facts.flows), sum(flow.quarantined for flow in facts.flows)
    if read == 0:
        yield Headline("No new data", " arrived; this night rests on what was there.")
    elif quarantined == 0:
        yield Headline(
            _starting(words.count(read, "row")), f" {_was(read)} read; every one is accounted for and none broke a rule."
        )
    else:
        whole = f" of {words.count(read, 'row')} read {_was(quarantined)} set aside for breaking a rule."
        yield Headline(words.number(quarantined), whole)


def _tier_names(tiers: tuple[str, ...]) -> list[str]:
    """Name the tiers as one speaks: the lesser first, as in "gold and diamond"."""
    return [words.label(tier).lower() for tier in reversed(tiers)]


def _starting(text: str) -> str:
    return text[:1].upper() + text[1:]


def _was(n: int) -> str:
    return "was" if n == 1 else "were"


def _window(days: int) -> str:
    return words.count(days, "day")
