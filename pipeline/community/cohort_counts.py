"""Count the weekly cohorts: only of weeks that changed, or that follow members whose day of joining changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from community.cohorts import cohort_figures, sunday_of, weeks_following
from community.figures import FIGURES_SCHEMA
from features.calendar import WEEK_DAYS
from features.history import DAILY_SCHEMA, is_activity
from lake.contracts import DAILY
from lake.storage.delta import DAY, Lake
from pipeline.community.figure_members import FigureMembers

_WEEKS_AT_ONCE: Final = 26


def weeks_to_count(days: Collection[date], members: FigureMembers, *, first: date, last: date) -> list[date]:
    """Return the Sundays of the full weeks of the data whose cohorts may differ from the stored ones, sorted.

    Args:
        days: The days whose figures are computed.
        members: The members; where one joined on another day than before, all weeks after it may differ.
        first: The first day of the data.
        last: The newest day.
    """
    sundays = {sunday_of(day) for day in days}
    if first in days:
        # The data may begin earlier than before, and have cohorts that were none.
        sundays |= {sunday_of(first + timedelta(days=n)) for n in range((last - first).days + 1)}
    else:
        sundays |= {sunday for joined in members.joinings_moved for sunday in weeks_following(joined, last)}
    return sorted(sunday for sunday in sundays if _first_sunday(first) <= sunday <= last)


def count_cohorts(lake: Lake, members: FigureMembers, sundays: Sequence[date], *, first: date) -> pl.DataFrame:
    """Return the cohorts of some weeks, of members who joined in a full week of the data: rows of `FIGURES_SCHEMA`.

    Args:
        lake: The lake with its rollups up to date.
        members: The members.
        sundays: The last days of the weeks.
        first: The first day of the data.
    """
    is_within = pl.col("day") > _first_sunday(first) - timedelta(days=WEEK_DAYS)
    joined = members.counted.select("member_no", day="seen_from").filter(is_within)
    daily = lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(is_activity())
    counted = [FIGURES_SCHEMA.to_frame()]
    for start in range(0, len(sundays), _WEEKS_AT_ONCE):
        weeks = sundays[start : start + _WEEKS_AT_ONCE]
        days = [sunday - timedelta(days=n) for sunday in weeks for n in range(WEEK_DAYS)]
        of_week = pl.col(DAY) + pl.duration(days=WEEK_DAYS - pl.col(DAY).dt.weekday().cast(pl.Int32))
        active = daily.filter(pl.col(DAY).is_in(days)).select("member_no", sunday=of_week).unique().collect(engine="streaming")
        counted.append(cohort_figures(active, joined, weeks))
    return pl.concat(counted)


def _first_sunday(first: date) -> date:
    """Return the last day of the first week of which every day is in the data."""
    return sunday_of(first + timedelta(days=WEEK_DAYS - 1))
