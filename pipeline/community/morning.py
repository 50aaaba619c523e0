"""Read what the daily figures say this morning."""

from __future__ import annotations

import polars as pl

from community.rates import FIGURES_SCHEMA, meaningful
from outputs.report.morning_facts import MorningFacts
from pipeline.community.early_warning import look_for_alarms
from pipeline.community.figures import FIGURES
from runtime.run_context import RunContext


def judge_figures(run: RunContext) -> MorningFacts | None:
    """Judge the figures of the night, which are counted; None where there are none up to it.

    Args:
        run: The run.
    """
    up_to_night = run.workspace.lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).filter(pl.col("day") <= run.as_of)
    figures = meaningful(up_to_night.collect())
    if figures.is_empty():
        return None
    return MorningFacts(figures=figures, warning=look_for_alarms(run, figures))
