"""Judging in a process of its own: the same verdicts, whatever becomes of the process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

import polars as pl
import pytest

from expectations import client as validation
from expectations import messages
from expectations.engine import SUITES_DIR, LocalSuite, RuleError
from expectations.runner import ValidationResult, validate
from lake.contracts import TABLES
from tests.paths import ROOT

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
EVENTS = TABLES["events"]
ROWS = pl.DataFrame(
    {
        "row_no": range(6),
        "event_id": ["a", "b", "b", "d", None, "f"],
        "member_id": ["ann", "nobody", "bob", None, "ann", "bob"],
        "event_type": ["post", "like", "", "x" * 300, "post", "post"],
        "occurred_at": [NOW - timedelta(days=day) for day in (1, 40_000, 2, 3, -9, 4)],
    },
    schema={
        "row_no": pl.Int64,
        **{name: EVENTS.columns[name].dtype for name in ("event_id", "member_id", "event_type", "occurred_at")},
    },
)


@pytest.fixture(scope="module")
def lasting() -> Iterator[validation._Process]:
    """The process, begun although some other test may have read Great Expectations here."""
    begun = validation._Process()
    yield begun
    begun.end()


@pytest.fixture
def process(lasting: validation._Process, monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[bytes]:
    """What judges while a test runs."""
    monkeypatch.setattr(validation, "_process", lasting)
    return lasting._child


def judged(*, rows_per_chunk: int = 2, suites_dir: Path = SUITES_DIR) -> ValidationResult:
    [found] = validate(
        EVENTS,
        [ROWS],
        references={"members": pl.Series(["ann", "bob"])},
        now=NOW,
        future_tolerance=timedelta(hours=1),
        rows_per_chunk=rows_per_chunk,
        suites_dir=suites_dir,
    )
    return found


def same(one: ValidationResult, other: ValidationResult) -> bool:
    return one.good.equals(other.good) and one.bad.equals(other.bad) and one.outcomes == other.outcomes


def test_the_verdicts_are_those_of_judging_here(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = [judged(), judged(rows_per_chunk=100)]
    assert process.poll() is None
    monkeypatch.setattr(validation, "_process", None)
    here = judged()
    assert here.bad["row_no"].to_list() == [1, 2, 3, 4]
    assert all(same(one, here) for one in elsewhere)


def test_a_suite_that_cannot_be_used_is_named_and_the_next_one_is_judged(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    shutil.copy(SUITES_DIR / "events.json", tmp_path)
    suite = json.loads((tmp_path / "events.json").read_text())
    suite["expectations"][0]["type"] = "expect_the_unexpected"
    (tmp_path / "events.json").write_text(json.dumps(suite))
    with pytest.raises(RuleError, match=r"events\.json cannot be used") as told:
        judged(suites_dir=tmp_path)
    assert "Restore the file" in told.value.remedy
    assert judged().bad.height == 4
    assert process.poll() is None


@pytest.mark.parametrize(
    ("when", "what"),
    [
        ("before the rules", signal.SIGKILL),
        ("between two chunks", signal.SIGKILL),
        ("before the rules", signal.SIGSTOP),
        pytest.param("between two chunks", signal.SIGSTOP, marks=pytest.mark.soak),
    ],
)
def test_a_process_that_is_killed_or_answers_no_more_loses_no_row(
    when: str, what: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what is signal.SIGSTOP:
        monkeypatch.setattr(validation, "ANSWER_SECONDS", 0.5 if when == "before the rules" else 20.0)
    begun = validation._Process()
    monkeypatch.setattr(validation, "_process", begun)
    if when == "before the rules":
        begun._child.send_signal(what)
    else:
        ask = begun.validate
        asked: list[object] = []

        def met_by_it_after_the_first(*question: Any) -> Any:
            if asked:
                monkeypatch.setattr(validation, "ANSWER_SECONDS", 0.5)
                begun._child.send_signal(what)
            asked.append(question)
            return ask(*question)

        monkeypatch.setattr(begun, "validate", met_by_it_after_the_first)
    found = judged()
    assert validation._process is None
    assert f"ended before its time (exit code -{signal.SIGKILL.value})" in str(validation.stop_worker())
    assert validation.stop_worker() is None
    assert same(found, judged())


def test_what_is_told_is_the_exit_code_of_a_process_that_ended_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "great_expectations.py").write_text("raise SystemExit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # A busy machine takes its time to end a process.
    monkeypatch.setattr(validation, "_ENDS_SECONDS", 60)
    monkeypatch.setattr(validation, "_process", validation._Process())
    assert judged().bad.height == 4
    assert "ended before its time (exit code 7)" in str(validation.stop_worker())


def test_a_process_whose_answer_was_read_by_half_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = validation._Process()
    monkeypatch.setattr(validation, "_process", begun)
    judged()
    whole = messages._exactly

    def out_of_memory(pipe: IO[bytes], length: int) -> bytes:
        monkeypatch.setattr(messages, "_exactly", whole)
        raise MemoryError

    monkeypatch.setattr(messages, "_exactly", out_of_memory)
    with pytest.raises(MemoryError):
        judged()
    assert begun._child.poll() is not None
    assert judged().bad.height == 4


_BEGUN: Final = """
import sys
from expectations import client
client.start_worker()
from tests.expectations.test_client import judged
print(client._process._child.pid, judged().bad.height, "great_expectations" in sys.modules, flush=True)
input()
"""


def test_whoever_began_it_reads_nothing_heavy_and_takes_it_along_when_killed(tmp_path: Path) -> None:
    # A community's folder may hold anything, modules that are called like ours included.
    (tmp_path / "expectations.py").write_text("raise SystemExit('not this one')")
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", _BEGUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    child, bad, is_read = parent.stdout.readline().decode().split()
    parent.kill()
    parent.communicate()
    assert (bad, is_read) == ("4", "False")
    assert _is_gone(int(child))


def _is_gone(pid: int) -> bool:
    for _ in range(600):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


def test_where_great_expectations_was_read_already_nothing_is_begun() -> None:
    LocalSuite("events")
    validation.start_worker()
    assert validation._process is None
