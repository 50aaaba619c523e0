"""The day on which a community's history begins, and the days that lie too far before it to be part of it.

One event dated 1970-01-01, the zero of many clocks, would otherwise make a history of 240 days one of 54 years.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

# Longer than any summer or season in which a community rests.
LONGEST_PAUSE: Final = timedelta(days=180)
_ROWS_PER_FAR_ROW: Final = 100


def first_day_of_history(rows_by_day: Mapping[date, int]) -> date | None:
    """Find the day on which history begins; None where there is no day.

    Days are no part of it when more than 180 days without a row follow them and at most one row in a hundred of all rows, or a
    single row, lies on or before them. Wrong clocks and mistyped years are both few and far; a slow beginning is few but not
    far, and a long pause in the midst of a history has much before it.

    Args:
        rows_by_day: Day → its rows, in any order; days without rows may be left out.
    """
    days = sorted(day for day, rows in rows_by_day.items() if rows > 0)
    if not days:
        return None
    most_far_rows = max(1, sum(rows_by_day[day] for day in days) // _ROWS_PER_FAR_ROW)
    first, before = days[0], 0
    for day, following in pairwise(days):
        before += rows_by_day[day]
        if before > most_far_rows:
            break
        if following - day > LONGEST_PAUSE:
            first = following
    return first
