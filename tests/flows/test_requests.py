"""A night with its lake in a bucket asks a few times a step, however many days the tables hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.history.daily_rollups import load_snapshot, update_rollups
from pipeline.intake.intake import land_intake, validate_sources
from pipeline.retention import vacuum_tables
from runtime.run_context import RunContext, open_run
from tests.forum import FORUM, NIGHT, NOW, write_events, write_forum
from tests.object_store import ObjectStore, object_store

__all__ = ["object_store"]


def take_in(run: RunContext) -> None:
    intake = validate_sources(run.workspace, run.settings, as_of=run.as_of, now=run.now, progress=lambda _: None)
    land_intake(run.workspace, intake)
    intake.spool.empty()


STEPS: dict[str, Callable[[RunContext], object]] = {
    "taking in": take_in,
    "catching up": update_rollups,
    "looking back": load_snapshot,
    "tidying": vacuum_tables,
}
# As measured: a look at a table is one listing of its log, and some tables are read, written and looked at several times.
MOST_A_STEP = {"taking in": 150, "catching up": 100, "looking back": 250, "tidying": 250}


def two_nights(store: ObjectStore, folder: Path, *, days: int) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """What each step asked of the store in the first and in the second night: method and key, or LIST."""
    bucket = store.make_bucket()
    write_forum(folder, configuration=f'{FORUM}\n[lake]\npath = "s3://{bucket}/lake"\n')
    write_events(folder, "events-old.csv", range(-6 * days, 0))
    asked: list[dict[str, Counter[str]]] = []
    for number in range(2):
        run = open_run(folder, NIGHT.isoformat(), now=NOW + timedelta(days=number))
        store.asked()
        asked.append({})
        for name, work in STEPS.items():
            work(run)
            asked[-1][name] = Counter(store.asked())
        write_events(folder, f"events-{number}.csv", range(120, 126))
    return asked[0], asked[1]


@pytest.fixture(scope="module")
def nights(object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[dict[str, Counter[str]], ...]]:
    return {days: two_nights(object_store, tmp_path_factory.mktemp(f"days{days}"), days=days) for days in (5, 17)}


@pytest.mark.parametrize("step", STEPS)
def test_a_later_night_asks_as_often_of_seventeen_days_as_of_five(
    nights: dict[int, tuple[dict[str, Counter[str]], ...]], step: str
) -> None:
    few, many = (nights[days][1][step].total() for days in (5, 17))
    assert 0 < many <= MOST_A_STEP[step]
    # A log with a checkpoint more is a file more.
    assert abs(many - few) <= 10


def test_a_first_load_writes_and_reads_each_day_of_a_table_once(
    nights: dict[int, tuple[dict[str, Counter[str]], ...]],
) -> None:
    first = sum(nights[17][0].values(), Counter[str]())
    data = {asked: times for asked, times in first.items() if asked.endswith(".parquet") and "_delta_log" not in asked}
    assert len([asked for asked in data if asked.startswith("PUT")]) > 3 * 17
    assert set(data.values()) == {1}
