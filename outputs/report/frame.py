"""The frame that every page stands in: one style, autoescaped templates, nothing loaded from outside."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from outputs.report import charts
from wording import numbers as words

# Colour of the charts → its name in the page's palette, which has a light, a dark and a printed form.
PALETTE: Final = {
    charts.INK: "ink",
    charts.MUTED: "muted",
    charts.GRID: "rule",
    charts.MAIN: "main",
    charts.SOFT: "soft",
    charts.ACCENT: "accent",
}


def render(template: str, /, **values: Any) -> str:
    """Fill a template of `outputs/report/templates`; every value is escaped unless it is `Markup`."""
    return _environment().get_template(template).render(**values)


def render_fragment(template: str, /, **values: Any) -> Markup:
    """Fill a template that is part of a page; the result is HTML and is not escaped again."""
    return Markup(render(template, **values))  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("outputs.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["words"] = words
    environment.globals["palette"] = PALETTE
    environment.filters["number"] = words.number
    environment.filters["label"] = words.label
    environment.filters["day"] = words.day
    environment.filters["short_day"] = words.short_day
    return environment
