"""Read what a form sends."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

_LONGEST_FORM: Final = 16_384


async def read_form(request: Request) -> dict[str, list[str]]:
    """Read the fields of a form; empty ones are left out.

    Raises:
        HTTPException: It is longer than any form of ours.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return parse_qs(body.decode("utf-8", "replace"))
