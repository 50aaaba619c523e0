"""Read the weekly cohorts of a night from the figures."""

from __future__ import annotations

from datetime import date

import polars as pl

from community.cohorts import COHORT_FIGURES, as_cohorts
from community.figures import FIGURES_SCHEMA
from lake.storage.delta import Lake
from pipeline.community.figures import FIGURES


def read_cohorts(lake: Lake, as_of: date) -> pl.DataFrame:
    """Return the weekly cohorts up to a night: one row per cohort_week and weeks_since, as `community.cohorts.as_cohorts` does.

    Args:
        lake: The lake.
        as_of: The night; weeks that were not over then are left out.
    """
    figures = lake.scan_or_empty(FIGURES, FIGURES_SCHEMA)
    return as_cohorts(figures.filter(pl.col("day") <= as_of, pl.col("figure").is_in(COHORT_FIGURES)).collect())
