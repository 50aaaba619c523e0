"""One run at a time in a workspace, and a dead run's hold is no hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lake.errors import ConfigurationError, WorkspaceBusyError
from runtime.workspace import Workspace

HOLD = """
import sys, time
from pathlib import Path
from runtime.workspace import Workspace
with Workspace(Path(sys.argv[1])).locked("a long night"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_run_is_told_who_holds_the_workspace(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(WorkspaceBusyError) as caught, Workspace(tmp_path).locked("nightly"):
        pass
    assert caught.value.exit_code == 5
    assert "a long night" in caught.value.what
    assert f"process {holder.pid}" in caught.value.what


def test_the_hold_of_a_killed_run_is_taken_over(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with Workspace(tmp_path).locked("nightly"):
        assert f'"process": {os.getpid()}' in (tmp_path / ".evenfall" / "holder.json").read_text()


def test_a_hold_ends_with_its_block_even_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Workspace(tmp_path).locked("first"):
        raise RuntimeError
    began = time.monotonic()
    with Workspace(tmp_path).locked("second"):
        pass
    assert time.monotonic() - began < 30


def test_a_folder_that_cannot_be_written_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / ".evenfall").write_text("in the way")
    with pytest.raises(ConfigurationError, match="cannot be written"), Workspace(tmp_path).locked("nightly"):
        pass
