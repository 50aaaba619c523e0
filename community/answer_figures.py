"""How fast and how often pieces are answered, as of each day: what came after the day is not known on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
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
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Later than any day's end.
_NEVER: Final = np.iinfo(np.int64).max
Microseconds = npt.NDArray[np.int64]
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
    # Slices of arrays, as a first night counts thousands of days: a query for each took a quarter of it.
    asked = {asks: _arrays(pieces.filter("asks") if asks else pieces) for asks in (False, True)}
    rows: list[tuple[date, str, str, float]] = []
    for day in days:
        published_on, published, answered = asked[asking_from is not None and day >= asking_from]
        edges = np.array([day - timedelta(days=WINDOW_DAYS), day], dtype="datetime64[D]")
        first, last = np.searchsorted(published_on, edges, side="right")
        if first < last:
            window = slice(first, last)
            begin, end = (_microseconds(day_end(one)) for one in (day - timedelta(days=1), day))
            rows += _of_day(published[window], answered[window], day, begin, end, patience_hours=unanswered_after_hours)
    return pl.DataFrame(rows, schema=FIGURES_SCHEMA, orient="row")


def _arrays(pieces: pl.DataFrame) -> tuple[npt.NDArray[np.datetime64], Microseconds, Microseconds]:
    """Return the day of each piece, its moment, and that of its first answer or `_NEVER`, in the order of the days."""
    in_order = pieces.sort("published_on")
    answered = in_order["first_answer_at"].to_physical().fill_null(_NEVER)
    return in_order["published_on"].to_numpy(), in_order["published_at"].to_physical().to_numpy(), answered.to_numpy()


def _of_day(
    published: Microseconds, answered: Microseconds, day: date, begin: int, end: int, *, patience_hours: int
) -> Iterator[tuple[date, str, str, float]]:
    is_answered = answered < end
    today = int((is_answered & (answered >= begin)).sum())
    if today:
        yield day, FIRST_ANSWERS, WHOLE, float(today)
    hours = (np.minimum(answered, end) - published) / _HOUR_MICROSECONDS
    median = answer_times(hours, is_answered).median_hours
    if median is not None:
        yield day, FIRST_ANSWER_HOURS, WHOLE, median
    unanswered = int((~is_answered & (hours >= patience_hours)).sum())
    if unanswered or is_answered.any():
        yield day, UNANSWERED_SHARE, WHOLE, unanswered / (unanswered + int(is_answered.sum()))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
