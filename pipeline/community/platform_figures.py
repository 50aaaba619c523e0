"""Read what platforms gave by day, as `[sources.figures]` brought it."""

from __future__ import annotations

from datetime import date

import polars as pl

from community.figures import FIGURES_SCHEMA
from community.platform_figures import as_figures
from lake.contracts import PLATFORM_FIGURES
from lake.storage.delta import DAY, Lake


def read_platform_figures(lake: Lake, *, first: date, last: date) -> pl.DataFrame:
    """Return the figures of platforms on some days: rows of `FIGURES_SCHEMA`, none without a source.

    Args:
        lake: The lake.
        first: The first day; what platforms gave of days before the community's first is left out.
        last: The last day.
    """
    if not lake.exists(PLATFORM_FIGURES.name):
        return FIGURES_SCHEMA.to_frame()
    landed = lake.scan(PLATFORM_FIGURES.name).filter(pl.col(DAY).is_between(first, last))
    return as_figures(landed.select(DAY, "figure", "platform", "value").collect())
