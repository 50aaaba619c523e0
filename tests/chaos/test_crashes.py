"""Killed anywhere and run again, a night ends as if nothing had happened."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.tracking.local_store import make_local_store
from tests.chaos.crowd import NIGHT, write_crowd, write_next_day
from tests.chaos.driver import Driver, Ended, Moment
from tests.chaos.states import differences, state_of

NIGHTS = (NIGHT, NIGHT + timedelta(days=3), NIGHT + timedelta(days=6))

# One for each kind of half-done work, in the order of the night: two tables of three landed, all landed but not recorded, one
# rollup of two written, a model registered but not judged, promoted but not yet called champion, arms frozen but no decision
# recorded, lists whole but not in place.
WOUNDS = (
    (Moment("lake.landing.land_batches", leaving=True, occurrence=2), "landing …"),
    (Moment("lake.arrivals.record"), "landing …"),
    (Moment("lake.storage.delta.Lake.replace_days", leaving=True, occurrence=4), "rolling up …"),
    (Moment("runtime.tracking.tracking.Tracking.log_training", leaving=True), "training churn"),
    (Moment("runtime.tracking.promotions.settle", occurrence=2), "training churn"),
    (Moment("pipeline.engagement.ledger._freeze", leaving=True), "publishing the lists …"),
    (Moment("outputs.publishing.folder._swap"), "publishing the lists …"),
)


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    write_crowd(tmp_path / "as written")
    return tmp_path / "as written"


def test_a_night_killed_at_seven_moments_ends_like_one_that_was_not(driver: Driver, crowd: Path, tmp_path: Path) -> None:
    whole, wounded = tmp_path / "whole", tmp_path / "wounded"
    for workspace in (whole, wounded):
        shutil.copytree(crowd, workspace)
        # Lent; the long test below dies while it is made.
        make_local_store(workspace / "mlflow.db")
    for moment, reached in WOUNDS:
        ended = driver.night(wounded, NIGHT, dies=moment)
        assert ended.was_killed, f"{moment}: {ended.said}"
        assert reached in ended.said, f"{moment}: {ended.said}"
        assert not (wounded / "lists" / NIGHT.isoformat()).exists()
    for workspace in (wounded, whole):
        ended = driver.night(workspace, NIGHT)
        assert ended.code == 0, ended.said
    assert differences(state_of(whole), state_of(wounded)) == []


@pytest.mark.soak
def test_three_nights_killed_before_every_task_and_at_random_end_like_nights_that_were_not(
    driver: Driver, crowd: Path, tmp_path: Path, record_property: Any
) -> None:
    workspace, before = tmp_path / "workspace", tmp_path / "before"
    shutil.copytree(crowd, workspace)
    seed = random.SystemRandom().randrange(10_000)
    tried, wrong = 0, []
    for number, night in enumerate(NIGHTS):
        if number:
            write_next_day(workspace, night)
        put_in_place_of(before, workspace)
        undisturbed = driver.night(workspace, night, count=True)
        assert undisturbed.code == 0, undisturbed.said
        expected = state_of(workspace)
        for moment in _moments(undisturbed, random.Random(seed + number), first=not number):
            put_in_place_of(workspace, before)
            killed = driver.night(workspace, night, dies=moment)
            again = driver.night(workspace, night)
            tried += killed.was_killed
            told = [again.said[-2_000:]] if again.code else differences(expected, state_of(workspace))
            wrong += [f"seed {seed}, {night}, {moment}: {one}" for one in told]
    record_property("crash points", f"{tried} tried (seed {seed}), {len(wrong)} differences")
    assert not wrong, "\n".join(wrong[:20])
    assert tried >= 50


def put_in_place_of(there: Path, here: Path) -> None:
    """Make one folder what another is."""
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(here, there)


def _moments(night: Ended, chance: random.Random, *, first: bool) -> Iterator[Moment]:
    """The beginning of every task and the end of the last, then moments inside them by call and by the clock."""
    for task in night.tasks:
        yield Moment(task)
    yield Moment(night.tasks[-1], leaving=True)
    for occurrence in (1, 2):  # before what arrived counts, and after
        yield Moment("flows.nightly.write_validation_page", occurrence=occurrence)
    for _ in range(6):
        yield Moment(call=chance.randrange(1, night.calls))
    for _ in range(2):
        yield Moment(seconds=chance.uniform(0.05, 0.9) * night.seconds)
    if first:
        # While the tracking store makes its own tables, nothing of ours is called.
        for seconds in (0.2, 0.5, 1.0, 1.6):
            yield Moment("runtime.tracking.local_store.make_local_store", seconds=seconds)
