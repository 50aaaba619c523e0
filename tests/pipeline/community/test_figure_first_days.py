"""First days that are carried on are those of a reading of all days, whatever days were written again."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history import DAILY_SCHEMA
from lake.contracts import DAILY
from lake.storage.delta import Lake
from pipeline.community.figure_first_days import FIRST_DAYS_SCHEMA, update_first_days

FIRST = date(2026, 1, 1)
ACTIVITIES = ("event:view", "order", "received", "content")


def write(lake: Lake, days: list[int], chance: random.Random) -> None:
    rows = [
        (FIRST + timedelta(days=n), member, activity, 1, 0, 0, 1, 0, 0)
        for n in days
        for member in range(1, 7)
        for activity in ACTIVITIES
        if chance.random() < 0.12
    ]
    written = {FIRST + timedelta(days=n) for n in days}
    lake.replace_days(DAILY, pl.DataFrame(rows, schema=DAILY_SCHEMA, orient="row"), days=written)


@pytest.mark.parametrize("seed", range(4))
def test_first_days_carried_on_are_those_of_all_days(tmp_path: Path, seed: int) -> None:
    lake, chance = Lake(tmp_path / "lake"), random.Random(seed)
    write(lake, list(range(12)), chance)
    carried = update_first_days(lake, FIRST_DAYS_SCHEMA.to_frame(), changed=None)
    for _ in range(6):
        version = lake.version(DAILY)
        write(lake, sorted(chance.sample(range(14), chance.choice((1, 3)))), chance)
        carried = update_first_days(lake, carried, changed=lake.days_changed(DAILY, since_version=version))
        anew = update_first_days(lake, FIRST_DAYS_SCHEMA.to_frame(), changed=None)
        assert_frame_equal(carried.sort("member_no"), anew.sort("member_no"))
    assert carried["first_order"].null_count() < carried.height
