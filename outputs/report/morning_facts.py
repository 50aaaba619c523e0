"""What the daily figures say this morning, as plain data for the report."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from outputs.report.week_facts import WeekFacts


@dataclass(frozen=True)
class MorningFacts:
    """What the daily figures say; no member's id is part of it.

    Args:
        figures: The figures up to the night: one row per day, figure and dimension, with its value.
        week: The last week beside the week before; None leaves it out.
    """

    figures: pl.DataFrame
    week: WeekFacts | None = None
