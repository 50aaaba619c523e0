"""How often the 90 % intervals of goals hold on the past of communities, and how far forecasts are off.

    evenfall nightly --workspace WORKSPACE
    python -m benchmarks.forecasts WORKSPACE …

Reads the figures that a night has counted. Of every figure of the whole community, forecasts are made from past days by what was
known on them, and set against the reading that came. Settings of `community/forecasts.py` were chosen on the older half of days,
so that the newer half is the measure. A figure that had not varied by the day is left out: it would hold for certain.
Without a forecast a reading is expected to stay as it is: the errors of both are medians, as shares of the reading.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from community.figures import FIGURES_SCHEMA, WHOLE
from community.forecasts import LEAST_DAYS, Past, ahead
from community.goals import kind_of
from community.rates import meaningful
from community.readings import Floats, daily_values, read, reading_of
from pipeline.community.figures import FIGURES
from runtime.run_context import open_run

DAYS_AHEAD: Final = (7, 14, 28, 60, 91, 182)
# The first origin has two months and what a window needs.
_FIRST_ORIGIN: Final = 2 * LEAST_DAYS
_WEEK: Final = 7


def main() -> None:
    """Measure the figures of some workspaces, and print a row per community, half and days ahead."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspaces", type=Path, nargs="+")
    parser.add_argument("--origins", type=int, default=12, help="past days to forecast from, spread over the past")
    parser.add_argument("--last", type=date.fromisoformat, help="the last day of the figures that is looked at")
    given = parser.parse_args()
    measured = []
    for workspace in given.workspaces:
        rows = pl.DataFrame(list(_measure(_figures(workspace, given.last), given.origins)), orient="row")
        measured.append(rows.with_columns(community=pl.lit(workspace.name)))
        _print(measured[-1], "community", "half")
    every = pl.concat(measured)
    _print(every, "half", "days")
    _print(every, "half")


def _figures(workspace: Path, last: date | None) -> pl.DataFrame:
    lake = open_run(workspace, None).workspace.lake
    figures = meaningful(lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).filter(pl.col("dimension") == WHOLE).collect())
    return figures if last is None else figures.filter(pl.col("day") <= last)


def _measure(figures: pl.DataFrame, origins: int) -> Iterator[dict[str, object]]:
    until = figures["day"].max()
    assert isinstance(until, date)
    for figure in sorted(figures["figure"].unique()):
        # Past days of a rate that ended are measured as well.
        newest = figures.filter(pl.col("figure") == figure)["day"].max()
        assert isinstance(newest, date)
        daily = daily_values(figures, figure, WHOLE, until=min(until, newest + timedelta(days=_WEEK)))
        yield from _measure_one(figure, daily, origins)


def _measure_one(figure: str, daily: Floats, origins: int) -> Iterator[dict[str, object]]:
    reading, kind = reading_of(figure), kind_of(figure)
    readings = read(daily, reading)
    last = len(daily) - 1 - DAYS_AHEAD[0]
    if last < _FIRST_ORIGIN:
        return
    middle = (_FIRST_ORIGIN + last) / 2
    for origin in np.unique(np.linspace(_FIRST_ORIGIN, last, origins).astype(int)):
        if np.ptp(daily[max(0, origin - 365) : origin + 1]) == 0:
            continue
        past = Past.of(daily[: origin + 1], reading, kind=kind)
        for days in DAYS_AHEAD:
            if origin + days >= len(daily):
                break
            actual, told = readings[origin + days], ahead(past, days)
            low, high = told.interval()
            scale = abs(actual) or 1.0
            yield {
                "figure": figure,
                "half": "newer" if origin > middle else "older",
                "days": days,
                "held": bool(low <= actual <= high),
                "error": abs(actual - told.expected) / scale,
                "error_if_steady": abs(actual - readings[origin]) / scale,
                "width": (high - low) / scale,
            }


def _print(rows: pl.DataFrame, *by: str) -> None:
    table = rows.group_by(by).agg(
        forecasts=pl.len(),
        held=pl.col("held").mean().round(3),
        error=pl.col("error").median().round(3),
        error_if_steady=pl.col("error_if_steady").median().round(3),
        width=pl.col("width").median().round(2),
    )
    print("| " + " | ".join(table.columns) + " |")
    for row in table.sort(by).iter_rows():
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
