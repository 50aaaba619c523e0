"""Who passes the gate: by name, origin, token, password and session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from door.gate import Gate, Keys
from door.passwords import Password, hash_password
from door.sessions import Sessions
from tests.running_app import running_app

SECRET = "members"
TOKEN = "the-token"
COOKIE = "evenfall_door_8765"


async def _shown(_: Request) -> Response:
    return PlainTextResponse(SECRET)


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(SECRET)
    await websocket.close()


@contextmanager
def door(*, hosts: tuple[str, ...] = (), password: str | None = None) -> Iterator[httpx.Client]:
    """A door with a page and a websocket behind it, and a browser in front of it."""
    routes = [Route("/{path:path}", _shown, methods=["GET", "POST"]), WebSocketRoute("/{path:path}", _socket)]
    known = None if password is None else Password(hash_password(password))
    keys = Keys(COOKIE, Sessions(12), TOKEN if password is None else None, known)
    with (
        running_app(Gate(Starlette(routes=routes), keys=keys, hosts=hosts)) as address,
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def outside() -> Iterator[httpx.Client]:
    """A browser that nobody let in; cookies it gets are thrown away."""
    with door(hosts=("evenfall.example",)) as client:
        yield client


@pytest.fixture
def anybody(outside: httpx.Client) -> httpx.Client:
    outside.cookies.clear()
    return outside


@pytest.fixture
def insider(anybody: httpx.Client) -> httpx.Client:
    anybody.get("/", params={"token": TOKEN})
    return anybody


def test_without_the_token_nothing_is_shown(anybody: httpx.Client) -> None:
    for path in ("/", "/lists/2025-07-19/members", "/?token=", "/?token=other", "/mlflow/", "/sign-in"):
        answer = anybody.get(path)
        assert answer.status_code == 403
        assert SECRET not in answer.text


def test_the_token_begins_a_session_and_leaves_the_address(anybody: httpx.Client) -> None:
    answer = anybody.get(f"/figures?day=2025-07-19&token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/figures?day=2025-07-19"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    assert anybody.get("/figures").text == SECRET


def test_a_cookie_that_somebody_made_up_opens_nothing(anybody: httpx.Client) -> None:
    anybody.cookies.set(COOKIE, "x" * 43)
    assert anybody.get("/").status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.", "[::1"])
def test_a_name_that_is_not_ours_is_refused_even_with_a_session(insider: httpx.Client, host: str) -> None:
    assert insider.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8765", "LOCALHOST", "[::1]:8765", "evenfall.example"])
def test_names_of_this_machine_and_allowed_ones_are_known(insider: httpx.Client, host: str) -> None:
    assert insider.get("/", headers={"host": host}).text == SECRET


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8765"])
def test_a_form_of_another_site_is_refused(insider: httpx.Client, origin: str) -> None:
    assert insider.post("/sign-out", headers={"origin": origin}).status_code == 403
    assert insider.post("/sign-out", headers={"origin": str(insider.base_url).rstrip("/")}).text == SECRET


def test_a_websocket_needs_a_session_and_our_own_origin(insider: httpx.Client) -> None:
    own = str(insider.base_url).rstrip("/")
    address, cookie = f"{own.replace('http', 'ws')}/ws", {"Cookie": f"{COOKIE}={insider.cookies[COOKIE]}"}
    for headers, origin in (({}, own), (cookie, "https://evil.example")):
        with pytest.raises(InvalidStatus, match="403"), connect(address, additional_headers=headers, origin=origin, proxy=None):
            pass
    with connect(address, additional_headers=cookie, origin=own, proxy=None) as socket:
        assert socket.recv() == SECRET


def test_with_a_password_pages_lead_to_the_form_and_the_token_counts_for_nothing() -> None:
    with door(password="a long enough one") as client:
        answer = client.get("/", params={"token": TOKEN}, headers={"accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in"
        assert client.get("/mlflow/ajax-api").status_code == 401
        assert client.get("/sign-in").status_code == 200


def test_the_cookie_is_for_encrypted_connections_alone_where_a_reverse_proxy_says_that_it_is_one(anybody: httpx.Client) -> None:
    with_proxy = anybody.get("/", params={"token": TOKEN}, headers={"x-forwarded-proto": "https"})
    assert "; secure" in with_proxy.headers["set-cookie"].lower()
    assert "; secure" not in anybody.get("/", params={"token": TOKEN}).headers.get("set-cookie", "").lower()
