"""How a figure is read when it is judged: by one number a day that does not depend on the weekday.

- What looks back by itself (members, wau, mau, and every figure that ends in _30d) is read as it is on the day.
- What is counted each time it happens (orders, spend, new members) is the sum of the 28 days that end with the day.
- Members of a single day (dau, buyers) and rates of a single day (stickiness) are the mean of those 28 days.

28 days have every weekday four times.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from community.rates import AMOUNTS, COUNTS, RATE_FIGURES
from features.calendar import FOUR_WEEKS_DAYS

Floats = npt.NDArray[np.float64]
Reading = Literal["day", "mean", "sum"]

WINDOW_DAYS: Final = FOUR_WEEKS_DAYS
_AS_IT_IS: Final = ("members", "wau", "mau")
_MEMBERS_OF_A_DAY: Final = ("dau", "returning_members", "readers", "commenters", "contributors", "creators", "buyers")
# The figures of which less is better.
BETTER_LOW: Final = (
    "lost_members",
    "refunds",
    "silent_share_30d",
    "leaves",
    "leave_rate_30d",
    "unanswered_share_30d",
    "first_answer_hours_30d",
)


def reading_of(figure: str) -> Reading:
    """Return how a figure is read."""
    if figure in _AS_IT_IS or figure.endswith("_30d"):
        return "day"
    return "mean" if figure in _MEMBERS_OF_A_DAY or figure in RATE_FIGURES else "sum"


def read(daily: Floats, reading: Reading) -> Floats:
    """Return the reading of every day; NaN for the first 27 of a mean or sum.

    Args:
        daily: One value per day, without gaps.
        reading: What is read.
    """
    if reading == "day":
        return daily.copy()
    sums = trailing_sums(daily, WINDOW_DAYS)
    return sums if reading == "sum" else sums / WINDOW_DAYS


def trailing_sums(daily: Floats, days: int) -> Floats:
    """Return for each day the sum of so many days that end with it; NaN for the first ones."""
    sums = np.full(len(daily), np.nan)
    if len(daily) >= days:
        sums[days - 1 :] = np.convolve(daily, np.ones(days), mode="valid")
    return sums


def daily_values(figures: pl.DataFrame, figure: str, dimension: str, *, until: date) -> Floats:
    """Return the values of a figure from its first day on, one per day; none where it has no value within the last 28 days.

    A count without a row has nothing to count; a rate keeps its last value where there is nothing below the line, and so does
    what a platform counts and gives late.

    Args:
        figures: One row per day, figure and dimension, with its value.
        figure: The figure.
        dimension: The group.
        until: The last day; later rows are not looked at.
    """
    is_asked = (pl.col("figure") == figure) & (pl.col("dimension") == dimension) & (pl.col("day") <= until)
    rows = figures.filter(is_asked).select("day", "value")
    newest, is_count = rows["day"].max(), figure in (*COUNTS, *AMOUNTS)
    if not isinstance(newest, date) or (not is_count and newest <= until - timedelta(days=WINDOW_DAYS)):
        return np.empty(0)
    days = pl.select(day=pl.date_range(pl.lit(rows["day"].min()), until))
    known = days.join(rows, on="day", how="left", maintain_order="left")["value"]
    filled = known.fill_null(strategy="forward") if not is_count else known.fill_null(0.0)
    return filled.cast(pl.Float64).to_numpy().astype(np.float64)
