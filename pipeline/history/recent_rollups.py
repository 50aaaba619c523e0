"""The daily rollups for the steps about the whole community, whose recent days are read once where they fit into memory.

The rollups have one file per day. These steps read the days of the last year several times over, and in a small community opening
the files is most of the work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.history import DAILY_SCHEMA, TIES_SCHEMA, History
from lake.contracts import DAILY, TIES
from lake.storage.delta import DAY, Lake
from pipeline.history.consent import consenting, numbers_not_profiled
from runtime.run_context import RunContext

# So many days ending with the night are kept in memory: what is older is read for few purposes, and from its files.
RECENT_DAYS: Final = 400


@dataclass(frozen=True)
class RecentRollups:
    """The daily rollups of everybody, and who of them may not be profiled.

    Args:
        daily: One row per event_date, member_no and activity, in `DAILY_SCHEMA`; days after the night among them.
        ties: One row per event_date, member_no and other_no, in `TIES_SCHEMA`; likewise.
        not_profiled: `member_no` of the members who may not be profiled.
    """

    daily: pl.LazyFrame
    ties: pl.LazyFrame
    not_profiled: pl.Series

    def put_into(self, history: History) -> History:
        """Return a history of the same lake with these rollups, without anything of members who may not be profiled."""
        daily, ties = consenting(self.daily, self.ties, not_profiled=self.not_profiled)
        return replace(history, daily=daily, ties=ties)


def read_recent_rollups(run: RunContext) -> RecentRollups:
    """Return the rollups of all days, those of `RECENT_DAYS` in memory unless they have more rows than the budget allows.

    Args:
        run: The run of a night, whose rollups are up to date.
    """
    lake, first = run.workspace.lake, run.as_of - timedelta(days=RECENT_DAYS - 1)
    daily, ties = lake.scan_or_empty(DAILY, DAILY_SCHEMA), lake.scan_or_empty(TIES, TIES_SCHEMA)
    if _rows_between(lake, first, run.as_of) <= run.settings.scale.budget.rollup_rows_in_memory:
        daily, ties = _with_days_in_memory(daily, ties, first, run.as_of)
    return RecentRollups(daily, ties, numbers_not_profiled(lake))


def _with_days_in_memory(daily: pl.LazyFrame, ties: pl.LazyFrame, first: date, last: date) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    is_recent = pl.col(DAY).is_between(first, last)
    recent = pl.collect_all([daily.filter(is_recent), ties.filter(is_recent)], engine="streaming")
    # Of the other days a query opens no file, unless it asks for them.
    others = (daily.filter(~is_recent), ties.filter(~is_recent))
    in_memory, ties_in_memory = (pl.concat([other, rows.lazy()]) for other, rows in zip(others, recent, strict=True))
    return in_memory, ties_in_memory


def _rows_between(lake: Lake, first: date, last: date) -> int:
    """Return how many rows both rollups have on some days; read from the table logs."""
    is_recent = pl.col(DAY).is_between(first, last)
    return sum(int(lake.rows_by_day(table).filter(is_recent)["rows"].sum()) for table in (DAILY, TIES))
