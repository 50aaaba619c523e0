from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.history import TIES_SCHEMA
from lake.contracts import TIES
from pipeline.community import network_window
from pipeline.community.network_window import first_day_within, network_policy
from runtime.run_context import RunContext, open_run

NIGHT = date(2024, 3, 31)
PAIRS_A_DAY = 10


@pytest.fixture
def run(tmp_path: Path) -> RunContext:
    """A community in which ten pairs met on each day but one, from 39 days before the night to the day after it."""
    (tmp_path / "landing").mkdir()
    (tmp_path / "evenfall.toml").write_text('[sources.events]\npath = "landing/*.csv"\n', encoding="utf-8")
    run = open_run(tmp_path, NIGHT.isoformat())
    days = [NIGHT - timedelta(days=ago) for ago in range(-1, 40) if ago != 7]
    rows = [(day, pair, pair + 1, 1) for day in days for pair in range(PAIRS_A_DAY)]
    run.workspace.lake.replace_days(TIES, pl.DataFrame(rows, schema=dict(TIES_SCHEMA), orient="row"), days=set(days))
    return run


@pytest.mark.parametrize(("most_rows", "days_ago"), [(1_000, 365), (390, 365), (389, 38), (75, 6), (80, 8), (10, 0), (3, 0)])
def test_the_newest_days_that_hold_so_many_rows_are_read_and_the_night_at_least(
    run: RunContext, most_rows: int, days_ago: int
) -> None:
    since = NIGHT - timedelta(days=365)
    assert first_day_within(run, TIES, since=since, most_rows=most_rows) == NIGHT - timedelta(days=days_ago)


def test_a_community_that_meets_often_has_a_shorter_window_and_another_that_of_its_settings(
    run: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert network_policy(run) == run.settings.network
    monkeypatch.setattr(network_window, "MOST_TIE_ROWS", 50)
    assert network_policy(run) == run.settings.network.model_copy(update={"window_days": 5})
