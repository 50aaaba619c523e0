"""The recent days of the rollups are read once where they fit into memory; what a query gets is the same in any case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history import DAILY_SCHEMA, TIES_SCHEMA
from lake.contracts import DAILY, TIES
from lake.storage.delta import DAY
from pipeline.history.recent_rollups import RECENT_DAYS, read_recent_rollups
from runtime.run_context import RunContext, open_run

NIGHT = date(2025, 6, 1)
NOW = datetime(2025, 7, 1, 2, 30, tzinfo=UTC)
ROWS_A_DAY = 400
# On both sides of the first recent day, and after the night.
DAYS = [NIGHT - timedelta(days=ago) for ago in (900, RECENT_DAYS, RECENT_DAYS - 1, 5, 0, -1)]
RECENT = pl.col(DAY).is_between(NIGHT - timedelta(days=RECENT_DAYS - 1), NIGHT)
# At most 1,000 rows in memory.
TIGHT = '[scale]\nmax_memory = "64KiB"\n'


def run_with(folder: Path, *, more: str = "") -> RunContext:
    """Write rollups of a few days, with other numbers on each, and open a run on them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(f'{more}[sources.events]\npath = "events.csv"\n', encoding="utf-8")
    run = open_run(folder, NIGHT, now=NOW)
    numbers = pl.DataFrame({"member_no": range(ROWS_A_DAY)})
    rows = pl.concat([numbers.with_columns(event_date=pl.lit(day), n=pl.lit(place)) for place, day in enumerate(DAYS, start=1)])
    for table, schema in ((DAILY, DAILY_SCHEMA), (TIES, TIES_SCHEMA)):
        absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
        run.workspace.lake.replace_days(table, rows.with_columns(absent).select(schema.names()).cast(schema), days=DAYS)
    return run


@pytest.mark.parametrize("more", ["", TIGHT])
def test_a_query_gets_every_day_whether_it_is_in_memory_or_not(tmp_path: Path, more: str) -> None:
    run = run_with(tmp_path, more=more)
    rollups, lake = read_recent_rollups(run), run.workspace.lake
    for table, read in ((DAILY, rollups.daily), (TIES, rollups.ties)):
        for condition in (pl.lit(value=True), RECENT, ~RECENT, pl.col(DAY) >= DAYS[1]):
            stored = lake.scan(table).filter(condition).collect()
            assert_frame_equal(read.filter(condition).collect(), stored, check_row_order=False)


def test_recent_days_are_read_once_and_no_file_of_another_day_is_opened_for_them(tmp_path: Path) -> None:
    read = read_recent_rollups(run_with(tmp_path / "memory"))
    tight = read_recent_rollups(run_with(tmp_path / "files", more=TIGHT))
    for file in tmp_path.rglob("*.parquet"):
        file.unlink()
    assert read.daily.filter(RECENT).collect(engine="streaming").height == 3 * ROWS_A_DAY
    assert read.ties.filter(RECENT).collect(engine="streaming").height == 3 * ROWS_A_DAY
    for rollups in (read.daily.filter(~RECENT), tight.daily.filter(RECENT)):
        with pytest.raises(FileNotFoundError):
            rollups.collect(engine="streaming")
