"""The figures of the community as a whole that a night logs, so that they can be followed from night to night."""

from __future__ import annotations

from collections.abc import Iterator

from outputs.report.content_facts import Unanswered
from outputs.report.facts import ReportFacts
from outputs.report.morning_facts import MorningFacts
from outputs.report.network_facts import Carriers


def community_metrics(facts: ReportFacts) -> dict[str, float]:
    """Return the metrics `community.*` of a night; figures that the community has no data for are left out.

    Args:
        facts: What the report of the night tells.
    """
    return {f"community.{name}": float(value) for name, value in _figures(facts) if value is not None}


def morning_metrics(morning: MorningFacts | None) -> dict[str, float]:
    """Return the metrics `goals/<goal>/…` and `health/…` of a night; what is not known is left out.

    Args:
        morning: What the daily figures say; None before any were counted.
    """
    return {} if morning is None else {name: float(value) for name, value in _of_morning(morning) if value is not None}


def _of_morning(morning: MorningFacts) -> Iterator[tuple[str, float | None]]:
    for judged in (one.judged for one in morning.goals):
        for what in ("value", "expected", "chance"):
            yield f"goals/{judged.goal.slug}/{what}", getattr(judged, what)
    if morning.health is not None:
        yield "health/index", morning.health.index
        yield from ((f"health/{factor.what}", factor.score) for factor in morning.health.factors)


def _figures(facts: ReportFacts) -> Iterator[tuple[str, float | None]]:
    if facts.assessments is not None:
        yield from ((one.what, one.now) for one in facts.assessments.figures)
        if facts.assessments.expected is not None:
            yield "expected_spend", facts.assessments.expected.expected
    if facts.carriers is not None:
        yield from _of_carriers(facts.carriers)
    if facts.unanswered is not None:
        yield from _of_answers(facts.unanswered)


def _of_carriers(carriers: Carriers) -> Iterator[tuple[str, float | None]]:
    yield "communities", len(carriers.communities)
    yield "leaders", carriers.leaders
    yield "leaders_reach_share", carriers.reached / carriers.members if carriers.members else None


def _of_answers(unanswered: Unanswered) -> Iterator[tuple[str, float | None]]:
    recent = unanswered.recent
    yield "answered_within_day_share", None if recent is None else recent.day_share
    yield "answer_median_hours", None if recent is None else recent.median_hours
    yield "unanswered_share", unanswered.waiting / unanswered.posts if unanswered.posts else None
