"""The programs behind the door: MLflow's and Prefect's pages and the notebooks, each a process that listens on a socket file.

A socket file in a folder that only this user may enter, in place of a port: whoever wants to see a page has to pass the door,
other users of this machine included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from runtime.run_context import RunContext

NOTEBOOKS: Final = "notebooks"
MLFLOW: Final = "mlflow"
PREFECT: Final = "prefect"
PAGES: Final = ("members", "network", "effects", "experiments", "cohorts")
_ROOT: Final = Path(__file__).parents[1]
_LEASH: Final = Path(__file__).with_name("leash.py")
_TERMINATE_SECONDS: Final = 3.0
_API_PATH: Final = "/api"


@dataclass
class Service:
    """A program behind the door.

    Args:
        name: What it is called, and the first part of its path.
        socket: The file it listens on.
        command: The module to run, with its arguments; empty where it is not started.
        environment: Variables of its own.
        log: Where it writes what it says.
        first_page: The path of its first page.
        elsewhere: The address of a server that runs already, which is linked instead.
        waits_for: A file without which it is not started yet.
        is_installed: Whether this installation has it.
    """

    name: str
    socket: Path
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    first_page: str
    elsewhere: str | None = None
    waits_for: Path | None = None
    is_installed: bool = True
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _is_told: bool = False

    @property
    def state(self) -> str:
        """Return `elsewhere`, `missing`, `waiting`, `ended`, `starting` or `open`."""
        if self.elsewhere is not None:
            return "elsewhere"
        if not self.is_installed:
            return "missing"
        if self._process is None:
            return "waiting"
        if self._process.poll() is not None:
            return "ended"
        # uvicorn makes its socket only when the program has been imported and is ready.
        return "open" if self.socket.exists() else "starting"

    def start_when_due(self) -> None:
        """Start the program, unless it runs or ran, is elsewhere, or what it waits for is not there yet."""
        if self.state == "waiting" and (self.waits_for is None or self.waits_for.exists()):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    # -P: no imports from the working folder, which belongs to the community and may hold any file.
                    [sys.executable, "-P", str(_LEASH), *self.command],
                    env={**os.environ, "PYTHONPATH": str(_ROOT), **self.environment},
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    # Its own group: MLflow starts processes, and the terminal's Ctrl-C is ours to pass on.
                    start_new_session=True,
                )

    def news(self) -> int | None:
        """Return the exit code of a program that has ended by itself, once; else None."""
        if self._is_told or self._process is None or self._process.poll() is None:
            return None
        self._is_told = True
        return self._process.returncode

    def ask_to_end(self) -> None:
        """Ask the program and all it started to end."""
        self._send(signal.SIGTERM)

    def end(self, *, until: float) -> None:
        """Wait until the program has ended, and kill what is left of it after that time of the monotonic clock."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, until - time.monotonic()))
            self._send(signal.SIGKILL)
            self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._is_told = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


@contextmanager
def services_of(run: RunContext) -> Iterator[tuple[Service, ...]]:
    """Yield the programs of a workspace, not started yet, and end those that were started.

    Args:
        run: The run; its environment is prepared (`runtime.environment`).
    """
    with tempfile.TemporaryDirectory(prefix="evenfall-", ignore_cleanup_errors=True) as folder:
        services = tuple(make(run, Path(folder)) for make in _MAKERS)
        try:
            yield services
        finally:
            for service in services:
                service.ask_to_end()
            until = time.monotonic() + _TERMINATE_SECONDS
            for service in services:
                service.end(until=until)


def _notebooks(run: RunContext, folder: Path) -> Service:
    socket = folder / NOTEBOOKS
    # Two specs: the notebooks are a room of ours, marimo is a package.
    is_installed = find_spec("marimo") is not None and (_ROOT / "notebooks" / "behind_door.py").exists()
    return Service(
        NOTEBOOKS,
        socket,
        ("notebooks.behind_door", "--socket", str(socket), "--path", f"/{NOTEBOOKS}"),
        {"EVENFALL_WORKSPACE": str(run.workspace.root)},
        _log(run, NOTEBOOKS),
        f"/{NOTEBOOKS}/{PAGES[0]}/",
        is_installed=is_installed,
    )


def _mlflow(run: RunContext, folder: Path) -> Service:
    socket, store = folder / MLFLOW, run.tracking.uri
    arguments = ("--workers", "1", "--no-serve-artifacts", "--static-prefix", f"/{MLFLOW}", "--host", "127.0.0.1")
    return Service(
        MLFLOW,
        socket,
        # The option goes on to uvicorn, for which a socket file comes before host and port.
        ("mlflow", "server", *arguments, "--uvicorn-opts", f"--uds {socket} --log-level warning"),
        {
            # Not an argument, which every user of this machine could read: it may hold a password.
            "MLFLOW_BACKEND_STORE_URI": store,
            "MLFLOW_DEFAULT_ARTIFACT_ROOT": str(run.workspace.root / "mlartifacts"),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        _log(run, MLFLOW),
        f"/{MLFLOW}/",
        elsewhere=store if store.startswith(("http://", "https://")) else None,
        waits_for=run.workspace.root / "mlflow.db" if run.tracking.is_own else None,
    )


def _prefect(run: RunContext, folder: Path) -> Service:
    socket, server = folder / PREFECT, os.environ.get("PREFECT_API_URL")
    return Service(
        PREFECT,
        socket,
        ("uvicorn", "--factory", "prefect.server.api.server:create_app", "--uds", str(socket), "--log-level", "warning"),
        {
            "PREFECT_UI_SERVE_BASE": f"/{PREFECT}",
            "PREFECT_UI_API_URL": f"/{PREFECT}{_API_PATH}",
            "PREFECT_SERVER_API_BASE_PATH": f"/{PREFECT}{_API_PATH}",
            # By default it writes its pages, with their paths, into the installed package.
            "PREFECT_UI_STATIC_DIRECTORY": str(folder / "pages"),
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_SERVER_UI_V2_ENABLED": "false",
            # The nights run by themselves: nothing is to be scheduled, marked late or deleted from here.
            "PREFECT__SERVER_WEBSERVER_ONLY": "1",
            # A page of Prefect's may not be told apart from a server that was configured.
            "PREFECT_API_URL": "",
        },
        _log(run, PREFECT),
        f"/{PREFECT}/runs",
        elsewhere=None if not server else _pages_of(server),
    )


def _pages_of(server: str) -> str:
    """Return where a Prefect server shows its pages, from the address of its API."""
    parts = urlsplit(server)
    return parts._replace(path=parts.path.removesuffix(_API_PATH) or "/").geturl()


def _log(run: RunContext, name: str) -> Path:
    return run.workspace.state / "door" / f"{name}.log"


_MAKERS: Final[tuple[Callable[[RunContext, Path], Service], ...]] = (_notebooks, _mlflow, _prefect)
