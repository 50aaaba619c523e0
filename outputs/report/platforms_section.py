"""The section of the report on what platforms count themselves, which no member list explains."""

from __future__ import annotations

from datetime import date
from typing import Final

from markupsafe import Markup

from community.platform_figures import PlatformFigure
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from outputs.report.sparkline import sparkline
from wording.numbers import MINUS, number, percent
from wording.texts import fill, label

_ORDER: Final = 11
# Below so much a mean is written with a digit after the point.
_PRECISE_BELOW: Final = 10


def platforms_section(facts: ReportFacts) -> Section | None:
    """Show what each platform counted in its newest week, beside the week before."""
    given = () if facts.morning is None else facts.morning.platforms
    if not given:
        return None
    rows = [_row(one) for one in given]
    return Section("platforms", fill("platforms.title"), render_fragment("section_platforms.html.j2", rows=rows), _ORDER)


def _row(one: PlatformFigure) -> tuple[str, str, date, str, str, str, str, Markup]:
    """Return the cells of a figure, and its small line."""
    now, before = _value(one.now), _mean(one.before)
    return one.platform, label(one.figure), one.day, _value(one.newest), now, before, _change(one), sparkline(one.past)


def _value(value: float) -> str:
    return number(value, digits=1 if 0 < abs(value) < _PRECISE_BELOW and value != round(value) else 0)


def _mean(value: float | None) -> str:
    return fill("platforms.none") if value is None else _value(value)


def _change(one: PlatformFigure) -> str:
    if one.before is None:
        return fill("platforms.none")
    moved = one.now - one.before
    sign = MINUS if moved < 0 else "+" if moved > 0 else ""
    said = sign + _value(abs(moved))
    # A share of a negative or of nothing says nothing.
    if one.before <= 0 or not moved:
        return said
    return fill("platforms.change", moved=said, share=sign + percent(abs(moved) / one.before, digits=1))
