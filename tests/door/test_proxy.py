"""Requests and websockets handed on to a real server on a socket file."""

from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from door.proxy import Proxy
from tests.running_app import running_app

BODY = b"compressed by the program" * 1_000


async def _echo(request: Request) -> Response:
    body = await request.body()
    told = {"target": f"{request.scope['raw_path'].decode()}?{request.url.query}", "headers": dict(request.headers)}
    answer = JSONResponse(told | {"method": request.method, "body": body.decode()}, status_code=201)
    answer.raw_headers += [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    return answer


async def _zipped(_: Request) -> Response:
    return Response(gzip.compress(BODY), headers={"content-encoding": "gzip", "content-type": "text/plain"})


async def _talk(websocket: WebSocket) -> None:
    await websocket.accept(websocket.scope["subprotocols"][0] if websocket.scope["subprotocols"] else None)
    await websocket.send_json({"cookie": websocket.headers.get("cookie", ""), "query": websocket.url.query})
    await websocket.send_text("heard " + await websocket.receive_text())
    await websocket.send_bytes((await websocket.receive_bytes())[::-1])
    await websocket.close(4001)


PROGRAM = Starlette(
    routes=[
        Route("/mlflow/zipped", _zipped),
        Route("/mlflow/{path:path}", _echo, methods=["GET", "POST", "DELETE"]),
        WebSocketRoute("/mlflow/ws", _talk),
    ]
)


@contextmanager
def in_front_of(socket: Path) -> Iterator[str]:
    """A server that hands everything on to a socket file. Gives its address."""
    proxy = Proxy(socket, own_cookie="door")

    async def hand_on(request: Request) -> Response:
        return await proxy.answer(request)

    routes = [WebSocketRoute("/{path:path}", proxy.connect), Route("/{path:path}", hand_on, methods=["GET", "POST", "DELETE"])]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await proxy.close()

    with running_app(Starlette(routes=routes, lifespan=lifespan)) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[httpx.Client]:
    """A browser in front of a door with one program behind it."""
    # The path of a socket file has to be short.
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(PROGRAM, uds=Path(folder) / "s"),
        in_front_of(Path(folder) / "s") as address,
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        yield client


def test_path_query_method_and_body_arrive_as_they_were_sent(browser: httpx.Client) -> None:
    answer = browser.post("/mlflow/a%2Fb/%E4%B8%AD?x=1&y=%20", content=b"hello")
    assert answer.status_code == 201
    told = answer.json()
    assert told["target"] == "/mlflow/a%2Fb/%E4%B8%AD?x=1&y=%20"
    assert (told["method"], told["body"]) == ("POST", "hello")


def test_the_program_learns_neither_the_session_nor_where_the_door_is(browser: httpx.Client) -> None:
    sent = {"host": "evenfall.example", "origin": "https://evenfall.example", "referer": "https://evenfall.example/lists/x",
            "cookie": "door=secret; theirs=1", "x-forwarded-for": "1.2.3.4", "x-own": "kept"}  # fmt: skip
    headers = browser.get("/mlflow/", headers=sent).json()["headers"]
    assert headers["cookie"] == "theirs=1"
    assert headers["host"] == "localhost"
    assert headers["x-own"] == "kept"
    assert not {"origin", "referer", "x-forwarded-for"} & headers.keys()


def test_every_cookie_of_the_program_comes_back(browser: httpx.Client) -> None:
    assert browser.get("/mlflow/").headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_a_compressed_answer_stays_as_it_is(browser: httpx.Client) -> None:
    answer = browser.get("/mlflow/zipped")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == BODY


def test_a_connection_that_the_program_closes_as_we_ask_again_spoils_no_page() -> None:
    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        # It keeps the connection open, and closes it unread with the next request on it.
        await reader.read(1)
        writer.close()

    async def ask_twice(socket: Path) -> list[bytes]:
        proxy = Proxy(socket, own_cookie="door")
        async with await asyncio.start_unix_server(answer_once, socket):
            bodies = []
            for _ in range(2):
                request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []})
                response = await proxy.answer(request)
                assert isinstance(response, StreamingResponse)
                bodies.append(b"".join([bytes(part) async for part in response.body_iterator]))
                assert response.background is not None
                await response.background()
            await proxy.close()
        return bodies

    # The path of a socket file has to be short.
    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(ask_twice(Path(folder) / "s")) == [b"hi", b"hi"]


def test_a_websocket_carries_text_bytes_protocol_and_close_both_ways(browser: httpx.Client) -> None:
    address = f"{str(browser.base_url).replace('http', 'ws')}/mlflow/ws?session=7"
    headers = {"Cookie": "door=secret; theirs=1"}
    with connect(address, subprotocols=[Subprotocol("chat")], additional_headers=headers, proxy=None) as socket:
        assert socket.subprotocol == "chat"
        assert json.loads(socket.recv()) == {"cookie": "theirs=1", "query": "session=7"}
        socket.send("you")
        assert socket.recv() == "heard you"
        socket.send(b"abc" * 100_000)
        assert socket.recv() == b"cba" * 100_000
        with pytest.raises(ConnectionClosed):
            socket.recv()
        assert socket.close_code == 4001


def test_a_websocket_to_a_program_that_is_gone_is_refused(tmp_path: Path) -> None:
    with (
        in_front_of(tmp_path / "nobody") as address,
        pytest.raises(InvalidStatus, match="403"),
        connect(f"{address.replace('http', 'ws')}/ws", proxy=None),
    ):
        pass
