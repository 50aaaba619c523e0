"""The totals kept in the lake are those of a count from the beginning, whatever happened to rows and consent in between."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history import DAILY_SCHEMA, TIES_SCHEMA
from lake.contracts import DAILY, TABLES, TIES
from lake.member_index import MEMBER_INDEX
from lake.storage.delta import Lake
from pipeline.history.incremental_totals import TOTALS_TABLES, update_stored_totals

FIRST_DAY = date(2024, 1, 1)
NIGHT = FIRST_DAY + timedelta(days=20)


def write(lake: Lake, *, refused: Iterable[str], factor: int = 1, days: Iterable[int] = range(40)) -> None:
    """Everybody posts every day, and member 1 reaches member 2 once a day."""
    written = [FIRST_DAY + timedelta(days=day) for day in days]
    activities = [(1, "event:post", 2 * factor), (2, "event:post", 3 * factor), (2, "received", 5 * factor), (3, "order", 1)]
    daily = [(day, member, activity, n, 0, 0, n, 0, 0) for day in written for member, activity, n in activities]
    met = [(1, 2, factor), (2, 1, 1), (2, 3, 2), (3, 1, factor)]
    # Not everybody meets every day, so that a day that leaves a window takes people with it.
    ties = [(day, *one) for day in written for number, one in enumerate(met) if not day.day % (number + 1)]
    lake.replace_days(DAILY, pl.DataFrame(daily, schema=dict(DAILY_SCHEMA), orient="row"), days=set(written))
    lake.replace_days(TIES, pl.DataFrame(ties, schema=dict(TIES_SCHEMA), orient="row"), days=set(written))
    ids = ["m1", "m2", "m3"]
    lake.replace(MEMBER_INDEX, pl.DataFrame({"member_no": [1, 2, 3], "member_id": ids}, schema_overrides={"member_no": pl.Int32}))
    members = [{"member_id": name, "can_profile": name not in set(refused)} for name in ids]
    lake.replace("members", pl.DataFrame(members, schema=TABLES["members"].landed_schema))


@pytest.mark.parametrize("nights", [0, 1, 9])
@pytest.mark.parametrize(("before", "after"), [((), ()), ((), ("m1",)), (("m1",), ()), (("m1",), ("m2",))])
def test_a_carried_night_is_a_night_counted_from_the_beginning(
    tmp_path: Path, before: tuple[str, ...], after: tuple[str, ...], nights: int
) -> None:
    as_of = NIGHT + timedelta(days=nights)
    carried, counted = Lake(tmp_path / "carried"), Lake(tmp_path / "counted")
    for lake in (carried, counted):
        write(lake, refused=before)
    update_stored_totals(carried, as_of=NIGHT, max_rows_in_memory=0)
    for lake in (carried, counted):
        write(lake, refused=after, factor=4, days=[3, 20, 25])
    assert not any(counted.exists(table) for table in TOTALS_TABLES.values())
    expected = update_stored_totals(counted, as_of=as_of, max_rows_in_memory=1_000_000).frames()
    for name, frame in update_stored_totals(carried, as_of=as_of, max_rows_in_memory=0).frames().items():
        assert_frame_equal(frame, expected[name], check_exact=True)
