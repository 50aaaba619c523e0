"""The section of the morning report that says which goals will be met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from community.goals import Goal, Judged, kind_of
from community.rates import AMOUNTS
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.goal_charts import chance_chart, range_chart
from outputs.report.goal_facts import GoalFacts
from outputs.report.sections import Section
from wording.numbers import MINUS, money, number, percent
from wording.readings import reading_name
from wording.texts import fill

_ORDER: Final = 9
# Below so many, an amount is written with a digit after the point.
_PRECISE_BELOW: Final = 10
_CHANCE_DAYS: Final = 7
# A chance that has changed by less is as it was.
_CHANGED: Final = 0.05
# No forecast is surer than this.
_SUREST: Final = 0.999


def goal_section(facts: ReportFacts) -> Section | None:
    """Show each goal: whether it is on track, the chance, what is expected, and the pace it takes."""
    goals = () if facts.morning is None else facts.morning.goals
    if not goals:
        return None
    rows = [_row(one, place, facts.currency) for place, one in enumerate(goals, start=1)]
    has_range = any(one.judged.low is not None for one in goals)
    return Section("goals", fill("goals.title"), render_fragment("section_goals.html.j2", rows=rows, has_range=has_range), _ORDER)


def chance(judged: Judged) -> float | None:
    """Return the chance of a goal as it is told: never quite certain."""
    return None if judged.chance is None else min(max(judged.chance, 1 - _SUREST), _SUREST)


@dataclass(frozen=True)
class _Row:
    """A goal as the page shows it; its reading where the title is a name."""

    title: str
    reading: str | None
    status: str
    is_bad: bool
    sentences: tuple[str, ...]
    charts: tuple[tuple[Markup, str | None], ...]


def _row(facts: GoalFacts, place: int, currency: str | None) -> _Row:
    judged, goal = facts.judged, facts.judged.goal
    reading = reading_name(goal.figure, goal.dimension, how=goal.how)
    return _Row(
        goal.name or reading,
        reading if goal.name else None,
        fill(f"goals.status.{judged.status}"),
        judged.status in {"off_track", "missed"},
        tuple(_sentences(facts, currency)),
        tuple(_charts(facts, place, currency)),
    )


def _sentences(facts: GoalFacts, currency: str | None) -> Iterator[str]:
    judged, goal = facts.judged, facts.judged.goal
    if judged.value is None:
        yield fill("goals.no_data")
        return
    side = "at_most" if goal.wants_less else "at_least"
    target, value = _value(goal, goal.target, currency), _value(goal, judged.value, currency)
    is_over = judged.status in {"met", "missed"}
    key = f"goals.passed.{side}" if is_over else f"goals.wanted.{side}"
    yield fill(key, target=target, by=goal.by, value=value)
    if is_over:
        return
    likely = chance(judged)
    if likely is None or judged.expected is None or judged.low is None or judged.high is None:
        yield fill("goals.unknown")
    else:
        low, high = _value(goal, judged.low, currency), _value(goal, judged.high, currency)
        yield fill("goals.expected", chance=likely, expected=_value(goal, judged.expected, currency), low=low, high=high)
    yield _pace(judged, currency)
    earlier = [night for night in facts.chances if (max(facts.chances) - night).days >= _CHANCE_DAYS]
    if likely is not None and earlier and abs(facts.chances[earlier[-1]] - likely) >= _CHANGED:
        yield fill("goals.chance.before", night=earlier[-1], chance=facts.chances[earlier[-1]])


def _pace(judged: Judged, currency: str | None) -> str:
    goal = judged.goal
    assert judged.value is not None
    assert judged.pace_needed is not None
    if goal.is_met(judged.value):
        return fill("goals.pace.held")
    needed = _signed(goal, judged.pace_needed, currency)
    if judged.pace is None:
        return fill("goals.pace.alone", needed=needed)
    is_fast_enough = judged.pace <= judged.pace_needed if goal.wants_less else judged.pace >= judged.pace_needed
    # Otherwise the two would contradict each other: the pace would do, and the goal is behind.
    key = "goals.pace.fades" if is_fast_enough and judged.status == "off_track" else "goals.pace"
    return fill(key, needed=needed, pace=_signed(goal, judged.pace, currency))


def _charts(facts: GoalFacts, place: int, currency: str | None) -> Iterator[tuple[Markup, str | None]]:
    """Yield the drawings of a goal, each with what is written below it."""
    judged, goal = facts.judged, facts.judged.goal
    if judged.value is not None and judged.expected is not None and judged.low is not None and judged.high is not None:
        marks = {
            "low": judged.low,
            "high": judged.high,
            "expected": judged.expected,
            "value": judged.value,
            "target": goal.target,
        }
        said: dict[str, Any] = {name: _value(goal, value, currency) for name, value in marks.items()}
        yield range_chart(marks, said, chart_id=f"goal-{place}", title=fill("goals.chart", **said)), None
    nights, chances = list(facts.chances), list(facts.chances.values())
    is_news = bool(nights) and (nights[-1] - nights[0]).days >= _CHANCE_DAYS and max(chances) - min(chances) >= _CHANGED
    if is_news and judged.chance is not None:
        title = fill("goals.chart.chance", first=nights[0])
        yield chance_chart(facts.chances, chart_id=f"goal-{place}-chance", title=title), title


def _value(goal: Goal, value: float, currency: str | None) -> str:
    kind = kind_of(goal.figure)
    if goal.figure in AMOUNTS:
        return money(round(value), currency)
    if kind == "share":
        return percent(value, digits=1)
    return number(value, digits=1 if kind == "score" or 0 < abs(value) < _PRECISE_BELOW else 0)


def _signed(goal: Goal, value: float, currency: str | None) -> str:
    """Write what a week brings: `+12`, `−£300`, `+0.4 points`."""
    if kind_of(goal.figure) == "share":
        points = fill("goals.points", n=number(abs(value) * 100, digits=1))
        return (MINUS if value < 0 else "+") + points
    said = _value(goal, abs(value), currency)
    return (MINUS if value < 0 else "+") + said
