"""Drawings of goals: where a figure will be beside its target, and how the chance has changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from markupsafe import Markup, escape

from outputs.report.charts import ACCENT, GRID, INK, MAIN, MUTED, SOFT
from wording.numbers import percent
from wording.texts import fill

_WIDTH: Final = 340
_MARGIN: Final = 12
_LINE: Final = 40
_LABEL: Final = 'font-size="12" font-family="sans-serif"'
# Room for half a label at either end of the line.
_ROOM: Final = 0.12


def range_chart(marks: Mapping[str, float], said: Mapping[str, str], *, chart_id: str, title: str) -> Markup:
    """Draw one line: a bar where the figure will be nine times of ten, a dot where expected, a ring now, a tick at the target.

    Args:
        marks: low, high, expected, value and target.
        said: The same as text.
        chart_id: Unique within the page.
        title: What it shows, for those who cannot see it.
    """
    least, most = min(marks.values()), max(marks.values())
    room = (most - least or 1.0) * _ROOM

    def x(name: str) -> float:
        return _MARGIN + (marks[name] - least + room) / (most - least + 2 * room) * (_WIDTH - 2 * _MARGIN)

    def text(name: str, y: int, words: str, colour: str) -> str:
        at = x(name)
        anchor = "start" if at < _WIDTH / 4 else "end" if at > 3 * _WIDTH / 4 else "middle"
        return f'<text x="{at:.1f}" y="{y}" text-anchor="{anchor}" fill="{colour}" {_LABEL}>{escape(words)}</text>'

    wide, at = max(2.0, x("high") - x("low")), f"{x('target'):.1f}"
    target = fill("goals.chart.target", target=said["target"])
    parts = [
        f'<line x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{_LINE}" y2="{_LINE}" stroke="{GRID}" stroke-width="2"/>',
        f'<rect x="{x("low"):.1f}" y="{_LINE - 6}" width="{wide:.1f}" height="12" rx="3" fill="{SOFT}"/>',
        f'<line x1="{at}" x2="{at}" y1="{_LINE - 16}" y2="{_LINE + 12}" stroke="{ACCENT}" stroke-width="3"/>',
        f'<circle cx="{x("value"):.1f}" cy="{_LINE}" r="5" fill="none" stroke="{INK}" stroke-width="2"/>',
        f'<circle cx="{x("expected"):.1f}" cy="{_LINE}" r="5" fill="{MAIN}"/>',
        text("target", _LINE - 22, target, ACCENT),
        text("expected", _LINE + 28, said["expected"], MAIN),
    ]
    return _svg(parts, height=_LINE + 36, chart_id=chart_id, title=title)


def chance_chart(chances: Mapping[date, float], *, chart_id: str, title: str) -> Markup:
    """Draw the chance night by night, from 0 at the bottom to 100 % at the top.

    Args:
        chances: Night → chance from 0 to 1, in the order of nights.
        chart_id: Unique within the page.
        title: What it shows, for those who cannot see it.
    """
    top, bottom, left = 10, 70, 46
    first, last = min(chances), max(chances)
    per_day = (_WIDTH - _MARGIN - left) / max(1, (last - first).days)
    points = [(left + (night - first).days * per_day, bottom - chance * (bottom - top)) for night, chance in chances.items()]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [
        *(
            f'<line x1="{left}" x2="{_WIDTH - _MARGIN}" y1="{y}" y2="{y}" stroke="{GRID}" stroke-width="1"/>'
            f'<text x="{left - 6}" y="{y + 4}" text-anchor="end" fill="{MUTED}" {_LABEL}>{words}</text>'
            for y, words in ((top, percent(1)), ((top + bottom) // 2, percent(0.5)), (bottom, percent(0)))
        ),
        f'<polyline points="{drawn}" fill="none" stroke="{MAIN}" stroke-width="2"/>',
        f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="4" fill="{MAIN}"/>',
    ]
    return _svg(parts, height=bottom + 10, chart_id=chart_id, title=title)


def _svg(parts: list[str], *, height: int, chart_id: str, title: str) -> Markup:
    safe_id = escape(chart_id)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {_WIDTH} {height}" style="max-width:{_WIDTH}px" '
        f'role="img" aria-labelledby="{safe_id}-title">'
    )
    return Markup(f'{head}<title id="{safe_id}-title">{escape(title)}</title>{"".join(parts)}</svg>')  # noqa: S704
