"""Dask's processes in tests: watched, killed in the middle, started apart and always ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import psutil

from lake.scratch import SCRATCH_PREFIX
from tests.paths import ROOT

PATIENCE_SECONDS = 120


class _InTheBackground:
    """Look on while the block runs, and do something when it is time."""

    def __init__(self, **seen: Any) -> None:
        self.seen = SimpleNamespace(**seen)
        self._stop = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> SimpleNamespace:
        self._thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_SECONDS)

    def _watch(self) -> None:
        raise NotImplementedError


class during(_InTheBackground):  # noqa: N801 - reads as a sentence
    """Do something in the background as soon as the features of so many buckets are in the lake."""

    def __init__(self, workspace: Path, *, tables: int, do: Callable[[], Any]) -> None:
        self._lake, self._wanted, self._do = workspace / "lake", tables, do
        super().__init__(tables=0, killed=None)

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            done = len(list(self._lake.glob(f"{SCRATCH_PREFIX}features_*/_delta_log/*.json")))
            if done >= self._wanted:
                self.seen.tables, self.seen.killed = done, self._do()
                return


class once(_InTheBackground):  # noqa: N801 - reads as a sentence
    """Do something in the background, one time, as soon as something is so."""

    def __init__(self, is_so: Callable[[], bool], *, do: Callable[[], Any]) -> None:
        self._is_so, self._do = is_so, do
        super().__init__(done=None)

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            if self._is_so():
                # Trees take a moment to begin once their task has.
                self._stop.wait(0.3)
                self.seen.done = self._do()
                return


def kill_a_worker() -> int:
    victim = max(dask_processes(), key=lambda process: process.cpu_times().user)
    victim.kill()
    return int(victim.pid)


def dask_processes() -> list[psutil.Process]:
    """The worker processes that this process started."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())]


def is_growing(client: Any) -> bool:
    """Whether every worker has its share of the trees to grow."""
    working = client.processing().values()
    return len(working) == 2 and all(any("_train_part" in key for key in keys) for keys in working)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def make_certificates(folder: Path) -> dict[str, Path]:
    """An authority and one certificate by it, for whoever scheduler, worker and night are; written as `ca`, `cert`, `key`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir()
    now = datetime.now(UTC)
    authority, holder = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = {who: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, who)]) for who in ("authority", "holder")}

    def sign(who: str, key: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        begun = x509.CertificateBuilder().subject_name(names[who]).issuer_name(names["authority"]).public_key(key)
        dated = begun.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        told = dated.serial_number(x509.random_serial_number()).add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
        )
        return told.sign(authority, hashes.SHA256())

    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    written = {
        "ca": sign("authority", authority.public_key(), is_authority=True).public_bytes(pem),
        "cert": sign("holder", holder.public_key(), is_authority=False).public_bytes(pem),
        "key": holder.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
    }
    for name, content in written.items():
        (folder / f"{name}.pem").write_bytes(content)
    return {name: folder / f"{name}.pem" for name in written}


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the scheduler did not start")


class a_scheduler:  # noqa: N801 - reads as a sentence
    """A scheduler and a worker as processes of their own, ended however the block ends; with certificates it speaks TLS."""

    def __init__(self, folder: Path, *, tls: Mapping[str, Path] | None = None) -> None:
        self._folder = folder
        self._protocol = "tcp" if tls is None else "tls"
        named = {} if tls is None else {"--tls-ca-file": tls["ca"], "--tls-cert": tls["cert"], "--tls-key": tls["key"]}
        self._papers = [str(word) for option in named.items() for word in option]
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> tuple[str, subprocess.Popen[bytes]]:
        port = free_port()
        address = f"{self._protocol}://127.0.0.1:{port}"
        self._start("dask_scheduler", "--host", address, "--no-dashboard")
        _wait_for(port)
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
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments, *self._papers]
            self._processes.append(subprocess.Popen(command, cwd=self._folder, env=environment, stdout=log, stderr=log))
