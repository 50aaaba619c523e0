"""Who may see a page: the right name for this door, the right origin, and a session that began with token or password."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from door.passwords import Password, Throttle
from door.sessions import Sessions
from runtime.door_settings import THIS_MACHINE
from wording.texts import fill

SIGN_IN: Final = "/sign-in"
TOKEN: Final = "token"  # noqa: S105 - the name of the parameter
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_POLICY_VIOLATION: Final = 1008


@dataclass(frozen=True)
class Keys:
    """What opens the door.

    Args:
        cookie: The name of its cookie; cookies know no port, so that two doors on one machine need two names.
        sessions: Who is in.
        token: What the printed address carries; None where there is a password.
        password: The password; None where there is a token.
        throttle: How often the password was tried.
    """

    cookie: str
    sessions: Sessions
    token: str | None
    password: Password | None
    throttle: Throttle = field(default_factory=Throttle)

    def remember(self, response: Response, *, is_encrypted: bool) -> Response:
        """Begin a session and give it to the browser."""
        secret = self.sessions.begin()
        response.set_cookie(self.cookie, secret, httponly=True, samesite="lax", secure=is_encrypted, path="/")
        return response


class Gate:
    """Let nobody pass without a session, and no request that another site made a browser send.

    A page on the internet can let its own domain name point to this machine (DNS rebinding), so that the Host header must name
    this door; and it can send forms and open websockets, so that their Origin must be the door itself.

    Args:
        app: The pages.
        keys: What opens the door.
        hosts: Names by which the door may be asked for, besides those of this machine.
    """

    def __init__(self, app: ASGIApp, *, keys: Keys, hosts: Collection[str]) -> None:
        self._app = app
        self._keys = keys
        self._hosts = {name.lower() for name in (*THIS_MACHINE, *hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        refusal = self._refusal(connection)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        """Return the answer for who may not pass; None for who may."""
        host = connection.headers.get("host", "")
        if _name_of(host) not in self._hosts:
            return _plain(fill("door.refused.host"), HTTPStatus.MISDIRECTED_REQUEST)
        if not _is_own_origin(connection, host):
            return _plain(fill("door.refused.origin"), HTTPStatus.FORBIDDEN)
        is_in = self._keys.sessions.is_known(connection.cookies.get(self._keys.cookie, ""))
        is_signing_in = connection.url.path == SIGN_IN and self._keys.password is not None
        return None if is_in or is_signing_in else self._way_in(connection)

    def _way_in(self, connection: HTTPConnection) -> Response:
        """Return the answer for who has no session: a session for the token, or where to begin one."""
        if self._has_token(connection):
            without = URL(scope=connection.scope).remove_query_params(TOKEN)
            where = f"{without.path}?{without.query}" if without.query else without.path
            return self._keys.remember(_see(where), is_encrypted=_is_encrypted(connection))
        if connection.headers.get("sec-fetch-dest") == "manifest":
            # Browsers ask for it without cookies; this one tells nothing and spares an error on every page.
            return Response('{"name": "Evenfall"}', media_type="application/manifest+json")
        if self._keys.password is None:
            return _plain(fill("door.refused.token"), HTTPStatus.FORBIDDEN)
        is_navigation = connection.scope.get("method") == "GET" and "text/html" in connection.headers.get("accept", "")
        return _see(SIGN_IN) if is_navigation else _plain(fill("door.refused.session"), HTTPStatus.UNAUTHORIZED)

    def _has_token(self, connection: HTTPConnection) -> bool:
        given = connection.query_params.get(TOKEN, "")
        own = self._keys.token
        return own is not None and connection.scope["type"] == "http" and secrets.compare_digest(given.encode(), own.encode())


def address_of(request: Request) -> str:
    """Return from where a password is tried: behind a reverse proxy on this machine, what it says."""
    return request.client.host if request.client is not None else ""


def _is_own_origin(connection: HTTPConnection, host: str) -> bool:
    origin = connection.headers.get("origin")
    is_safe = connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS
    return is_safe or origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _is_encrypted(connection: HTTPConnection) -> bool:
    return connection.url.scheme in ("https", "wss")


def _name_of(host: str) -> str:
    """Return the name in a Host header, without the port; an address of IPv6 loses its brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _see(where: str) -> Response:
    return RedirectResponse(where, status_code=HTTPStatus.SEE_OTHER)


def _plain(text: str, status: HTTPStatus) -> Response:
    return PlainTextResponse(text, status_code=status)
