"""Read when members are active, for the heat map of the report."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from community.busy_hours import HOURS_SCHEMA, busy_hours
from lake.contracts import EVENTS, ORDERS
from lake.roles import scan_roles
from lake.storage.delta import DAY
from runtime.run_context import RunContext

_HOURS_DAYS: Final = 56
_MOMENTS: Final = pl.Schema({"member_id": pl.String(), "occurred_at": pl.Datetime("us", "UTC")})


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
