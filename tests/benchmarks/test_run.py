"""The runner measures what it says, judges it, and tells it on one page."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.compare import Agreement
from benchmarks.measure import BenchmarkError, Cost, MeasuredNight, run_observed
from benchmarks.page import page
from benchmarks.results import Results, Twice, median_night, targets
from benchmarks.rivalry import (
    FEATURES,
    FLOOR,
    FROM_THE_BEGINNING,
    REASONS,
    ROLLUP,
    ROLLUP_OF_THE_DAY,
    SAMPLED_FEATURES,
    Comparison,
    Rival,
)
from benchmarks.run import main
from tests.paths import ROOT

RIVALS_PYTHON = ROOT / "benchmarks" / ".venv" / "bin" / "python"
_BUSY = """
import sys, time
def say(step): print(f"  {step} …", file=sys.stderr, flush=True)
say("taking in"); held = bytearray(120 * 2**20); held = None
say("scoring"); until = time.process_time() + 0.4
while time.process_time() < until: pass
time.sleep(0.3)
"""


def a_night(seconds: float, peak_mib: float) -> MeasuredNight:
    step = Cost(seconds / 2, seconds, peak_mib, 1_000)
    overheads = {"orchestration": 3.0, "validation": 4.0, "tracking": 1.0}
    return MeasuredNight(Cost(seconds, seconds, peak_mib, 1_000), {"starting": step, "scoring": step}, overheads)


def results(*, seconds: float = 60, peak_mib: float = 3_000, ours: float = 1.0, duckdb: float = 5.0) -> Results:
    def compared(work: str, rival: str, wall: float) -> Comparison:
        agreement = None if rival == FLOOR else Agreement(10, 2, 3, {})
        return Comparison(work, Cost(ours, ours, 10, 1_000), {rival: Rival(Cost(wall, wall, 10, 10), agreement)})

    def with_the_long_way(found: Comparison) -> Comparison:
        return replace(found, rivals={**found.rivals, FROM_THE_BEGINNING: Rival(Cost(ours, ours, 10, 1_000), None)})

    return Results(
        command="python -m benchmarks.run",
        machine={"cores": "2"},
        size={"members": 10, "events": 1_000, "days": 20},
        load=Cost(1, 1, 1, 1_000),
        first_night=a_night(500, 7_000),
        nights=[a_night(seconds, peak_mib), a_night(3 * seconds, peak_mib), a_night(seconds, peak_mib)],
        twice=Twice(10, 100, [a_night(10, 1)], [a_night(10.5, 1)]),
        comparisons=[
            compared(ROLLUP, FLOOR, 0.5),
            compared(ROLLUP_OF_THE_DAY, FLOOR, 0.5),
            with_the_long_way(compared(FEATURES, "DuckDB", duckdb)),
            compared(SAMPLED_FEATURES, "Featuretools", 20.0),
            replace(compared(REASONS, "LightGBM pred_contrib", 9.0), failed={"another": "out of memory"}),
        ],
    )


def test_what_each_step_of_a_command_costs_is_seen_from_outside(tmp_path: Path) -> None:
    seen = run_observed([sys.executable, "-c", _BUSY], environment={}, log=tmp_path / "log")
    assert list(seen.steps) == ["starting", "taking in", "scoring"]
    assert seen.steps["scoring"].cpu_seconds >= 0.3
    assert seen.steps["taking in"].cpu_seconds < 0.3
    assert sum(step.wall_seconds for step in seen.steps.values()) == pytest.approx(seen.total.wall_seconds, abs=0.1)
    if sys.platform == "linux":
        assert seen.steps["taking in"].peak_mib > 120 > seen.steps["scoring"].peak_mib > 1
    assert seen.total.peak_mib >= max(step.peak_mib for step in seen.steps.values())


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no such thing"):
        run_observed([sys.executable, "-c", "raise SystemExit('no such thing')"], environment={}, log=tmp_path / "log")


def test_the_median_night_is_not_thrown_by_one_slow_night() -> None:
    assert median_night(results(seconds=60).nights).total.wall_seconds == 60


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        (results(), set()),
        (results(seconds=91), {"a night, wall seconds"}),
        (results(seconds=50), {"orchestration, validation and tracking"}),
        (results(peak_mib=4_097), {"a night, peak MiB"}),
        (results(duckdb=3.9), {"window features of a night, times DuckDB"}),
        (results(ours=1.6, duckdb=7.0), {"rollup of the newest day"}),
    ],
)
def test_a_target_that_is_missed_is_told_as_missed(found: Results, missed: set[str]) -> None:
    told = {target.says for target in targets(found) if not target.is_reached}
    assert len(told) == len(missed)
    assert all(any(says.startswith(start) for says in told) for start in missed)


def test_the_page_tells_the_command_every_comparison_and_what_could_not_finish() -> None:
    told = page(results())
    assert "    python -m benchmarks.run\n" in told
    assert f"| {FEATURES}: DuckDB | 5.00 |" in told
    assert "10 values, 2 of 3 columns" in told
    assert f"- {REASONS}: another did not finish: out of memory" in told
    assert "1.05 times the wall seconds" in told
    assert "| a night, wall seconds | ≤ 90 | 60.00 | yes |" in told


@pytest.mark.soak
def test_a_whole_run_measures_nights_and_rivals_and_cleans_up(tmp_path: Path) -> None:
    if not RIVALS_PYTHON.exists():
        pytest.skip("benchmarks/.venv is not there; `make rivals` makes it")
    size = ["--members", "600", "--events", "30000", "--days", "150", "--sample", "30"]
    few = ["--nights", "1", "--repeats", "1", "--twice", "0.5", "--days-at-once", "60"]
    places = ["--folder", str(tmp_path / "bench"), "--rivals-python", str(RIVALS_PYTHON), "--page", str(tmp_path / "page.md")]
    main([*size, *few, *places])
    written = json.loads((tmp_path / "bench" / "results.json").read_text(encoding="utf-8"))
    assert {found["work"] for found in written["comparisons"]} == {ROLLUP, ROLLUP_OF_THE_DAY, FEATURES, SAMPLED_FEATURES, REASONS}
    assert all(not found["failed"] for found in written["comparisons"])
    night = written["nights"][0]
    assert {"taking in", "scoring", "finding reasons"} <= set(night["steps"])
    assert all(seconds > 0 for seconds in night["overheads"].values())
    assert sum(night["overheads"].values()) < night["total"]["wall_seconds"]
    assert written["load"]["rows"] > 30_000
    assert str(tmp_path) not in (tmp_path / "page.md").read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["results.json"]
