"""Figures that platforms count themselves and give by day: followers of an account, plays of its videos.

They are no counts of members here: their dimension is the platform, they never add up to the whole, and what a platform gives
late is not taken for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from community.figures import FIGURES_SCHEMA, WHOLE
from community.rates import FIGURE_NAMES
from community.watched import GIVEN
from features.calendar import FOUR_WEEKS_DAYS, WEEK_DAYS

_DIMENSION: Final = "platform="
_WEEKS_DRAWN: Final = 12
# What a platform has not given for so long is not shown, nor watched, as if it were of this week.
_STALE_DAYS: Final = FOUR_WEEKS_DAYS


@dataclass(frozen=True)
class PlatformFigure:
    """A figure of a platform in its newest week beside the week before.

    Args:
        platform: The platform.
        figure: What it counts, in its own words.
        day: The newest day that it has given.
        newest: The value of that day.
        now: The mean of the days given in the seven that end with it.
        before: The mean of the seven days before those; None where it gave none.
        past: The means of the weeks until now, the oldest first; None where it gave no day of a week.
    """

    platform: str
    figure: str
    day: date
    newest: float
    now: float
    before: float | None
    past: tuple[float | None, ...]


def is_of_platform() -> pl.Expr:
    """Return whether a row of the figures was counted by a platform."""
    return ~pl.col("figure").is_in(FIGURE_NAMES)


def as_figures(landed: pl.DataFrame) -> pl.DataFrame:
    """Return what platforms gave as figures: rows of `FIGURES_SCHEMA`, sorted.

    Args:
        landed: One row per event_date, figure and platform, with its value.
    """
    return (
        landed.select(day="event_date", figure="figure", dimension=pl.lit(_DIMENSION) + pl.col("platform"), value="value")
        .cast(FIGURES_SCHEMA)
        .sort("day", "figure", "dimension")
    )


def newest_weeks(figures: pl.DataFrame, *, as_of: date) -> tuple[PlatformFigure, ...]:
    """Put each figure's newest week beside the week before, by platform and figure.

    Args:
        figures: Rows of `FIGURES_SCHEMA`; those counted here are left aside.
        as_of: The night; later days are not looked at.
    """
    return tuple(_newest_week(platform, figure, rows) for platform, figure, rows in _each(figures, as_of))


def watched_series(figures: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return the figures as they are watched for anomalies: a row on every day until the night, as rows of `FIGURES_SCHEMA`.

    A day that is not given has the value before it: a platform that is late is not taken for one that has lost everything.

    Args:
        figures: As in `newest_weeks`.
        as_of: The night.
    """
    parts = [FIGURES_SCHEMA.to_frame()]
    for platform, figure, rows in _each(figures, as_of):
        days = pl.select(day=pl.date_range(pl.lit(rows["day"].min()), as_of))
        filled = days.join(rows, on="day", how="left", maintain_order="left").with_columns(pl.col("value").forward_fill())
        named = filled.with_columns(figure=pl.lit(f"{GIVEN}{platform}/{figure}"), dimension=pl.lit(WHOLE))
        parts.append(named.select(FIGURES_SCHEMA.names()).cast(FIGURES_SCHEMA))
    return pl.concat(parts)


def _each(figures: pl.DataFrame, as_of: date) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield platform, figure and its days with their value, sorted; none that is stale."""
    given = figures.filter(is_of_platform(), pl.col("day") <= as_of).sort("dimension", "figure", "day")
    for (dimension, figure), rows in given.group_by("dimension", "figure", maintain_order=True):
        newest = rows["day"][-1]
        if newest > as_of - timedelta(days=_STALE_DAYS):
            yield str(dimension).removeprefix(_DIMENSION), str(figure), rows.select("day", "value")


def _newest_week(platform: str, figure: str, rows: pl.DataFrame) -> PlatformFigure:
    day, newest = rows.row(-1)
    weeks_before = (pl.lit(day) - pl.col("day")).dt.total_days() // WEEK_DAYS
    by_week = dict(rows.group_by(weeks_before.alias("week")).agg(pl.col("value").mean()).iter_rows())
    drawn = range(min(max(by_week), _WEEKS_DRAWN - 1), -1, -1)
    return PlatformFigure(platform, figure, day, newest, by_week[0], by_week.get(1), tuple(by_week.get(week) for week in drawn))
