"""Who is known on a night: from the first day of activity or the day of joining, whatever they said about being profiled."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.history import DAILY_SCHEMA, TIES_SCHEMA
from lake.contracts import DAILY, TABLES, TIES
from lake.member_index import MEMBER_INDEX
from lake.storage.delta import Lake
from pipeline.history.daily_rollups import members_known

NIGHT = date(2024, 3, 31)
# Days from the night: first activity (None: never), joining (None: unknown; 9: later than anything here).
LIVES = [(first, joined) for first in (-1, 0, 1, None) for joined in (-1, 0, 1, 9, None)]


def on(days: int) -> date:
    return NIGHT + timedelta(days=days)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Each life twice: of somebody who may be profiled, and of somebody who may not; who was active went on the day after."""
    lake = Lake(tmp_path / "lake")
    everybody = [(may, *life) for may in (True, False) for life in LIVES]
    active = [
        (on(day), number, "event:post", 1, 0, 0, 1, 0, 0)
        for number, (_, first, _) in enumerate(everybody, start=1)
        if first is not None
        for day in (first, first + 1)
    ]
    daily = pl.DataFrame(active, schema=dict(DAILY_SCHEMA), orient="row")
    lake.replace_days(DAILY, daily, days=set(daily["event_date"]))
    lake.replace_days(TIES, pl.DataFrame(schema=dict(TIES_SCHEMA)), days={NIGHT})
    ids = [f"{'yes' if may else 'no'} {first} {joined}" for may, first, joined in everybody]
    numbers = {"member_no": range(1, len(ids) + 1), "member_id": ids}
    lake.replace(MEMBER_INDEX, pl.DataFrame(numbers, schema_overrides={"member_no": pl.Int32}))
    members = [
        {
            "member_id": name,
            "can_profile": may,
            "joined_at": None if joined is None else datetime.combine(on(joined), datetime.min.time(), UTC),
        }
        for name, (may, _, joined) in zip(ids, everybody, strict=True)
    ]
    lake.replace("members", pl.DataFrame(members, schema=TABLES["members"].landed_schema))
    return lake


@pytest.mark.parametrize("night", [-1, 0, 1])
def test_members_are_known_from_the_day_they_joined_or_first_did_anything_that_night_included(lake: Lake, night: int) -> None:
    known = members_known(lake, timezone="UTC", as_of=on(night)).collect()
    found = dict(known.select("member_id", "seen_from").iter_rows())
    expected = {
        f"{said} {first} {joined}": None
        if joined is None
        else min(on(joined), on(first) if first is not None and first <= night else date.max)
        for said in ("yes", "no")
        for first, joined in LIVES
    }
    assert found == expected
