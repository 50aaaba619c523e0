"""Collect what the report tells of the last week, or of the last four, beside those before."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from community.figure_changes import FigureChange, figure_changes
from outputs.report.week_facts import PERIOD_DAYS, Period, WeekFacts
from pipeline.community.cohorts import read_cohorts
from pipeline.community.communities import in_words
from pipeline.community.heat import read_busy_hours
from pipeline.community.stored_network import read_names
from runtime.run_context import RunContext

_COHORT_WEEKS: Final = 12


def week_facts(run: RunContext, figures: pl.DataFrame, *, period: Period = "week") -> WeekFacts:
    """Compare the figures of the last days with those before, and read the heat maps.

    Args:
        run: The run; nothing after its night counts.
        figures: The figures of the community.
        period: Over how long.
    """
    smallest = run.settings.community.smallest_group
    changes = figure_changes(figures, last=run.as_of, days=PERIOD_DAYS[period], smallest_group=smallest)
    return WeekFacts(
        changes=_with_names(run, changes),
        cohorts=_newest(read_cohorts(run.workspace.lake, run.as_of)),
        hours=read_busy_hours(run),
        period=period,
    )


def _newest(cohorts: pl.DataFrame) -> pl.DataFrame:
    """Return the cohorts of the newest weeks that are over."""
    weeks = cohorts["cohort_week"].unique().sort().tail(_COHORT_WEEKS)
    return cohorts.filter(pl.col("cohort_week").is_in(weeks.implode()))


def _with_names(run: RunContext, changes: tuple[FigureChange, ...]) -> tuple[FigureChange, ...]:
    """Call member communities by their names instead of their ids."""
    if not any(change.driver is not None and change.driver.dimension == "community" for change in changes):
        return changes
    names = in_words(read_names(run, run.as_of))
    return tuple(
        replace(change, driver=replace(change.driver, value=names.get(change.driver.value, change.driver.value)))
        if change.driver is not None and change.driver.dimension == "community"
        else change
        for change in changes
    )
