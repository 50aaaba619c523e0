"""The contributor absence factor: the fewest people who make half of the contributions, and how it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from features.calendar import FOUR_WEEKS_DAYS

PERIOD_DAYS: Final = FOUR_WEEKS_DAYS
PERIODS: Final = 13
_SHARE: Final = 0.5


@dataclass(frozen=True)
class Absence:
    """The contributor absence factor of one period.

    Args:
        last_day: The last day of the period.
        factor: The fewest people who made half of the contributions; 0 where there were none.
        contributors: The people who contributed.
        contributions: What they contributed.
    """

    last_day: date
    factor: int
    contributors: int
    contributions: int


def absence_factor(contributions: Sequence[int], *, share: float = _SHARE) -> int:
    """Return the fewest people who make a share of the contributions; 0 where there are none.

    Source: CHAOSS metric "Contributor Absence Factor".

    Args:
        contributions: The number of contributions of each person.
        share: The share of all contributions.
    """
    most_first = np.sort(np.asarray(contributions, dtype=np.int64))[::-1]
    if most_first.sum() == 0:
        return 0
    return int(np.searchsorted(most_first.cumsum(), most_first.sum() * share) + 1)


def absence_trend(contributions: pl.DataFrame, *, as_of: date, periods: int = PERIODS) -> tuple[Absence, ...]:
    """Measure the factor for periods of 28 days, the newest of which ends with the night; the oldest first.

    Periods before the first contribution are left out.

    Args:
        contributions: One row per event_date and member_no: n contributions; days after the night are ignored.
        as_of: The night.
        periods: How many periods.
    """
    age = (pl.lit(as_of) - pl.col("event_date")).dt.total_days() // PERIOD_DAYS
    aged = contributions.with_columns(age=age).filter(pl.col("age").is_between(0, periods - 1))
    by_person = aged.group_by("age", "member_no").agg(pl.col("n").cast(pl.Int64).sum()).sort("age", "member_no")
    made: dict[int, list[int]] = dict(by_person.group_by("age").agg("n").iter_rows())
    oldest = max(made, default=-1)
    return tuple(_period(made.get(ago, []), as_of - timedelta(days=ago * PERIOD_DAYS)) for ago in range(oldest, -1, -1))


def _period(made: list[int], last_day: date) -> Absence:
    return Absence(last_day, absence_factor(made), len(made), sum(made))
