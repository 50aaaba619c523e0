"""A real PostgreSQL for tests: a fresh cluster on a free loopback port, gone afterwards.

PostgreSQL refuses to run as root, so root starts it as the user postgres, or nobody where there is none.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

USER = "evenfall"
PASSWORD = "moon-and-stars"
START_TIMEOUT_SECONDS = 60


def find_binary(name: str) -> Path | None:
    """Find a PostgreSQL program on the path or where Debian keeps it, the newest version first."""
    on_path = shutil.which(name)
    if on_path is not None:
        return Path(on_path)
    packaged = [path for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if path.parts[4].isdigit()]
    return max(packaged, key=lambda path: int(path.parts[4]), default=None)


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a cluster and give its URL, `postgresql://user:password@127.0.0.1:port/postgres`."""
    initdb, postgres = find_binary("initdb"), find_binary("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL is not installed: no initdb and postgres on the path or in /usr/lib/postgresql")
    account = _account()
    # Not below pytest's own folder: that is closed to the account the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="evenfall-postgres-"))
    try:
        _make_cluster(initdb, folder, account=account)
        with _server(postgres, folder, account=account) as port:
            yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL shared by the session; every test uses tables of its own."""
    with running_postgres() as url:
        yield url


def _account() -> Mapping[str, Any]:
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def _make_cluster(initdb: Path, folder: Path, *, account: Mapping[str, Any]) -> None:
    password_file = folder / "password"
    password_file.write_text(PASSWORD)
    if account:
        shutil.chown(folder, account["user"], account["group"])
        shutil.chown(password_file, account["user"], account["group"])
    command = [
        str(initdb), f"--pgdata={folder / 'data'}", f"--username={USER}", f"--pwfile={password_file}",
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
    ]  # fmt: skip
    made = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **account)
    assert made.returncode == 0, made.stderr


@contextmanager
def _server(postgres: Path, folder: Path, *, account: Mapping[str, Any]) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
        "shared_buffers": "16MB", "max_connections": 20,
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = folder / "log"
    with log.open("wb") as written:
        command = [str(postgres), "-D", str(folder / "data"), *options]
        process = subprocess.Popen(command, cwd="/", stdout=written, stderr=written, **account)
    try:
        _wait(process, port=port, log=log)
        yield port
    finally:
        # A fast shutdown: open connections are ended rather than waited for.
        process.send_signal(signal.SIGINT)
        process.wait(timeout=START_TIMEOUT_SECONDS)


def _wait(process: subprocess.Popen[bytes], *, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
