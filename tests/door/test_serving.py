"""`evenfall up` as a process: refused ports and settings, programs that end, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from door.passwords import hash_password
from tests.browser import PATIENCE_SECONDS
from tests.communities import write_shop
from tests.nights import evenfall
from tests.paths import ROOT

PASSWORD = "a long enough one"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A workspace without a night."""
    write_shop(tmp_path)
    return tmp_path


@contextmanager
def up(workspace: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `evenfall up` on a free port. Gives the process and the address it printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "flows.cli", "up", "--workspace", str(workspace), "--port", str(port), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://\S+", said)
        assert address is not None, said + process.stdout.read()
        yield process, address[0]
    finally:
        process.kill()
        process.communicate()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def programs(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The programs behind a door, and what they started."""
    return psutil.Process(process.pid).children(recursive=True)


# A door is ended by Ctrl-C, or it is killed; SIGTERM takes the way of Ctrl-C.
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak), signal.SIGKILL])
def test_nothing_is_left_however_it_is_ended(empty: Path, number: signal.Signals) -> None:
    with up(empty) as (process, _):
        until(lambda: len(programs(process)) >= 2)
        behind = programs(process)
        process.send_signal(number)
        process.wait(PATIENCE_SECONDS)
        _, alive = psutil.wait_procs(behind, timeout=PATIENCE_SECONDS)
        assert alive == []
        assert process.returncode in {signal.SIGINT: (130,), signal.SIGTERM: (143,), signal.SIGKILL: (-9,)}[number]


def test_a_program_that_ends_is_named_and_the_others_go_on(empty: Path) -> None:
    with up(empty) as (process, address):
        until(lambda: len(programs(process)) >= 2)
        notebooks = next(one for one in programs(process) if "notebooks.behind_door" in one.cmdline())
        notebooks.kill()
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("notebooks has ended by itself with exit code -9" in line for line in lines)
        with httpx.Client(follow_redirects=True) as client:
            assert client.get(address).status_code == 200
            assert "ended" in client.get(httpx.URL(address).join("/notebooks/members/")).text


def test_a_workspace_without_a_night_opens_and_says_what_to_do(empty: Path) -> None:
    with up(empty) as (_, address), httpx.Client(follow_redirects=True) as client:
        home = client.get(address).text
        assert "No night has run yet." in home
        assert "evenfall nightly" in home
        assert "It opens after the first night." in client.get(httpx.URL(address).join("/mlflow/")).text
        assert client.get(httpx.URL(address).join("/lists/2025-07-19/members")).status_code == 404
        # Nothing was made that a night makes completely or not at all.
        assert not (empty / "mlflow.db").exists()


def test_what_it_writes_is_closed_to_others(empty: Path) -> None:
    with up(empty) as (process, _):
        until(lambda: len(programs(process)) >= 2)
        made = [path for path in (empty / ".evenfall").rglob("*") if path.exists()]
        assert made
        assert all(path.stat().st_mode & 0o077 == 0 for path in made)
        files = [arg for one in programs(process) for arg in one.cmdline() if arg.startswith("/") and "evenfall-" in arg]
        assert {Path(file).parent.stat().st_mode & 0o777 for file in files if Path(file).parent.exists()} == {0o700}


def test_a_taken_port_is_refused_with_a_remedy_before_anything_starts(empty: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = evenfall("up", "--workspace", empty, "--port", port)
    assert done.code == 2
    assert f"port {port} of 127.0.0.1 is taken" in done.err
    assert f"--port {port + 1}" in done.err
    assert not (empty / ".evenfall" / "door").exists()


@pytest.mark.parametrize(
    ("door", "options", "told"),
    [
        ("", ("--host", "0.0.0.0"), "set `password_hash`"),
        ("", ("--host", "192.0.2.1"), "set `password_hash`"),
        ('allowed_hosts = ["evenfall.example"]', (), "set `password_hash`"),
        ('password_hash = "secret"', (), "no argon2 hash"),
        ('password_hash = "${EVENFALL_TEST_NOT_SET}"', (), "EVENFALL_TEST_NOT_SET is not set"),
        ('host = "::"\npassword_hash = "${HASH}"', (), "needs `allowed_hosts`"),
        ('password_hash = "${HASH}"\nallowed_hosts = ["https://evenfall.example"]', (), "without https://"),
        ('password_hash = "${HASH}"\nallowed_hosts = ["evenfall.example"]', ("--host", "192.0.2.1"), "cannot be listened on"),
    ],
)
def test_what_would_open_the_door_too_far_is_refused(
    empty: Path, monkeypatch: pytest.MonkeyPatch, door: str, options: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("HASH", hash_password(PASSWORD))
    with (empty / "evenfall.toml").open("a") as file:
        file.write(f"\n[door]\n{door}\n")
    done = evenfall("up", "--workspace", empty, *options)
    assert done.code == 2
    assert told in done.err


def test_the_password_lets_in_and_a_wrong_one_does_not(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENFALL_DOOR_PASSWORD_HASH", hash_password(PASSWORD))
    with (empty / "evenfall.toml").open("a") as file:
        file.write('\n[door]\npassword_hash = "${EVENFALL_DOOR_PASSWORD_HASH}"\nallowed_hosts = ["evenfall.example"]\n')
    with up(empty) as (_, address), httpx.Client(base_url=address, follow_redirects=True) as client:
        assert "token" not in address
        assert "No night has run yet." not in client.get("/", headers={"accept": "text/html"}).text
        wrong = client.post("/sign-in", data={"password": "another one"})
        assert wrong.status_code == 403
        assert "This is not the password." in wrong.text
        assert client.get("/lists").status_code == 401
        for_others = client.get("/sign-in", headers={"host": "other.example"})
        assert for_others.status_code == 421
        assert "No night has run yet." in client.post("/sign-in", data={"password": PASSWORD}).text
        assert "No night has run yet." in client.get("/", headers={"host": "evenfall.example"}).text
        client.post("/sign-out")
        assert client.get("/lists").status_code == 401
        codes = [client.post("/sign-in", data={"password": f"wrong {number}"}).status_code for number in range(6)]
        assert codes == [403] * 5 + [429]
        assert client.post("/sign-in", data={"password": PASSWORD}).status_code == 429


def test_the_hash_is_printed_for_a_password_typed_twice() -> None:
    command = [sys.executable, "-m", "flows.cli", "up", "--hash-password"]
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    done = subprocess.run(command, cwd=ROOT, input=typed, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert "$argon2id$" in done.stdout
