"""Measure everything, print it as tables, write JSON and the page `docs/benchmarks.md`.

python -m benchmarks.run --members 25000 --events 2500000 --rivals-python benchmarks/.venv/bin/python
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from benchmarks.community import read_size, write_community
from benchmarks.inputs import write_inputs
from benchmarks.machine import describe_machine
from benchmarks.measure import Cost, MeasuredNight
from benchmarks.nights import add_day, load, make_workspace, prefect_server, run_night
from benchmarks.page import page, tables
from benchmarks.population import Size
from benchmarks.results import Results, Twice, targets
from benchmarks.rivalry import WORKS, Comparison, measure


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Args:
        size: The community.
        folder: Where everything is written.
        rivals_python: Interpreter of the environment with DuckDB and Featuretools.
        nights: Nights in a row, each with a day of new events.
        repeats: Turns of each comparison.
        new_events: Events of each new day; None for as many as on the mean day.
        twice: Share of the community on which the night is measured with a history of two lengths; 0 leaves that out.
        days_at_once: Days of history loaded at once.
        sample: Members that Featuretools gets.
        community: A community written before, instead of a new one.
    """

    size: Size
    folder: Path
    rivals_python: Path
    nights: int
    repeats: int
    new_events: int | None
    twice: float
    days_at_once: int
    sample: int
    community: Path | None = None


def run(plan: Plan, *, command: str) -> Results:
    """Measure everything.

    Raises:
        BenchmarkError: Something of ours failed, or a rival made something else than ours.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    machine = describe_machine()
    community = plan.community or _written(plan.folder / "community", plan.size)
    size = read_size(community)
    workspace = plan.folder / "workspace"
    make_workspace(community, workspace)
    loads = load(workspace, days_at_once=plan.days_at_once, progress=_say)
    with prefect_server(plan.folder / "server") as server:
        _say("first night: trains")
        first = run_night(workspace, size.last_day, server=server, new_rows=0, members=size.members)
        nights, last = _nights(workspace, plan, size, server=server)
        twice = _twice(plan, size, server=server) if plan.twice else None
    _say("writing the tables for the rivals")
    inputs = plan.folder / "inputs"
    write_inputs(workspace, inputs, as_of=last, timezone="UTC", sample=plan.sample)
    comparisons = [_compared(plan, inputs, number) for number in range(len(WORKS))]
    return Results(command, machine, asdict(size), _summed(loads), first, nights, twice, comparisons)


def _nights(workspace: Path, plan: Plan, size: Size, *, server: str) -> tuple[list[MeasuredNight], date]:
    nights, last = [], size.last_day
    new_rows = plan.new_events or size.events // size.days
    for number in range(plan.nights):
        last = add_day(workspace, events=new_rows)
        _say(f"night {number + 1} of {plan.nights}: {last}")
        nights.append(run_night(workspace, last, server=server, new_rows=new_rows, members=size.members))
    return nights, last


def _twice(plan: Plan, size: Size, *, server: str) -> Twice:
    """Nights on a history and on one twice as long, in turn; the days are equally busy."""
    members, events = max(int(size.members * plan.twice), 2), int(size.events * plan.twice)
    longer = Size(members, 2 * events, 2 * size.days, size.seed, days_per_file=size.days_per_file)
    community = _written(plan.folder / "community-twice", longer)
    found: dict[str, list[MeasuredNight]] = {"once": [], "twice": []}
    for name, days in (("once", size.days), ("twice", None)):
        workspace = plan.folder / name
        make_workspace(community, workspace, days=days)
        with (workspace / "evenfall.toml").open("a", encoding="utf-8") as configuration:
            configuration.write("\n[prediction]\nlearning_members = 10_000  # trainings are not compared here\n")
        load(workspace, days_at_once=plan.days_at_once, progress=_say)
        run_night(workspace, longer.last_day, server=server, new_rows=0, members=members)
    new_rows = events // size.days
    for number in range(plan.nights):
        for name, nights in found.items():
            day = add_day(plan.folder / name, events=new_rows)
            _say(f"night {number + 1} of {plan.nights} on the history {name} as long")
            nights.append(run_night(plan.folder / name, day, server=server, new_rows=new_rows, members=members))
    return Twice(members, events, found["once"], found["twice"])


def _compared(plan: Plan, inputs: Path, number: int) -> Comparison:
    folder = plan.folder / "results"
    return measure(WORKS[number], inputs, folder, repeats=plan.repeats, rivals_python=plan.rivals_python, progress=_say)


def _written(folder: Path, size: Size) -> Path:
    """Write a community, unless this very one is there already."""
    if (folder / "community.json").exists() and read_size(folder) == size:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    write_community(folder, size, progress=_say)
    return folder


def _summed(costs: Sequence[Cost]) -> Cost:
    return Cost(
        sum(cost.wall_seconds for cost in costs),
        sum(cost.cpu_seconds for cost in costs),
        max(cost.peak_mib for cost in costs),
        sum(cost.rows for cost in costs),
    )


def _say(line: str) -> None:
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the tables, write JSON and the page."""
    parser = argparse.ArgumentParser(prog="benchmarks.run", description="Measure nights and rivals.")
    parser.add_argument("--members", type=int, default=25_000)
    parser.add_argument("--events", type=int, default=2_500_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=Size().seed)
    parser.add_argument("--days-per-file", type=int, default=28, help="Days of history in one file of an export.")
    parser.add_argument("--community", type=Path, help="A community written before, instead of a new one.")
    parser.add_argument("--new-events", type=int, help="Events of each new day.  [default: as on the mean day]")
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--twice", type=float, default=0.4, help="Share of the community for the history twice as long; 0: none.")
    parser.add_argument("--days-at-once", type=int, default=400, help="Days of history loaded at once.")
    parser.add_argument("--sample", type=int, default=1_000, help="Members that Featuretools gets.")
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/scratch"))
    parser.add_argument("--rivals-python", type=Path, default=Path("benchmarks/.venv/bin/python"))
    parser.add_argument("--json", type=Path, help="Where the figures go.  [default: results.json in the folder]")
    parser.add_argument("--page", type=Path, help="Write the page there, such as docs/benchmarks.md.")
    parser.add_argument("--keep", action="store_true", help="Keep the workspaces and inputs.")
    asked = parser.parse_args(arguments)
    size = Size(asked.members, asked.events, asked.days, asked.seed, days_per_file=asked.days_per_file)
    plan = Plan(
        size=size,
        folder=asked.folder.resolve(),
        rivals_python=asked.rivals_python.absolute(),
        nights=asked.nights,
        repeats=asked.repeats,
        new_events=asked.new_events,
        twice=asked.twice,
        days_at_once=asked.days_at_once,
        sample=asked.sample,
        community=asked.community,
    )
    # Ended from outside, the run still stops the server it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    results = run(plan, command=_told(arguments))
    written = {**asdict(results), "targets": [asdict(target) for target in targets(results)]}
    (asked.json or plan.folder / "results.json").write_text(json.dumps(written, indent=1, default=str), encoding="utf-8")
    print(tables(results))
    if asked.page is not None:
        asked.page.write_text(page(results), encoding="utf-8")
    if not asked.keep:
        for name in ("workspace", "once", "twice", "inputs", "community", "community-twice", "server"):
            shutil.rmtree(plan.folder / name, ignore_errors=True)


def _told(arguments: list[str] | None) -> str:
    """The command as somebody else would type it: without the places of this machine."""
    given = sys.argv[1:] if arguments is None else arguments
    places = ("--folder", "--rivals-python", "--json", "--page", "--community")
    kept = [text for text, before in zip(given, ["", *given], strict=False) if text not in places and before not in places]
    return " ".join(["python -m benchmarks.run", *(text for text in kept if text != "--keep")])


if __name__ == "__main__":
    main()
