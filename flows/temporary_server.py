"""Start Prefect's temporary server early, in a process of its own, while this process imports its packages.

Where no server is configured, Prefect starts one by itself, but only when a flow begins, and it imports the server's packages in
the process of the flow as well. To start the same server before, and to give Prefect its address, saves both. Where a server may
be configured, Prefect decides.
"""

from __future__ import annotations

import atexit
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ADDRESS: Final = "PREFECT_API_URL"
_TIMEOUT: Final = "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"
# Any of these may name a server, or forbid a temporary one; only Prefect itself reads them all.
_SETTINGS: Final = (
    _ADDRESS,
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE",
    "PREFECT_SERVER_EPHEMERAL_ENABLED",
)
# What Prefect sets for a temporary server, and no web pages.
_MARKS: Final = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
_PAUSE_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 5.0
_END_SECONDS: Final = 5.0


def start_server() -> None:
    """Start the server, unless one may be configured, or Prefect has been imported and has chosen its server already."""
    global _server  # noqa: PLW0603 - one per process, as Prefect has one address
    if _server is None and "prefect" not in sys.modules and not _may_be_configured():
        _server = _Server()
        # Exit functions run in reverse order: registered before Prefect is imported, this one runs after Prefect has sent its
        # last events to the server.
        atexit.register(stop_server)


def wait_for_server() -> None:
    """Wait until the server that was started answers; if it does not, end it, and Prefect starts one of its own."""
    if _server is not None and not _server.is_ready():
        stop_server()


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Turn heartbeats of flows off while the block runs, where this module started the server."""
    if _server is None:
        yield
        return
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    # Nobody reads them in a server that ends with its flow, and a flow waits up to a second for the thread that sends them.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def stop_server() -> None:
    """End the server, if one was started."""
    global _server  # noqa: PLW0603 - see above
    if _server is not None:
        _server.end()
    _server = None


class _Server:
    """The process of the server; `PREFECT_API_URL` has its address while it runs."""

    def __init__(self) -> None:
        self._port = _free_port()
        command = ["uvicorn", "--factory", "prefect.server.api.server:create_app"]
        where = ["--host", "127.0.0.1", "--port", str(self._port), "--log-level", "error", "--lifespan", "on"]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            # -P: no imports from the working folder, which belongs to the community and may hold any file.
            [sys.executable, "-P", "-m", *command, *where],
            env=os.environ | _MARKS,
            stdin=subprocess.DEVNULL,
        )
        os.environ[_ADDRESS] = f"http://127.0.0.1:{self._port}/api"

    def is_ready(self) -> bool:
        """Wait for an answer; returns False when the process ended, or after the time that Prefect allows."""
        until = time.monotonic() + float(os.environ.get(_TIMEOUT, "20"))
        while self._process.poll() is None and time.monotonic() < until:
            if self._answers():
                return True
            time.sleep(_PAUSE_SECONDS)
        return False

    def end(self) -> None:
        """Let the server write its last events, and end it; kill it when that takes too long."""
        os.environ.pop(_ADDRESS, None)
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", "/api/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _may_be_configured() -> bool:
    """Return whether Prefect might find the address of a server; when in doubt, True."""
    profiles = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser() / "profiles.toml"
    if any(name in os.environ for name in _SETTINGS) or profiles.exists():
        return True
    # Prefect also reads these files of the working folder.
    return Path("prefect.toml").exists() or _holds(".env", "prefect_") or _holds("pyproject.toml", "tool.prefect")


def _holds(file: str, text: str) -> bool:
    """Return whether a file holds a text; True when it cannot be read."""
    try:
        return text in Path(file).read_text(encoding="utf-8").lower()
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True


def _free_port() -> int:
    """Return a port that is free now; the server fails to start if another process takes it before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_server: _Server | None = None
