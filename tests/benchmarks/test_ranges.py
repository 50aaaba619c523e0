"""The measurement of the ranges, on a small community whose habits do not change: they hold as often as they say."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.ranges import HALVES, WINDOWS, _half, _scores
from features.history import DAILY_SCHEMA
from lake.contracts import DAILY
from lake.storage.delta import DAY
from runtime.run_context import open_run

NIGHT = date(2026, 3, 1)
MEMBERS, DAYS = 150, 480


def test_every_other_week_is_moved_together_and_both_halves_are_all_days() -> None:
    days = pl.DataFrame({"age": range(28)}).with_columns(before="age")
    first, second = (_half(days, half) for half in (0, 1))
    assert first["before"].to_list() == [*range(7), *range(14, 21)]
    assert second["before"].to_list() == [*range(7, 14), *range(21, 28)]
    assert first["age"].to_list() == second["age"].to_list() == list(range(14))
    assert [window // 2 for window in WINDOWS] == list(HALVES)


def test_two_repeats_of_the_same_habit_differ_by_no_more_than_both_ranges_about_eight_times_of_ten(tmp_path: Path) -> None:
    (tmp_path / "evenfall.toml").write_text('[community]\nname = "Steady"\n[sources.events]\npath = "*.csv"\n', encoding="utf-8")
    run = open_run(tmp_path, NIGHT)
    random = np.random.default_rng(5)
    is_active = random.random((MEMBERS, DAYS)) < random.beta(1, 4, MEMBERS)[:, None]
    member, ago = np.nonzero(is_active)
    days = pl.Series(ago).map_elements(lambda back: NIGHT - timedelta(days=back), pl.Date)
    daily = pl.DataFrame({"member_no": member, DAY: days}).with_columns(activity=pl.lit("event:visit"), n=pl.lit(1))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in DAILY_SCHEMA.items() if name not in daily.columns]
    rows = daily.with_columns(missing).select(DAILY_SCHEMA.names()).cast(dict(DAILY_SCHEMA))
    run.workspace.lake.replace_days(DAILY, rows, days=set(rows[DAY]))
    line, mean = _scores(run, [NIGHT - timedelta(days=28)])
    found = re.fullmatch(r"2026-02-01: (\d+) members, median width \d+, held (0\.\d+), later (0\.\d+)", line)
    assert found is not None, line
    assert int(found[1]) <= MEMBERS
    assert 0.65 <= float(found[2]) <= 0.95
    assert mean == f"mean: alternate weeks {found[2]}, 28 days later {found[3]}"
