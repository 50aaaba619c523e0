"""The section of the morning report with the health index: its factors, and what moved it."""

from __future__ import annotations

from typing import Final

from community.health import COMPARED_DAYS, Health
from community.readings import reading_of
from features.calendar import FOUR_WEEKS_DAYS
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from wording.numbers import number
from wording.readings import reading_name
from wording.texts import fill

_ORDER: Final = 9
_DIGITS: Final = 1


def health_section(facts: ReportFacts) -> Section | None:
    """Show the health index, the score of each factor as a bar, and by how much each moved the index."""
    health = None if facts.morning is None else facts.morning.health
    if health is None:
        return None
    compared = [days for days in COMPARED_DAYS if days in health.before]
    rows = [
        (
            fill(f"health.factor.{factor.what}"),
            factor.score,
            [_moved(factor.moved[days]) for days in compared],
            [reading_name(figure, how=reading_of(figure)) for figure in factor.figures],
        )
        for factor in health.factors
    ]
    body = render_fragment(
        "section_health.html.j2",
        sentence=say_health(health, "health"),
        rows=rows,
        heads=[fill(f"health.moved.{days}") for days in compared],
        index=health.index,
        changes=[_moved(health.index - health.before[days]) for days in compared],
        days=health.days,
    )
    return Section("health", fill("health.title"), body, _ORDER)


def say_health(health: Health, prefix: str) -> str:
    """Say the index, its change in four weeks and which factor moved it most; `prefix` is the place in the catalogue."""
    index, change = round(health.index), None
    if FOUR_WEEKS_DAYS in health.before:
        # Of the rounded numbers, so that the sentence agrees with itself.
        change = index - round(health.before[FOUR_WEEKS_DAYS])
    if not change:
        return fill(f"{prefix}.alone" if change is None else f"{prefix}.same", index=index)
    mover = max(health.factors, key=lambda factor: factor.moved[FOUR_WEEKS_DAYS] * change)
    factor = fill(f"health.factor.{mover.what}")
    return fill(f"{prefix}.more" if change > 0 else f"{prefix}.less", index=index, points=abs(change), factor=factor.lower())


def _moved(points: float) -> str:
    """Write a move in points of the index: `+3.2`, `−0.4`, `0.0`."""
    rounded = round(points, _DIGITS)
    return ("+" if rounded > 0 else "") + (number(rounded, digits=_DIGITS) if rounded else number(0, digits=_DIGITS))
