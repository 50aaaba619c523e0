"""Judge the goals of the configuration each night, and remember what was said."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from community.goals import Goal, Judged, judge
from outputs.report.goal_facts import GoalFacts
from pipeline.stored_nights import NIGHT, store_night
from runtime.run_context import RunContext

GOALS_HISTORY: Final = "goals_history"
GOALS_HISTORY_SCHEMA: Final = pl.Schema(
    {
        NIGHT: pl.Date(),
        "goal": pl.String(),
        "figure": pl.String(),
        "dimension": pl.String(),
        "by": pl.Date(),
        "target": pl.Float64(),
        "status": pl.String(),
        "value": pl.Float64(),
        "expected": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "chance": pl.Float64(),
    }
)


def judge_goals(run: RunContext, figures: pl.DataFrame) -> tuple[GoalFacts, ...]:
    """Judge every goal by the figures up to the night, store what was found, and return it with what earlier nights found.

    Args:
        run: The run.
        figures: One row per day, figure and dimension, with its value.
    """
    lake, goals = run.workspace.lake, run.settings.goals
    judged = [judge(goal, figures, as_of=run.as_of) for goal in goals]
    rows = pl.DataFrame([_row(run, one) for one in judged], schema=GOALS_HISTORY_SCHEMA)
    # A night whose goals were taken out of the configuration loses their rows.
    if rows.height or run.as_of in lake.days(GOALS_HISTORY, column=NIGHT):
        store_night(lake, GOALS_HISTORY, rows, run.as_of)
    if not goals:
        return ()
    stored = lake.scan(GOALS_HISTORY).filter(pl.col(NIGHT) <= run.as_of).collect()
    return tuple(GoalFacts(one, _chances(stored, one.goal)) for one in judged)


def goal_counts(run: RunContext) -> tuple[int, int]:
    """Return how many goals are on track as the night found, and how many had a forecast.

    Args:
        run: The run.
    """
    if not run.settings.goals:
        return 0, 0
    stored = run.workspace.lake.scan_or_empty(GOALS_HISTORY, GOALS_HISTORY_SCHEMA).filter(pl.col(NIGHT) == run.as_of)
    status = stored.select("status").collect()["status"]
    on_track = int((status == "on_track").sum())
    return on_track, on_track + int((status == "off_track").sum())


def _row(run: RunContext, judged: Judged) -> dict[str, object]:
    goal = judged.goal
    return {
        NIGHT: run.as_of,
        "goal": goal.key,
        "figure": goal.figure,
        "dimension": goal.dimension,
        "by": goal.by,
        "target": goal.target,
        "status": judged.status,
        "value": judged.value,
        "expected": judged.expected,
        "low": judged.low,
        "high": judged.high,
        "chance": judged.chance,
    }


def _chances(stored: pl.DataFrame, goal: Goal) -> dict[date, float]:
    """Return night → chance of a goal; a target or day that was changed since makes another goal."""
    is_same = (
        (pl.col("figure") == goal.figure)
        & (pl.col("dimension") == goal.dimension)
        & (pl.col("by") == goal.by)
        & (pl.col("target") == goal.target)
    )
    return dict(stored.filter(is_same).drop_nulls("chance").sort(NIGHT).select(NIGHT, "chance").iter_rows())
