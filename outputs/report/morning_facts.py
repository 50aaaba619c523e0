"""What the daily figures say this morning, as plain data for the report."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from outputs.report.warning_facts import EarlyWarning


@dataclass(frozen=True)
class MorningFacts:
    """What the daily figures say; no member's id is part of it.

    Args:
        figures: The figures up to the night: one row per day, figure and dimension, with its value.
        warning: What left what is usual.
    """

    figures: pl.DataFrame
    warning: EarlyWarning = field(default_factory=EarlyWarning)
