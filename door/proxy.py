"""Hand a request on to a program behind the door, and its answer back: HTTP and websockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import websockets
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, unix_connect

# RFC 9110, 7.6.1: these concern one connection, and not the message.
_OF_CONNECTION: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade")
)
# Our server says these itself.
_OF_SERVER: Final = frozenset(("date", "server"))
# The door has judged host and origin; programs that judge them again know only their own address.
_OF_DOOR: Final = frozenset(("host", "origin", "referer", "forwarded"))
_FOR_PROXY: Final = "x-forwarded-"
_BASE: Final = "http://localhost"
_CONNECT_SECONDS: Final = 10.0
# A connection each request: a program closes one that is idle after some seconds, now and then just while we ask again on it.
_ONE_REQUEST_EACH: Final = httpx.Limits(max_connections=None, max_keepalive_connections=0)
_LARGEST_MESSAGE: Final = 64 * 1024 * 1024
_GOING_AWAY: Final = 1001


class Proxy:
    """The way to one program.

    Args:
        socket: The file it listens on.
        own_cookie: The cookie of the door, which no program gets.
    """

    def __init__(self, socket: Path, *, own_cookie: str) -> None:
        self._socket = socket
        self._own_cookie = own_cookie
        # No limit to how long an answer takes: pages keep connections open for what happens.
        timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
        # trust_env: a proxy that the environment names is for the network, not for a socket file.
        transport = httpx.AsyncHTTPTransport(uds=str(socket), limits=_ONE_REQUEST_EACH)
        self._client = httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=timeout, trust_env=False)

    async def answer(self, request: Request) -> Response:
        """Hand on a request; the answer is streamed, unchanged but for headers of the connection.

        Args:
            request: The request, with the path as the program knows it.

        Raises:
            httpx.TransportError: The program does not answer.
        """
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        handed_on = self._client.build_request(
            request.method,
            httpx.URL(raw_path=_target(request)),
            headers=[*self._headers(request.headers.raw), (b"host", b"localhost")],
            content=request.stream() if has_body else None,
        )
        answer = await self._client.send(handed_on, stream=True)
        response = StreamingResponse(_body(answer), status_code=answer.status_code, background=BackgroundTask(answer.aclose))
        # All of them as they came: a program may set several cookies.
        response.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.decode("latin-1").lower() not in _OF_CONNECTION | _OF_SERVER
        ]
        return response

    async def connect(self, websocket: WebSocket) -> None:
        """Connect a websocket with the program's until one of the two ends."""
        target = _target(websocket).decode()
        cookie = [value for name, value in self._headers(websocket.headers.raw) if name == b"cookie"]
        try:
            program = await unix_connect(
                str(self._socket),
                f"ws://localhost{target}",
                subprotocols=[websockets.Subprotocol(one) for one in websocket.scope.get("subprotocols", [])] or None,
                additional_headers=[("Cookie", one.decode("latin-1")) for one in cookie],
                max_size=_LARGEST_MESSAGE,
                open_timeout=_CONNECT_SECONDS,
                proxy=None,
            )
        except (OSError, websockets.WebSocketException):
            await websocket.close(_GOING_AWAY)
            return
        async with program:
            await websocket.accept(program.subprotocol)
            ways = [asyncio.create_task(way) for way in (_to_program(websocket, program), _to_browser(program, websocket))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        if websocket.application_state is not WebSocketState.DISCONNECTED:
            with suppress(RuntimeError):
                await websocket.close(program.close_code or _GOING_AWAY)

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    def _headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = []
        for name, value in headers:
            plain = name.decode("latin-1").lower()
            if plain in _OF_CONNECTION or plain in _OF_DOOR or plain.startswith(_FOR_PROXY):
                continue
            handed = self._without_own_cookie(value) if plain == "cookie" else value
            if handed:
                kept.append((name, handed))
        return kept

    def _without_own_cookie(self, cookies: bytes) -> bytes:
        own = f"{self._own_cookie}=".encode()
        return b"; ".join(one for part in cookies.split(b";") if not (one := part.strip()).startswith(own))


def _target(connection: Request | WebSocket) -> bytes:
    """Return path and query as the browser wrote them, escapes included."""
    raw: bytes = connection.scope.get("raw_path") or connection.scope["path"].encode()
    query: bytes = connection.scope["query_string"]
    return raw.split(b"?")[0] + (b"?" + query if query else b"")


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    # As it came, compressed or not. A program that ends in the middle of it raises: the browser must see that it was cut off.
    async for part in answer.aiter_raw():
        yield part


async def _to_program(websocket: WebSocket, program: ClientConnection) -> None:
    with suppress(WebSocketDisconnect, websockets.ConnectionClosed):
        while (message := await websocket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            await program.send(message["bytes"] if text is None else text)


async def _to_browser(program: ClientConnection, websocket: WebSocket) -> None:
    with suppress(websockets.ConnectionClosed, RuntimeError):
        async for message in program:
            await (websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message))
