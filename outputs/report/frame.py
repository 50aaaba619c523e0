"""The frame that every page stands in: one style, autoescaped templates, nothing loaded from outside."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from outputs.report import charts
from wording import numbers, texts

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


def say(key: str, /, **values: Any) -> Markup:
    """Fill a sentence of the catalogue for a page; values are escaped unless they are `Markup`, such as a link.

    Args:
        key: The sentence's key.
        values: Its placeholders.
    """
    return Markup("").join(_safe(said) + escape(value) for said, value in texts.pieces(key, **values))


def _safe(said: str) -> Markup:
    """Escape words of the catalogue; its apostrophes stay, as every attribute of our templates stands in double quotes."""
    return Markup(str(escape(said)).replace("&#39;", "'"))  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("outputs.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["say"] = say
    environment.globals["gap"] = _gap
    environment.globals["palette"] = PALETTE
    environment.filters.update(_FILTERS)
    return environment


def _gap() -> str:
    """Return what stands between two sentences."""
    return texts.between("form.sentences")


def _or_dash(write: Callable[..., str]) -> Callable[..., str]:
    """Write a dash where there is no value."""
    return lambda value, *settings: numbers.DASH if value is None or value == "" else write(value, *settings)


# How a cell of a table is written. Sentences have their formats in the catalogue instead.
_FILTERS: Final = {
    "number": _or_dash(lambda value, digits=0: numbers.number(value, digits=digits)),
    "few": _or_dash(lambda value, fewest: texts.fill("report.few", n=fewest) if 0 < value < fewest else numbers.number(value)),
    "percent": _or_dash(numbers.percent),
    "money": _or_dash(numbers.money),
    "difference": numbers.difference,
    "short_day": _or_dash(numbers.short_day),
    "text": _or_dash(str),
    "name": texts.name,
    "label": texts.label,
    "listing": texts.listing,
}
