"""When members are active: in the community's own time, each member once an hour of the week."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from community.busy_hours import busy_hours

MONDAY = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


def moments(*rows: tuple[str, datetime]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema={"member_id": pl.String, "occurred_at": pl.Datetime("us", "UTC")}, orient="row")


def test_a_member_counts_once_in_an_hour_of_the_community_s_day() -> None:
    later = MONDAY.replace(minute=59)
    seen = moments(("a", MONDAY), ("a", later), ("b", MONDAY), ("a", MONDAY.replace(day=9)), ("b", MONDAY.replace(hour=3)))
    assert busy_hours(seen, timezone="UTC").rows() == [(1, 3, 1), (1, 23, 2)]
    # Half past one on Tuesday.
    assert (2, 7, 2) in busy_hours(seen, timezone="Asia/Shanghai").rows()


def test_data_that_know_days_alone_have_no_hours() -> None:
    midnight = [("a", MONDAY.replace(day=day, hour=0, minute=0)) for day in range(2, 22)]
    assert busy_hours(moments(*midnight, ("a", MONDAY)), timezone="UTC").is_empty()
    assert busy_hours(moments(*midnight[:1], ("a", MONDAY)), timezone="UTC").height == 2
    assert busy_hours(moments(), timezone="UTC").is_empty()
