"""`evenfall figures`: the daily figures as rows for programs, or the newest days as a table for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Final

import polars as pl

from community.figures import FIGURES_SCHEMA, WHOLE
from community.platform_figures import is_of_platform
from community.rates import AMOUNTS, COUNTS, FIGURE_NAMES, meaningful
from lake.errors import ConfigurationError
from lake.storage.delta import Lake
from pipeline.community.figures import FIGURES

DAYS_SHOWN: Final = 7
_NO_VALUE: Final = "-"


def read_figures(lake: Lake, *, first: date | None, last: date | None) -> pl.DataFrame:
    """Return the figures of some days: one row per day, figure and dimension, sorted; value in the unit of its figure.

    Args:
        lake: The lake.
        first: The first day; None for all there are.
        last: The last day; None likewise.

    Raises:
        ConfigurationError: No night has computed any, or there are none of these days.
    """
    figures = meaningful(lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).collect())
    if figures.is_empty():
        raise ConfigurationError("no night has computed figures here", remedy="Run `evenfall nightly` first.")
    days = figures["day"].unique().sort()
    known_first, known_last = str(days[0]), str(days[-1])
    asked = figures.filter(
        pl.lit(value=True) if first is None else pl.col("day") >= first,
        pl.lit(value=True) if last is None else pl.col("day") <= last,
    )
    if asked.is_empty():
        raise ConfigurationError(
            f"there are no figures from {first or known_first} to {last or known_last}",
            remedy=f"Ask for days between {known_first} and {known_last}.",
        )
    return asked


def as_json(figures: pl.DataFrame) -> str:
    """Return figures as a JSON list of objects with day, figure, dimension and value."""
    return json.dumps(figures.with_columns(pl.col("day").cast(pl.String)).to_dicts(), indent=1, ensure_ascii=False) + "\n"


def as_table(figures: pl.DataFrame) -> Iterator[str]:
    """Yield figures of the whole community and of platforms on the newest days: a line each, a column per day."""
    named = pl.concat_str("figure", "dimension", separator=" ").str.strip_chars_end()
    whole = figures.filter((pl.col("dimension") == WHOLE) | is_of_platform()).with_columns(figure=named)
    days = whole["day"].unique().sort().tail(DAYS_SHOWN)
    values = {(figure, day): value for day, figure, value in whole.select("day", "figure", "value").iter_rows()}
    names = whole["figure"].unique().sort()
    cells = [["", *map(str, days)]]
    cells += [[name, *(_shown(name, values.get((name, day))) for day in days)] for name in names]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for name, *row in cells:
        yield "  ".join([name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row, widths[1:], strict=True))])


def _shown(figure: str, value: float | None) -> str:
    if value is None:
        return _NO_VALUE
    if figure in COUNTS:
        return f"{value:,.0f}"
    if figure not in FIGURE_NAMES:
        return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
    return f"{value:,.2f}" if figure in AMOUNTS else f"{value:.3f}"
