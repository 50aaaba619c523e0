"""Read what the heat maps of the report show: weekly cohorts, and when members are active."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl

from community.busy_hours import HOURS_SCHEMA, busy_hours
from community.cohorts import COHORTS_SCHEMA, first_cohort_day, weekly_cohorts
from features.history import DAILY_SCHEMA, is_activity
from lake.contracts import DAILY, EVENTS, ORDERS
from lake.roles import scan_roles
from lake.storage.delta import DAY, Lake
from pipeline.community.figure_members import MEMBERS_OF_FIGURES
from runtime.run_context import RunContext

COHORT_WEEKS: Final = 12
_HOURS_DAYS: Final = 56
_MOMENTS: Final = pl.Schema({"member_id": pl.String(), "occurred_at": pl.Datetime("us", "UTC")})
_JOINED: Final = pl.Schema({"member_no": pl.Int32(), "is_counted": pl.Boolean(), "seen_from": pl.Date()})


def read_cohorts(lake: Lake, as_of: date) -> pl.DataFrame:
    """Return the weekly cohorts of the last weeks: rows of `COHORTS_SCHEMA`; staff and bots do not count.

    Args:
        lake: The lake, whose figures of the night are counted.
        as_of: The night.
    """
    first = first_cohort_day(as_of, weeks=COHORT_WEEKS)
    members = lake.scan_or_empty(MEMBERS_OF_FIGURES, _JOINED).filter("is_counted", pl.col("seen_from").is_between(first, as_of))
    joined = members.select("member_no", day="seen_from").collect()
    if joined.is_empty():
        return pl.DataFrame(schema=COHORTS_SCHEMA)
    daily = lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY).is_between(first, as_of), is_activity())
    active = daily.select("member_no", day=DAY).join(joined.lazy().select("member_no"), on="member_no", how="semi").unique()
    return weekly_cohorts(joined, active.collect(engine="streaming"), as_of=as_of, weeks=COHORT_WEEKS)


def read_busy_hours(run: RunContext) -> pl.DataFrame:
    """Return when members were active in the last eight weeks: rows of `HOURS_SCHEMA`; staff and bots do not count.

    Args:
        run: The run.
    """
    lake, since = run.workspace.lake, run.as_of - timedelta(days=_HOURS_DAYS - 1)
    parts = [
        lake.scan(table)
        .filter(pl.col(DAY).is_between(since, run.as_of))
        .select("member_id", pl.col(column).cast(_MOMENTS["occurred_at"]).alias("occurred_at"))
        for table, column in ((EVENTS.name, "occurred_at"), (ORDERS.name, "ordered_at"))
        if lake.exists(table)
    ]
    if not parts:
        return pl.DataFrame(schema=HOURS_SCHEMA)
    moments = pl.concat(parts).join(scan_roles(lake).select("member_id"), on="member_id", how="anti")
    return busy_hours(moments, timezone=run.timezone)
