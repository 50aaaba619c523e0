"""A program that serves pages on this machine, for as long as a test needs it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.browser import PATIENCE_SECONDS


@contextmanager
def served(command: Sequence[str | Path], *, cwd: Path, log: Path) -> Iterator[str]:
    """Start a server and wait until it answers; `{port}` in the command is a free port. Gives its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with log.open("wb") as said:
        words = [str(word).replace("{port}", str(port)) for word in command]
        server = subprocess.Popen(words, stdout=said, stderr=said, cwd=cwd, env=environment)
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until and server.poll() is None:
                try:
                    httpx.get(address, timeout=2)
                    break
                except httpx.HTTPError:
                    time.sleep(0.3)
            else:
                raise AssertionError(f"{words[0]} does not answer:\n{log.read_text()[-2000:]}")
            yield address
        finally:
            server.terminate()
            server.wait(30)
