"""Dask's processes in tests: watched, killed in the middle, started apart and always ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import psutil

from flows.scale.leavings import LEAVINGS

PATIENCE_SECONDS = 120


class during:  # noqa: N801 - reads as a sentence
    """Do something in the background as soon as the features of so many buckets are in the lake."""

    def __init__(self, workspace: Path, *, tables: int, do: Callable[[], Any]) -> None:
        self._lake, self._wanted, self._do = workspace / "lake", tables, do
        self._stop = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self.seen = SimpleNamespace(tables=0, killed=None)

    def __enter__(self) -> SimpleNamespace:
        self._thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_SECONDS)

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            done = len(list(self._lake.glob(f"{LEAVINGS}features_*/_delta_log/*.json")))
            if done >= self._wanted:
                self.seen.tables, self.seen.killed = done, self._do()
                return


def kill_a_worker() -> int:
    victim = max(dask_processes(), key=lambda process: process.cpu_times().user)
    victim.kill()
    return int(victim.pid)


def dask_processes() -> list[psutil.Process]:
    """The worker processes that this process started."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class a_scheduler:  # noqa: N801 - reads as a sentence
    """A scheduler and a worker as processes of their own, ended however the block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> tuple[str, subprocess.Popen[bytes]]:
        port = free_port()
        address = f"tcp://127.0.0.1:{port}"
        self._start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        self._start("dask_worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--death-timeout", "60")
        return address, self._processes[0]

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, module: str, *arguments: str) -> None:
        with (self._folder / f"{module}.log").open("wb") as log:
            environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
            command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
            self._processes.append(subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log))
