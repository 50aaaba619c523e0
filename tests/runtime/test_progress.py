"""What a person sees of a run: a live line with a bar on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from runtime.progress import each, say, showing

_STEP = """
import time
from runtime.progress import each, say, showing
with showing("taking in"):
    for part in each("abc", total=3, unit="files"):
        say(f"[{part}]: 10 rows read")
        time.sleep(0.3)
print("done")
"""


def on_a_terminal(code: str) -> tuple[str, str]:
    """Run code whose standard error is a terminal; what it wrote there and to standard output."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, stdin=subprocess.DEVNULL, env=environment, text=True
    ) as process:
        os.close(theirs)
        shown = bytearray()
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # as Linux ends a terminal that nobody holds any more
                break
            if not part:
                break
            shown += part
        os.close(ours)
        out = process.communicate()[0]
    assert process.returncode == (1 if "raise" in code else 0), shown.decode()
    return shown.decode(), out


def without_escapes(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)


def test_without_a_terminal_there_are_plain_lines_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with showing("taking in"):
        for part in each("ab", total=2, unit="files"):
            say(f"[{part}]: 10 rows read")
    assert capfd.readouterr() == ("", "  taking in …\n  [a]: 10 rows read\n  [b]: 10 rows read\n")


def test_on_a_terminal_a_step_has_a_bar_and_leaves_its_lines_and_seconds() -> None:
    raw, out = on_a_terminal(_STEP)
    shown = without_escapes(raw)
    assert out == "done\n"
    assert "1 of 3 files" in shown
    assert "━" in shown
    left = [line.strip() for line in shown.replace("\r", "\n").splitlines()]
    for line in ("[a]: 10 rows read", "[b]: 10 rows read", "[c]: 10 rows read"):
        assert line in left
    assert re.search(r"✓ taking in  [01]\.\d s\s*$", shown)


def test_a_step_that_fails_is_marked_and_gives_the_terminal_back() -> None:
    shown = without_escapes(on_a_terminal(_STEP.replace("time.sleep(0.3)", "raise ValueError(part)"))[0])
    assert "✗ taking in" in shown
    assert "ValueError: a" in shown.split("✗ taking in")[1]


def test_a_process_that_is_ended_in_a_step_shows_the_cursor_again() -> None:
    ended = "import os; from runtime.progress import restore_terminal; restore_terminal(); os._exit(0)"
    shown, _ = on_a_terminal(_STEP.replace("time.sleep(0.3)", ended))
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0
