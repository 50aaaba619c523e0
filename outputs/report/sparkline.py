"""A small line without axes that shows how a figure moved; the values that matter stand in the table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from outputs.report.charts import MAIN

_WIDTH: Final = 96
_HEIGHT: Final = 22
_MARGIN: Final = 3
_LEAST_POINTS: Final = 3


def sparkline(values: Sequence[float | None]) -> Markup:
    """Draw values from left to right as SVG, with a dot on the last; "" with fewer than three.

    Hidden from screen readers, which find the values in the table.

    Args:
        values: The oldest first; where one is None the line breaks.
    """
    known = [value for value in values if value is not None]
    if len(known) < _LEAST_POINTS:
        return Markup("")
    points = _points(values, low=min(known), high=max(known))
    lines = "".join(f'<polyline points="{line}" fill="none" stroke="{MAIN}" stroke-width="1.5"/>' for line in _lines(points))
    last = points[-1]
    dot = "" if last is None else f'<circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="2.5" fill="{MAIN}"/>'
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return Markup(f'<svg xmlns="http://www.w3.org/2000/svg" class="chart spark" {box} aria-hidden="true">{lines}{dot}</svg>')  # noqa: S704


def _points(values: Sequence[float | None], *, low: float, high: float) -> list[tuple[float, float] | None]:
    """Return where each value lies; a figure that never moved is a line in the middle."""
    step, room = (_WIDTH - 2 * _MARGIN) / (len(values) - 1), _HEIGHT - 2 * _MARGIN
    heights = [None if value is None else (value - low) / (high - low) if high > low else 0.5 for value in values]
    return [
        None if height is None else (_MARGIN + step * n, _HEIGHT - _MARGIN - room * height) for n, height in enumerate(heights)
    ]


def _lines(points: Sequence[tuple[float, float] | None]) -> list[str]:
    """Return the points of each unbroken line, as SVG writes them."""
    lines: list[list[str]] = [[]]
    for point in points:
        if point is None:
            lines.append([])
        else:
            lines[-1].append(f"{point[0]:.1f},{point[1]:.1f}")
    return [" ".join(line) for line in lines if len(line) > 1]
