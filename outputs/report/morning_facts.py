"""What the daily figures say this morning, as plain data for the report."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class MorningFacts:
    """What the daily figures say; no member's id is part of it.

    Args:
        figures: The figures up to the night: one row per day, figure and dimension, with its value.
    """

    figures: pl.DataFrame
