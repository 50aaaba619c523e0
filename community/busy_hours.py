"""When members are active: by weekday and hour of the community's day."""

from __future__ import annotations

from typing import Final

import polars as pl

HOURS_SCHEMA: Final = pl.Schema({"weekday": pl.Int8(), "hour": pl.Int8(), "members": pl.Int64()})
# Exports that know days alone give every moment the hour 0.
_MIDNIGHT_SHARE: Final = 0.9


def busy_hours(moments: pl.LazyFrame, *, timezone: str) -> pl.DataFrame:
    """Count members by the hours in which they were active: one row per weekday and hour with anybody, in `HOURS_SCHEMA`.

    `weekday` is 1 (Monday) to 7, `hour` 0 to 23; a member counts once in each hour of the week, however often they came. Empty
    where nearly all moments are at midnight: such data know days alone.

    Args:
        moments: One row per activity: member_id, and its time in UTC as `occurred_at`.
        timezone: The community's.
    """
    local = pl.col("occurred_at").dt.convert_time_zone(timezone)
    seen = moments.select(
        "member_id", weekday=local.dt.weekday(), hour=local.dt.hour(), is_midnight=local.dt.time() == pl.time(0)
    )
    by_hour = seen.group_by("weekday", "hour").agg(
        members=pl.col("member_id").n_unique(), moments=pl.len(), at_midnight=pl.col("is_midnight").sum()
    )
    counted = by_hour.sort("weekday", "hour").collect(engine="streaming")
    if counted.is_empty() or int(counted["at_midnight"].sum()) >= _MIDNIGHT_SHARE * int(counted["moments"].sum()):
        return pl.DataFrame(schema=HOURS_SCHEMA)
    return counted.select(HOURS_SCHEMA.names()).cast(HOURS_SCHEMA)
