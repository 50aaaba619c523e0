"""What the daily figures say this morning, as plain data for the report."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from community.health import Health
from community.platform_figures import PlatformFigure
from outputs.report.goal_facts import GoalFacts
from outputs.report.warning_facts import EarlyWarning
from outputs.report.week_facts import WeekFacts


@dataclass(frozen=True)
class MorningFacts:
    """What the daily figures say; no member's id is part of it.

    Args:
        figures: The figures up to the night: one row per day, figure and dimension, with its value.
        goals: The goals of the configuration, in its order.
        health: The health index; None in a community's first twelve weeks.
        week: The last week beside the week before; None leaves it out.
        warning: What left what is usual.
        platforms: What platforms count themselves.
    """

    figures: pl.DataFrame
    goals: tuple[GoalFacts, ...] = ()
    health: Health | None = None
    week: WeekFacts | None = None
    warning: EarlyWarning = field(default_factory=EarlyWarning)
    platforms: tuple[PlatformFigure, ...] = ()
