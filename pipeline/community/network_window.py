"""Which days the network of a night reads: those of `[network] window_days`, or fewer in a large community."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl

from features.network.policy import NetworkPolicy
from lake.contracts import TIES
from lake.storage.delta import DAY
from runtime.run_context import RunContext

# Rows of the ties, each of two members on one day; a network of more would cost more than its share of the night (decision 61).
MOST_TIE_ROWS: Final = 2_000_000


def network_policy(run: RunContext) -> NetworkPolicy:
    """Return the settings of the network, with the window as short as the size of the community makes it.

    Args:
        run: The run.
    """
    policy = run.settings.network
    first = first_day_within(run, TIES, since=run.as_of - timedelta(days=policy.window_days - 1), most_rows=MOST_TIE_ROWS)
    return policy.model_copy(update={"window_days": (run.as_of - first).days + 1})


def first_day_within(run: RunContext, table: str, *, since: date, most_rows: int) -> date:
    """Return the first of the newest days that hold so many rows of a table, but for the night's own day at least.

    Args:
        run: The run.
        table: A table with a day.
        since: The earliest day to return.
        most_rows: The most rows.
    """
    counts = run.workspace.lake.rows_by_day(table).filter(pl.col(DAY).is_between(since, run.as_of))
    newest_first = counts.sort(DAY, descending=True).with_columns(pl.col("rows").cum_sum())
    if newest_first.is_empty() or newest_first["rows"].max() <= most_rows:  # type: ignore[operator]
        return since
    within: date | None = newest_first.filter(pl.col("rows") <= most_rows)[DAY].min()  # type: ignore[assignment]
    return within or run.as_of
