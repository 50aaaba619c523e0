"""A week of figures made up for the tests of pages: something of every kind of change."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from community.busy_hours import HOURS_SCHEMA
from community.cohorts import COHORTS_SCHEMA
from community.figure_changes import Driver, FigureChange
from community.rates import FIGURES_SCHEMA
from outputs.report.morning_facts import MorningFacts
from outputs.report.week_facts import Period, WeekFacts
from tests.outputs.examples import AS_OF, HOSTILE

STEADY = (700.0, 707.0) * 6


def changes() -> tuple[FigureChange, ...]:
    """Changes of every surprise, with every kind of driver."""
    return (
        FigureChange("dau", 3.4, 3.6, None, 5.0, 2.0, (3.0, None, 3.6, 3.4)),
        FigureChange("wau", 1204, 1620, 1550, 80.0, 60.0, (*STEADY, 1620, 1204)),
        FigureChange("mau", 2204, 2120, None, 10.0, 120.0, (*STEADY, 2120, 2204)),
        FigureChange("new_members", 38, 79, 55, 18.0, 12.0, (79, 38), Driver("source", HOSTILE, -35, False, 10, 45)),
        FigureChange("lost_members", 130, 60, None, 20.0, 15.0, (60, 60, 130), Driver("tier", "regular", 60, False, 90, 30)),
        FigureChange(
            "retention_d7", 0.21, 0.31, None, 0.05, None, (0.31, 0.21), Driver("platform", "ios", -0.08, False, 0.1, 0.3)
        ),
        FigureChange("silent_share_30d", 0.6, 0.5, None, 0.02, 0.03, (0.5, 0.6), Driver("platform", "web", 0.08, True, 0.7, 0.5)),
        FigureChange("orders", 0, 40, None, 10.0, 8.0, (40, 40, 0)),
        FigureChange(
            "spend", 0.0, 1812.5, None, 400.0, 300.0, (1812.5, 0.0), Driver("community", "Wine", -1812.5, False, 0, 1812.5)
        ),
        FigureChange("messages", 2558, 0, None, 80.0, 60.0, (0, 0, 2558)),
        FigureChange("click_rate_30d", 0.0, 0.0),
        FigureChange("feedback_score_30d", 7.1, None),
    )


def cohorts(*, smallest: int = 2) -> pl.DataFrame:
    """Three cohorts, the second with very few members."""
    rows = [
        (AS_OF - timedelta(days=27 - 7 * week), since, members, members // (since + 1), 1 / (since + 1))
        for week, members in enumerate((42, smallest, 67))
        for since in range(4 - week)
    ]
    return pl.DataFrame(rows, schema=COHORTS_SCHEMA, orient="row")


def hours() -> pl.DataFrame:
    """Two hours, one with very few members."""
    return pl.DataFrame([(1, 20, 318), (7, 3, 2)], schema=HOURS_SCHEMA, orient="row")


def week(period: Period = "week") -> WeekFacts:
    """All of it."""
    return WeekFacts(changes(), cohorts(), hours(), period)


def morning(period: Period = "week") -> MorningFacts:
    """The week among what the figures say."""
    return MorningFacts(figures=pl.DataFrame(schema=FIGURES_SCHEMA), week=week(period))
