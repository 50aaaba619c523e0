"""What the report tells of the last week beside the week before, as plain data. No member's id is part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from community.busy_hours import HOURS_SCHEMA
from community.cohorts import COHORTS_SCHEMA
from community.figure_changes import FigureChange
from features.calendar import FOUR_WEEKS_DAYS, WEEK_DAYS

Period = Literal["week", "month"]
# A month is four weeks, so that both months have the same weekdays.
PERIOD_DAYS: dict[Period, int] = {"week": WEEK_DAYS, "month": FOUR_WEEKS_DAYS}


@dataclass(frozen=True)
class WeekFacts:
    """The last week, or the last four weeks of a monthly edition, beside those before.

    Args:
        changes: The key figures with what changed, in the order in which they are shown.
        cohorts: The weekly cohorts: rows of `community.cohorts.COHORTS_SCHEMA`.
        hours: When members are active: rows of `community.busy_hours.HOURS_SCHEMA`; empty where the data know days alone.
        period: Which of both.
    """

    changes: tuple[FigureChange, ...]
    cohorts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COHORTS_SCHEMA))
    hours: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HOURS_SCHEMA))
    period: Period = "week"
