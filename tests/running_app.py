"""An ASGI app of a test, served for real: on a port of this machine or on a socket file."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from tests.browser import PATIENCE_SECONDS


@contextmanager
def running_app(app: ASGIApp, *, uds: Path | None = None) -> Iterator[str]:
    """Serve an app in a thread. Gives its address; on a socket file only the path counts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = {"uds": str(uds)} if uds is not None else {"host": "127.0.0.1", "port": port}
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, **where))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        assert server.started
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
