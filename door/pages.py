"""Render a page of the door: one place for what all of them share."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.responses import HTMLResponse

from outputs.report.frame import render
from runtime.run_context import RunContext


def page(template: str, run: RunContext | None, *, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> HTMLResponse:
    """Render a template of the report's folder.

    Args:
        template: The template.
        run: The run, for the name of the community; None where nothing of it is to be seen.
        status: The status of the answer.
        values: What the template shows.
    """
    community = None if run is None else run.settings.community.name
    return HTMLResponse(render(template, community=community, **values), status_code=status)
