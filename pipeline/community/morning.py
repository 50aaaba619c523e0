"""Read what the daily figures say this morning."""

from __future__ import annotations

import polars as pl

from community.figures import FIGURES_SCHEMA
from community.health import assess_health
from community.platform_figures import newest_weeks
from community.rates import meaningful
from outputs.report.morning_facts import MorningFacts
from pipeline.community.early_warning import look_for_alarms
from pipeline.community.figures import FIGURES
from pipeline.community.goals import judge_goals
from pipeline.community.week import week_facts
from runtime.run_context import RunContext


def judge_figures(run: RunContext) -> MorningFacts | None:
    """Judge the figures of the night, which are counted; None where there are none up to it.

    Args:
        run: The run.
    """
    figures = read_figures(run)
    if figures.is_empty():
        return None
    return MorningFacts(
        figures=figures,
        goals=judge_goals(run, figures),
        health=assess_health(figures, as_of=run.as_of),
        week=week_facts(run, figures),
        warning=look_for_alarms(run, figures),
        platforms=newest_weeks(figures, as_of=run.as_of),
    )


def read_figures(run: RunContext) -> pl.DataFrame:
    """Return the figures up to the night: rows of `FIGURES_SCHEMA`, empty where none are counted.

    Args:
        run: The run.
    """
    up_to_night = run.workspace.lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).filter(pl.col("day") <= run.as_of)
    return meaningful(up_to_night.collect())
