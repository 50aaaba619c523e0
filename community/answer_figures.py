"""How fast and how often pieces are answered, as of each day: what came after the day is not known on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl

from community.answer_times import answer_times
from community.figures import FIGURES_SCHEMA, MONTH_DAYS, WHOLE

FIRST_ANSWER_HOURS: Final = "first_answer_hours_30d"
UNANSWERED_SHARE: Final = "unanswered_share_30d"
FIRST_ANSWERS: Final = "first_answers"
WINDOW_DAYS: Final = MONTH_DAYS
ASKED_SCHEMA: Final = pl.Schema(
    {
        "published_on": pl.Date(),
        "published_at": pl.Datetime("us", "UTC"),
        "asks": pl.Boolean(),
        "first_answer_at": pl.Datetime("us", "UTC"),
    }
)
_HOUR_MICROSECONDS: Final = 3_600_000_000
DayEnd = Callable[[date], datetime]


def answer_figures(
    pieces: pl.DataFrame, days: Sequence[date], *, day_end: DayEnd, asking_from: date | None, unanswered_after_hours: int
) -> pl.DataFrame:
    """Return the figures of answers to pieces of the 30 days that end with each day: rows of `FIGURES_SCHEMA`.

    `FIRST_ANSWERS` of the day; the median hours until the first answer, pieces that still wait included as waiting
    (Kaplan & Meier), none where fewer than half were answered; and of the pieces that are answered or have waited long enough,
    the share without an answer.

    Args:
        pieces: One row per piece of the days and of the `WINDOW_DAYS` before them, in `ASKED_SCHEMA`: whether its format asks
            for an answer, and its first answer by anybody else, on whichever day.
        days: The days.
        day_end: Day → the moment at which it ends.
        asking_from: The first day on which a piece of the community had a format that asks; until then every piece counts. None
            where there is no such piece.
        unanswered_after_hours: From when on a piece counts as unanswered.
    """
    rows: list[tuple[date, str, str, float]] = []
    for day in days:
        window = pieces.filter(pl.col("published_on").is_between(day - timedelta(days=WINDOW_DAYS - 1), day))
        if asking_from is not None and day >= asking_from:
            window = window.filter("asks")
        if window.height:
            begin, end = day_end(day - timedelta(days=1)), day_end(day)
            rows += _of_day(window, day, begin, end, patience_hours=unanswered_after_hours)
    return pl.DataFrame(rows, schema=FIGURES_SCHEMA, orient="row")


def _of_day(
    window: pl.DataFrame, day: date, begin: datetime, end: datetime, *, patience_hours: int
) -> Iterator[tuple[date, str, str, float]]:
    first = pl.col("first_answer_at")
    waited = (pl.coalesce("known_answer", pl.lit(end)) - pl.col("published_at")).dt.total_microseconds()
    seen = window.with_columns(known_answer=pl.when(first < end).then(first)).select(
        is_answered=pl.col("known_answer").is_not_null(),
        is_of_today=pl.col("known_answer") >= begin,
        hours=waited / _HOUR_MICROSECONDS,
    )
    today = int(seen["is_of_today"].sum())
    if today:
        yield day, FIRST_ANSWERS, WHOLE, float(today)
    is_answered, hours = seen["is_answered"].to_numpy(), seen["hours"].to_numpy()
    median = answer_times(hours, is_answered).median_hours
    if median is not None:
        yield day, FIRST_ANSWER_HOURS, WHOLE, median
    unanswered = int((~is_answered & (hours >= patience_hours)).sum())
    if unanswered or is_answered.any():
        yield day, UNANSWERED_SHARE, WHOLE, unanswered / (unanswered + int(is_answered.sum()))
