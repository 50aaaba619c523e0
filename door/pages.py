"""Render a page of the door: one place for what all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import HTMLResponse

from community.answer_figures import FIRST_ANSWER_HOURS
from community.net_promoter import NET_PROMOTER
from community.rates import AMOUNTS, COUNTS
from outputs.report.charts import GRID, MAIN
from outputs.report.frame import render
from runtime.run_context import RunContext
from wording import numbers
from wording.english import ENGLISH
from wording.readings import figure_name
from wording.texts import fill

_NO_SHARES: Final = ("feedback_score_30d", FIRST_ANSWER_HOURS, *NET_PROMOTER)


def page(template: str, run: RunContext | None, *, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> HTMLResponse:
    """Render a template of the report's folder.

    Args:
        template: The template.
        run: The run, for the name of the community; None where nothing of it is to be seen.
        status: The status of the answer.
        values: What the template shows.
    """
    community = None if run is None else run.settings.community.name
    currency = None if run is None else run.settings.community.currency
    shared = {
        "community": community,
        "currency": currency,
        "figure_name": figure_name,
        "figure_value": lambda value, figure: _figure_value(value, figure, currency),
        "figures_in_order": _in_order,
        "change_name": lambda what: fill(f"app.change.{what}"),
        "main_colour": MAIN,
        "grid_colour": GRID,
    }
    return HTMLResponse(render(template, **(shared | values)), status_code=status)


def _in_order(values: Mapping[str, list[float | None]]) -> list[tuple[str, list[float | None]]]:
    """Return figures in the order of the catalogue: members first, money last; those it does not name at the end."""
    places = {key: place for place, key in enumerate(ENGLISH.sentences)}
    return sorted(values.items(), key=lambda one: (places.get(f"figure.{one[0]}", len(places)), one[0]))


def _figure_value(value: float | None, figure: str, currency: str | None) -> str:
    if value is None:
        return numbers.DASH
    if figure in COUNTS:
        return numbers.number(value)
    if figure in AMOUNTS:
        return numbers.money(value, currency)
    return numbers.number(value, digits=1) if figure in _NO_SHARES else numbers.percent(value)
