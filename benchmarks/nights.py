"""Real nights of the command line, on a lake with a history, against a running Prefect server.

    python -m benchmarks.nights WORKSPACE YYYY-MM-DD

takes in what lies in the workspace's landing folder and rolls it up, without a night: how a long history is loaded.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.community import read_size, write_one_more_day
from benchmarks.job import peak_mib
from benchmarks.measure import ROOT, BenchmarkError, Cost, MeasuredNight, python_here, run_observed

_SERVER_STARTS_SECONDS: Final = 180
_SERVER_STOPS_SECONDS: Final = 30
_TABLES: Final = ("members", "events", "orders")
# Steps that read what arrived; the others touch members.
_STEPS_OF_NEW_ROWS: Final = ("taking in", "landing", "rolling up")

Progress = Callable[[str], None]


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Run a Prefect server of our own on this machine while the block runs; gives its address.

    Raises:
        BenchmarkError: It did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PREFECT_HOME": str(folder.resolve()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "true",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        "PREFECT_API_URL": "",
    }
    command = [str(python_here()), "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _await(f"http://127.0.0.1:{port}/api/health", process)
            yield f"http://127.0.0.1:{port}/api"
        finally:
            process.terminate()
            try:
                process.wait(_SERVER_STOPS_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_workspace(community: Path, workspace: Path, *, days: int | None = None) -> None:
    """Make a workspace with the newest days of a community's history, by links: nothing is copied.

    Args:
        community: What `benchmarks.community` wrote.
        workspace: A new folder.
        days: How many days of events and orders; None for all. Members are those of the whole history.
    """
    size = read_size(community)
    shutil.rmtree(workspace, ignore_errors=True)
    first = date.min if days is None else size.last_day - timedelta(days=days - 1)
    for table in _TABLES:
        (workspace / "landing" / table).mkdir(parents=True)
        for path in _files(community, table):
            if table == "members" or date.fromisoformat(path.stem) >= first:
                os.link(path, workspace / "landing" / table / path.name)
    for name in ("evenfall.toml", "community.json"):
        shutil.copy(community / name, workspace / name)


def load(workspace: Path, *, days_at_once: int, progress: Progress) -> list[Cost]:
    """Take in and roll up a long history a stretch of days at a time, so that memory follows the stretch.

    Args:
        workspace: A workspace with a full landing folder and no lake.
        days_at_once: Days of a stretch.
        progress: Told after each stretch.

    Returns:
        What each stretch cost.
    """
    waiting = workspace / "waiting"
    (workspace / "landing").rename(waiting)
    costs = []
    # Members who joined before the first activity come with it: every source must have a file.
    days = sorted(
        {date.fromisoformat(path.stem) for table in ("events", "orders") for path in _files(workspace, table, "waiting")}
    )
    starts = [date.min]
    for day in days[1:]:
        if (day - max(starts[-1], days[0])).days >= days_at_once:
            starts.append(day)
    for table in _TABLES:
        (workspace / "landing" / table).mkdir(parents=True)
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else date.max
        moved = 0
        for table in _TABLES:
            for path in _files(workspace, table, "waiting"):
                if start <= date.fromisoformat(path.stem) < end:
                    path.rename(workspace / "landing" / table / path.name)
                    moved += 1
        costs.append(_load_stretch(workspace, read_size(workspace).last_day))
        progress(f"{number + 1} of {len(starts)} stretches loaded: {moved} files in {costs[-1].wall_seconds:.0f} s")
    shutil.rmtree(waiting)
    return costs


def run_night(workspace: Path, as_of: date, *, server: str, new_rows: int, members: int) -> MeasuredNight:
    """Run `evenfall nightly`, watched, and note what its steps cost."""
    overheads = workspace / f"overheads-{as_of}.json"
    command = [str(python_here()), "-m", "benchmarks.overhead", str(overheads)]
    command += ["nightly", "--workspace", str(workspace), "--as-of", as_of.isoformat()]
    environment = {"PREFECT_API_URL": server, "PYTHONUNBUFFERED": "1"}
    found = run_observed(command, environment=environment, log=workspace / f"night-{as_of}.log")
    rows = {name: new_rows if name in _STEPS_OF_NEW_ROWS else members for name in found.steps}
    steps = {name: Cost(c.wall_seconds, c.cpu_seconds, c.peak_mib, rows[name]) for name, c in found.steps.items()}
    total = Cost(found.total.wall_seconds, found.total.cpu_seconds, found.total.peak_mib, new_rows)
    return MeasuredNight(total, steps, json.loads(overheads.read_text(encoding="utf-8")))


def add_day(workspace: Path, *, events: int) -> date:
    """Add one more day of exports to a workspace; the same day of a community is the same in each."""
    return write_one_more_day(workspace, events=events)


def _files(workspace: Path, table: str, folder: str = "landing") -> list[Path]:
    return sorted((workspace / folder / table).glob("*.parquet"))


def _load_stretch(workspace: Path, as_of: date) -> Cost:
    command = [str(python_here()), "-m", "benchmarks.nights", str(workspace), as_of.isoformat()]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BenchmarkError(f"loading the history failed:\n{ended.stderr[-2_000:]}")
    return Cost(**json.loads(ended.stdout.splitlines()[-1]))


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SERVER_STARTS_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise BenchmarkError("the Prefect server did not start")


def _take_in(workspace: Path, as_of: date) -> dict[str, float]:
    from pipeline.history.daily_rollups import roll_up
    from pipeline.intake.intake import land_intake, validate_sources
    from runtime.settings import load_settings
    from runtime.workspace import Workspace

    place, settings, now = Workspace(workspace.resolve()), load_settings(workspace), datetime.now(UTC)
    wall, cpu = time.perf_counter(), time.process_time()
    intake = validate_sources(place, settings, as_of=as_of, now=now, progress=lambda _: None)
    wrong = [finding.says for finding in intake.stops if finding.rule != "fresh_enough"]
    if wrong:
        raise BenchmarkError("; ".join(wrong))
    rows = sum(arrival.facts["rows_read"] for arrival in intake.arrivals)
    land_intake(place, intake)
    intake.spool.empty()
    budget = settings.scale.budget
    roll_up(place.lake, timezone=settings.community.timezone, now_date=as_of, rows_at_once=budget.rolled_up_rows)
    cost = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "peak_mib": peak_mib()}
    return {**cost, "rows": rows}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_take_in(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))) + "\n")
