"""The pages of the door: links, the last nights, the members app, and everything behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from door.forms import read_form
from door.gate import SIGN_IN, Gate, Keys, address_of
from door.members_app import member_routes
from door.pages import page
from door.proxy import Proxy
from door.services import NOTEBOOKS, PAGES, Service
from lake.errors import EvenfallError
from pipeline.analysis import listed_nights
from pipeline.app.past_nights import past_nights
from runtime.run_context import RunContext

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_OWN_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'"
# The pages of others load nothing from elsewhere either; they need scripts, and some draw in frames and workers of their own.
_THEIR_POLICY: Final = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'self'"
)

Handler = Callable[[Request], Awaitable[Response]]


def make_app(run: RunContext, services: Sequence[Service], *, keys: Keys, hosts: Sequence[str]) -> ASGIApp:
    """Make the pages of a workspace.

    Args:
        run: The run of the workspace.
        services: The programs behind the door.
        keys: What opens it.
        hosts: Names by which it may be asked for, besides those of this machine.
    """
    proxies = {service.name: Proxy(service.socket, own_cookie=keys.cookie) for service in services}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for proxy in proxies.values():
            await proxy.close()

    routes: list[BaseRoute] = [
        Route("/", _home(run, services, keys)),
        Route(SIGN_IN, _sign_in(keys), methods=["GET", "POST"]),
        Route("/sign-out", _sign_out(keys), methods=["POST"]),
        Route("/favicon.ico", _no_picture),
        *member_routes(run),
        *(route for service in services for route in _behind(service, proxies[service.name])),
    ]
    handlers = {EvenfallError: _failed, HTTPException: _refused}
    middleware = [Middleware(_Headers), Middleware(Gate, keys=keys, hosts=hosts)]
    return Starlette(routes=routes, lifespan=lifespan, middleware=middleware, exception_handlers=handlers)


def _home(run: RunContext, services: Sequence[Service], keys: Keys) -> Handler:
    async def home(_: Request) -> Response:
        nights = await asyncio.to_thread(past_nights, run)
        newest = next(iter(listed_nights(run)), None)
        return page(
            "door_home.html.j2",
            run,
            newest=newest,
            has_report=newest is not None and run.workspace.report(newest).exists(),
            nights=nights,
            services={service.name: service for service in services},
            notebooks=PAGES,
            has_password=keys.password is not None,
        )

    return home


def _sign_in(keys: Keys) -> Handler:
    async def sign_in(request: Request) -> Response:
        if keys.password is None:
            return RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        if request.method == "GET":
            return page("door_sign_in.html.j2", None, wait_seconds=0, was_wrong=False)
        address = address_of(request)
        given = (await read_form(request)).get("password", [""])[0]
        wait_seconds = keys.throttle.wait_seconds(address)
        if wait_seconds:
            status = HTTPStatus.TOO_MANY_REQUESTS
            return page("door_sign_in.html.j2", None, status=status, wait_seconds=wait_seconds, was_wrong=False)
        keys.throttle.note_try(address)
        if not await asyncio.to_thread(keys.password.is_right, given):
            return page("door_sign_in.html.j2", None, status=HTTPStatus.FORBIDDEN, wait_seconds=0, was_wrong=True)
        keys.throttle.forget(address)
        inside = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        return keys.remember(inside, is_encrypted=request.url.scheme == "https")

    return sign_in


def _sign_out(keys: Keys) -> Handler:
    async def sign_out(request: Request) -> Response:
        keys.sessions.end(request.cookies.get(keys.cookie, ""))
        response = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        response.delete_cookie(keys.cookie)
        return response

    return sign_out


def _behind(service: Service, proxy: Proxy) -> list[BaseRoute]:
    """Return the routes below a program's path."""

    async def answer(request: Request) -> Response:
        if service.elsewhere is not None:
            return RedirectResponse(service.elsewhere)
        if service.state == "open":
            try:
                response = await proxy.answer(request)
            except httpx.TransportError:
                return page("door_not_open.html.j2", None, status=HTTPStatus.BAD_GATEWAY, service=service)
            response.headers.setdefault("content-security-policy", _THEIR_POLICY)
            return response
        return page("door_not_open.html.j2", None, status=HTTPStatus.SERVICE_UNAVAILABLE, service=service)

    async def connect(websocket: WebSocket) -> None:
        if service.state != "open":
            await websocket.close()
            return
        await proxy.connect(websocket)

    async def first_page(_: Request) -> Response:
        return RedirectResponse(service.first_page)

    first = [Route(f"/{service.name}", first_page)]
    first += [Route(f"/{service.name}/", first_page)] if service.name == NOTEBOOKS else []
    below = f"/{service.name}/{{path:path}}"
    return [*first, Route(below, answer, methods=list(_METHODS)), WebSocketRoute(below, connect)]


async def _no_picture(_: Request) -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, EvenfallError)
    return page("door_message.html.j2", None, status=HTTPStatus.NOT_FOUND, what=error.what, remedy=error.remedy)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return page("door_message.html.j2", None, status=HTTPStatus(error.status_code), what=None, remedy=None)


class _Headers:
    """Give every answer the headers that keep it from other sites and out of caches on disk."""

    _OWN: Final[Mapping[bytes, bytes]] = {
        b"content-security-policy": _OWN_POLICY.encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
        b"cross-origin-opener-policy": b"same-origin",
        b"cross-origin-resource-policy": b"same-origin",
    }

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = dict(message.get("headers", ()))
                missing = [(name, value) for name, value in self._OWN.items() if name not in given]
                # Names of members: no copy stays on the disk of whoever looked at them.
                missing += [] if b"cache-control" in given else [(b"cache-control", b"no-store")]
                message["headers"] = [*message.get("headers", ()), *missing]
            await send(message)

        await self._app(scope, receive, with_headers)
