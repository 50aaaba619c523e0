"""Long runs: many nights, each with its day's file, some of it late, end where one big load ends."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.storage.delta import Lake
from tests.communities import LAST_DAY, shop_lines, write_shop
from tests.nights import Run

pytestmark = pytest.mark.soak
NIGHTS = 30


def facts(workspace: Path, table: str) -> pl.DataFrame:
    """What a table says, without where and when each record came from."""
    rows = Lake(workspace / "lake").scan(table).collect()
    kept = [column for column in rows.columns if column not in ("ingested_at", "source_file", "arrival_id", "source")]
    return rows.select(kept).sort(kept)


def test_thirty_nights_of_daily_files_with_stragglers_end_like_one_load(run: Run, tmp_path: Path) -> None:
    lines = shop_lines().with_columns(day=pl.col("at").str.slice(0, 10).str.to_date())
    # Every seventh order comes three days late, in the file of a later day.
    late = pl.col("order").str.slice(1).cast(pl.Int64) % 7 == 0
    arrival = pl.when(late).then(pl.col("day") + pl.duration(days=3)).otherwise("day")
    dated = lines.with_columns(arrives=arrival)
    nightly, at_once = tmp_path / "nightly", tmp_path / "at_once"
    first = LAST_DAY - timedelta(days=NIGHTS)
    columns = ["order", "customer", "at", "quantity", "price"]
    write_shop(nightly, dated.filter(pl.col("arrives") <= first).select(columns))
    for days in range(NIGHTS + 1):
        night = first + timedelta(days=days)
        if days:
            todays = dated.filter(pl.col("arrives") == night).select(columns)
            todays.write_csv(nightly / "landing" / f"orders-{night}.csv")
        done = run("nightly", "--workspace", nightly, "--as-of", night)
        assert done.code == 0, done.err
    write_shop(at_once, dated.filter(pl.col("arrives") <= LAST_DAY).select(columns))
    assert run("nightly", "--workspace", at_once, "--as-of", LAST_DAY).code == 0
    assert facts(nightly, "orders").equals(facts(at_once, "orders"))
    numbers = [Lake(workspace / "lake").scan("member_index").collect() for workspace in (nightly, at_once)]
    daily = [
        facts(workspace, "daily").join(index, on="member_no").drop("member_no")
        for workspace, index in zip((nightly, at_once), numbers, strict=True)
    ]
    assert daily[0].sort(daily[0].columns).equals(daily[1].sort(daily[1].columns))
