"""The hour to contact somebody: the one in which they are most often active, within the allowed hours."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from zoneinfo import available_timezones

import polars as pl

from lake.contracts import EVENTS
from lake.storage.delta import DAY
from runtime.run_context import RunContext

_LOOK_BACK_DAYS: Final = 90
# Fewer moments than these are no habit.
_LEAST_MOMENTS: Final = 5
_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "suggested_hour": pl.Int32()})


def suggested_hours(run: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """Return the hour of the member's day, 0 to 23, to contact them: one row per member with a habit, member_no, suggested_hour.

    Args:
        run: The run.
        members: One row per member: member_no, member_id, timezone (null: the community's).
    """
    lake = run.workspace.lake
    if members.is_empty() or not lake.exists(EVENTS.name):
        return pl.DataFrame(schema=_SCHEMA)
    since = run.as_of - timedelta(days=_LOOK_BACK_DAYS - 1)
    moments = (
        lake.scan(EVENTS.name)
        .filter(pl.col(DAY).is_between(since, run.as_of) & pl.col("member_id").is_in(members["member_id"].implode()))
        .select("member_id", "occurred_at")
        .collect(engine="streaming")
        .join(members, on="member_id")
        .with_columns(zone=_zones(members["timezone"].unique().drop_nulls().to_list(), run.timezone))
    )
    first, last = run.settings.contact_policy.hours
    by_zone = [
        group.select("member_no", hour=pl.col("occurred_at").dt.convert_time_zone(zone).dt.hour().cast(pl.Int32))
        for (zone,), group in moments.group_by("zone")
    ]
    if not by_zone:
        return pl.DataFrame(schema=_SCHEMA)
    counted = pl.concat(by_zone).group_by("member_no", "hour").len()
    usual = (
        counted.with_columns(moments=pl.col("len").sum().over("member_no"))
        .filter(pl.col("moments") >= _LEAST_MOMENTS)
        .sort("len", "hour", descending=[True, False])
        .unique("member_no", keep="first", maintain_order=True)
    )
    return usual.select("member_no", suggested_hour=pl.col("hour").clip(first, last)).cast(_SCHEMA)


def _zones(named: Collection[str], community: str) -> pl.Expr:
    """Return the timezone of each member; an unknown name counts as none."""
    known = {name for name in named if name in available_timezones()}
    return pl.when(pl.col("timezone").is_in(list(known))).then("timezone").otherwise(pl.lit(community))
