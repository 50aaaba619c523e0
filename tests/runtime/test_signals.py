"""Ctrl-C and SIGTERM end a night that runs from the command line, and leave no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.forum import write_forum
from tests.paths import ROOT

ENDS_SECONDS = 60


@pytest.fixture(scope="module")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Prefect's temporary servers keep their tables, which are made once."""
    return tmp_path_factory.mktemp("prefect")


@contextmanager
def night(folder: Path, prefect_home: Path, *, until: str) -> Iterator[subprocess.Popen[str]]:
    """A night as a terminal or a service manager starts it, with Prefect's temporary server, once it has said something."""
    write_forum(folder)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    started = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "nightly", "--workspace", str(folder), "--as-of", "2025-03-20"],
        cwd=ROOT,
        env=own | {"PREFECT_HOME": str(prefect_home)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert started.stderr is not None
        said = []
        for line in started.stderr:
            said.append(line)
            if until in line:
                break
        assert until in said[-1], "".join(said)
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.communicate()


def group(leader: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            # After the name in brackets: state, parent, group.
            state, _, of, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(of) == leader and state != "Z":
                found.append(int(entry.name))
    return found


def ended(started: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = started.communicate(timeout=ENDS_SECONDS)
    for _ in range(100):
        if not group(started.pid):
            break
        time.sleep(0.1)
    assert not group(started.pid)
    return started.returncode, said


@pytest.mark.parametrize("step", ["taking in", pytest.param("rolling up", marks=pytest.mark.soak)])
def test_ctrl_c_at_a_terminal_reaches_prefects_server_as_well_and_the_night_stops_all_the_same(
    step: str, tmp_path: Path, prefect_home: Path
) -> None:
    with night(tmp_path, prefect_home, until=f"{step} …") as started:
        os.killpg(started.pid, signal.SIGINT)
        code, said = ended(started)
    assert code == 130
    assert said.splitlines()[-1] == "Stopped; run again to go on."
    assert "Traceback" not in said


@pytest.mark.soak
def test_a_night_that_is_told_to_end_takes_its_processes_along(tmp_path: Path, prefect_home: Path) -> None:
    with night(tmp_path, prefect_home, until="taking in …") as started:
        os.kill(started.pid, signal.SIGTERM)
        code, said = ended(started)
    assert code == 143
    assert said.splitlines()[-1] == "Stopped; run again to go on."
    assert "Traceback" not in said
    log = (tmp_path / "logs" / "2025-03-20.jsonl").read_text().splitlines()
    assert [json.loads(line)["exit"] for line in log if '"run ended"' in line] == [143]


_WAITING = """
import atexit, logging, subprocess, sys, time
from runtime import signals as stopping
stopping.GRACE_SECONDS = 0.5
stopping.stop_when_asked()
# As Prefect's threads do, whose server the same Ctrl-C has ended.
atexit.register(logging.error, "The server has gone.")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
class Lost:
    def __del__(self):
        print("waits", flush=True)
        time.sleep(600)
try:
    if sys.argv[1] == "lost":
        Lost()
        time.sleep(600)
    print("waits", flush=True)
    time.sleep(600)
except KeyboardInterrupt as stopped:
    if sys.argv[1] == "waited with":
        time.sleep(600)
    child.kill()
    stopping.end_stopped(stopped)
"""


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("interrupt", ["heard", "lost", "waited with"])
def test_whatever_becomes_of_an_interrupt_the_process_and_its_children_end(asked: signal.Signals, interrupt: str) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", _WAITING, interrupt],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert started.stdout is not None
        assert started.stdout.readline() == "waits\n"
        os.kill(started.pid, asked)
        assert ended(started) == (128 + asked, "Stopped; run again to go on.\n")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
