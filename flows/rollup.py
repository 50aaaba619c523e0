"""Rolling up: the days that changed become daily rollups in the lake; the rollups become the history features look at."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.history import EVENT_PREFIX, History
from features.rollups import (
    DAILY_SCHEMA,
    RESPONSE_WINDOW_DAYS,
    TIES_SCHEMA,
    daily_rollup,
    days_to_roll_up,
    ties_rollup,
)
from lake.contracts import TABLES
from lake.member_index import scan_member_index
from lake.store import DAY, Lake
from lake.times import local_date

DAILY: Final = "daily"
TIES: Final = "ties"
MOST_EVENT_TYPES: Final = 24
# A first load is rolled up in stretches of days, so that memory follows the stretch and not the history.
_DAYS_AT_ONCE: Final = 60
_TIMED_TABLES: Final = tuple(name for name, table in TABLES.items() if table.time is not None)


def roll_up(lake: Lake, *, timezone: str, now_date: date) -> list[date]:
    """Bring the daily rollups up to date with the landed tables.

    Which days changed is read from the tables' logs since the versions the rollups were last made from, so a crash before
    this step is caught up by the next run.

    Args:
        lake: The lake.
        timezone: The community's.
        now_date: The last day that can hold anything.

    Returns:
        The days rolled up anew.
    """
    made_from = lake.metadata(DAILY).get("versions", {}) if lake.exists(DAILY) and lake.exists(TIES) else {}
    if lake.metadata(TIES).get("versions", {}) != made_from:
        made_from = {}
    versions = {name: lake.version(name) for name in _TIMED_TABLES}
    changed = {
        name: lake.days_changed(name, since_version=made_from.get(name, -1))
        for name, version in versions.items()
        if version >= 0 and version != made_from.get(name, -1)
    }
    days = days_to_roll_up(changed, last_day=_last_day(lake, now_date))
    if not days and made_from:
        return []
    days = days or [now_date]
    for start in range(0, len(days), _DAYS_AT_ONCE):
        stretch = days[start : start + _DAYS_AT_ONCE]
        # The versions are noted with the last stretch only: an interrupted first load starts again from the beginning.
        metadata = {"versions": versions if start + _DAYS_AT_ONCE >= len(days) else made_from}
        _roll_up_days(lake, stretch, timezone=timezone, metadata=metadata)
    return days


def load_history(lake: Lake, *, timezone: str, as_of: date) -> History:
    """Gather what features may look at, members who may not be profiled left out.

    Args:
        lake: The lake with its rollups up to date.
        timezone: The community's.
        as_of: The night; decides which event types get features of their own.
    """
    daily = lake.scan_or_empty(DAILY, DAILY_SCHEMA)
    return History(
        members=members_known(lake, timezone=timezone).filter(pl.col("can_profile").fill_null(True)),
        daily=daily,
        ties=lake.scan_or_empty(TIES, TIES_SCHEMA),
        available=_available(lake, as_of=as_of),
        event_types=_event_types(daily.filter(pl.col(DAY) <= as_of)),
    )


def members_known(lake: Lake, *, timezone: str) -> pl.LazyFrame:
    """One row per member of the members table or with any row in the rollups: the `members` of a history.

    `seen_from` is null for a member listed without a joining time, who counts as always known.
    """
    index = scan_member_index(lake)
    first = lake.scan_or_empty(DAILY, DAILY_SCHEMA).group_by("member_no").agg(first_date=pl.col(DAY).min())
    listed = lake.scan_or_empty("members", TABLES["members"].landed_schema).with_columns(is_listed=pl.lit(True))
    referrers = index.select(pl.col("member_id").alias("referrer_id"), pl.col("member_no").alias("referrer_no"))
    joined = local_date(pl.col("joined_at"), timezone=timezone)
    return (
        index.join(listed, on="member_id", how="left")
        .join(first, on="member_no", how="left")
        .filter(pl.col("is_listed") | pl.col("first_date").is_not_null())
        .join(referrers, on="referrer_id", how="left")
        .with_columns(joined_date=joined)
        .with_columns(
            seen_from=pl.when(pl.col("is_listed").is_not_null() & pl.col("joined_date").is_null())
            .then(None)
            .otherwise(pl.min_horizontal("joined_date", "first_date"))
        )
        .select(
            "member_no",
            "member_id",
            "seen_from",
            "joined_date",
            "platform",
            "region",
            "gender",
            "birth_year",
            "referrer_no",
            "can_contact",
            "can_profile",
        )
    )


def _last_day(lake: Lake, now_date: date) -> date:
    """The last day that anything may have happened on; messages are answered later than they are sent."""
    newest = {name: max(lake.days(name), default=date.min) for name in _TIMED_TABLES}
    if newest["contacts"] > date.min:
        newest["contacts"] = min(newest["contacts"] + timedelta(days=RESPONSE_WINDOW_DAYS), max(now_date, *newest.values()))
    return max(newest.values())


def _roll_up_days(lake: Lake, days: Collection[date], *, timezone: str, metadata: dict[str, object]) -> None:
    index = scan_member_index(lake)
    content = _up_to(lake, "content", max(days))
    daily = daily_rollup(
        events=_on(lake, "events", days),
        orders=_on(lake, "orders", days),
        content=content,
        contacts=_on(lake, "contacts", days, before_days=RESPONSE_WINDOW_DAYS),
        feedback=_on(lake, "feedback", days),
        member_index=index,
        timezone=timezone,
        days=days,
    )
    ties = ties_rollup(events=_on(lake, "events", days), content=content, member_index=index)
    lake.replace_days(DAILY, daily.collect(engine="streaming").sort(DAY, "member_no", "activity"), days=days, metadata=metadata)
    lake.replace_days(TIES, ties.collect(engine="streaming").sort(DAY, "member_no", "other_no"), days=days, metadata=metadata)


def _on(lake: Lake, table: str, days: Collection[date], *, before_days: int = 0) -> pl.LazyFrame | None:
    if not lake.exists(table):
        return None
    if not before_days:
        return lake.scan(table).filter(pl.col(DAY).is_in(sorted(days)))
    return lake.scan(table).filter(pl.col(DAY).is_between(min(days) - timedelta(days=before_days), max(days)))


def _up_to(lake: Lake, table: str, day: date) -> pl.LazyFrame | None:
    return lake.scan(table).filter(pl.col(DAY) <= day) if lake.exists(table) else None


def _available(lake: Lake, *, as_of: date) -> frozenset[str]:
    """Table names, and `table.column` for optional columns with any value; rows after the night do not count."""
    found: set[str] = set()
    for name, table in TABLES.items():
        if not lake.exists(name):
            continue
        rows = lake.scan(name) if table.time is None else lake.scan(name).filter(pl.col(DAY) <= as_of)
        optional = [
            c for c, contract in table.columns.items() if not contract.required and c != table.key and c in table.landed_schema
        ]
        present = rows.select(pl.len() > 0, pl.col(optional).is_not_null().any()).collect(engine="streaming").row(0, named=True)
        if present.pop("len"):
            found |= {name, *(f"{name}.{column}" for column, has_any in present.items() if has_any)}
    return frozenset(found)


def _event_types(daily: pl.LazyFrame) -> tuple[str, ...]:
    counted = (
        daily.filter(pl.col("activity").str.starts_with(EVENT_PREFIX))
        .group_by("activity")
        .agg(pl.col("n").sum())
        .collect(engine="streaming")
        .sort(["n", "activity"], descending=[True, False])
    )
    return tuple(activity.removeprefix(EVENT_PREFIX) for activity in counted["activity"].head(MOST_EVENT_TYPES))
