"""Measuring from outside: what a process costs, step by step, and what a job costs beside its rivals."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_STEP: Final = re.compile(r"^  (.+) …$")
_STARTING: Final = "starting"
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_RESET_PEAK: Final = "5"


class BenchmarkError(RuntimeError):
    """A piece of work that was to be measured failed."""


@dataclass(frozen=True)
class Cost:
    """What something cost.

    Args:
        wall_seconds: By the clock.
        cpu_seconds: Of all threads.
        peak_mib: Most memory held at once; 0 where the system does not tell.
        rows: Rows it worked on; 0 where that says nothing.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    rows: int = 0

    @property
    def rows_per_second(self) -> float:
        """Rows by the clock."""
        return self.rows / self.wall_seconds if self.wall_seconds else 0.0


@dataclass(frozen=True)
class MeasuredNight:
    """What one run of the command line cost.

    Args:
        total: In all.
        steps: Step by step, in their order.
        overheads: Seconds by the clock of orchestration, validation and tracking, where they were watched.
    """

    total: Cost
    steps: dict[str, Cost] = field(default_factory=dict)
    overheads: dict[str, float] = field(default_factory=dict)


def run_job(python: Path, module: str, job: str, inputs: Path, *, result: Path | None) -> Cost:
    """Run one job in a process of its own.

    Raises:
        BenchmarkError: It failed; says how.
    """
    command = [str(python), "-m", f"benchmarks.{module}", job, str(inputs)]
    command += [] if result is None else ["--result", str(result)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BenchmarkError(f"{module} {job} failed:\n{ended.stderr[-2_000:]}")
    return Cost(**json.loads(ended.stdout.splitlines()[-1]))


def run_observed(command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> MeasuredNight:
    """Run a command that names its steps on the terminal, and note what each of them cost.

    A step lasts until the next one is named, so what lies between two steps counts to the earlier one.

    Raises:
        BenchmarkError: It failed; the log says how.
    """
    began = time.perf_counter()
    with (
        log.open("w", encoding="utf-8", buffering=1) as kept,
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        observer = _Observer(process.pid, began)
        assert process.stderr is not None
        for line in process.stderr:
            kept.write(line)
            if found := _STEP.match(line):
                observer.step(found[1])
        # Reaped here, not by Popen: only this way the system tells what the process used.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchmarkError(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text(encoding='utf-8')[-2_000:]}")
    return observer.finish(cpu_seconds=used.ru_utime + used.ru_stime, peak_mib=used.ru_maxrss / 1_024)


class _Observer:
    """Reads the clock, CPU and peak memory of a process whenever a step begins."""

    def __init__(self, pid: int, began: float) -> None:
        self._process = Path(f"/proc/{pid}")
        self._began = began
        self._costs: dict[str, Cost] = {}
        self._now = (_STARTING, began, 0.0)
        self._latest_peak = 0.0
        # The kernel's own record of the peak is gone once the process has ended: it is looked at while it runs.
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def step(self, name: str) -> None:
        cpu, peak = self._cpu_seconds(), self._peak_mib()
        self._close(cpu, peak)
        self._now = (name, time.perf_counter(), cpu)
        self._forget_peak()

    def finish(self, *, cpu_seconds: float, peak_mib: float) -> MeasuredNight:
        self._ended.set()
        self._close(cpu_seconds, self._latest_peak)
        # What the system reports at the end includes the process that started this one, so it is the last resort.
        peak = max(cost.peak_mib for cost in self._costs.values()) or peak_mib
        return MeasuredNight(Cost(time.perf_counter() - self._began, cpu_seconds, peak), self._costs)

    def _close(self, cpu: float, peak: float) -> None:
        name, since, cpu_before = self._now
        before = self._costs.get(name, Cost(0.0, 0.0, 0.0))
        wall = before.wall_seconds + time.perf_counter() - since
        self._costs[name] = Cost(wall, before.cpu_seconds + max(cpu - cpu_before, 0.0), max(before.peak_mib, peak))

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self._latest_peak = self._peak_mib() or self._latest_peak

    def _cpu_seconds(self) -> float:
        try:
            fields = (self._process / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def _peak_mib(self) -> float:
        try:
            status = (self._process / "status").read_text()
        except OSError:
            return 0.0
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1_024 if found else 0.0

    def _forget_peak(self) -> None:
        try:
            (self._process / "clear_refs").write_text(_RESET_PEAK)
        except OSError:
            return


def median_cost(costs: Sequence[Cost]) -> Cost:
    """The median of each figure on its own."""
    return Cost(
        wall_seconds=statistics.median(cost.wall_seconds for cost in costs),
        cpu_seconds=statistics.median(cost.cpu_seconds for cost in costs),
        peak_mib=max(cost.peak_mib for cost in costs),
        rows=costs[0].rows,
    )


def python_here() -> Path:
    """The interpreter that runs the benchmarks."""
    return Path(sys.executable)
