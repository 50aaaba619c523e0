"""The first day of a community's history, ignoring wrong dates that are far before it.

One event dated 1970-01-01, the zero of many clocks, would otherwise extend a history of 240 days to one of 54 years.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

# Longer than a summer or season without activity in a real community.
LONGEST_PAUSE: Final = timedelta(days=180)
_ROWS_PER_FAR_ROW: Final = 100


def first_day_of_history(rows_by_day: Mapping[date, int]) -> date | None:
    """Return the first day of the history; None if there are no rows.

    Days are ignored if more than 180 days without a row follow them, and at most one row in a hundred, or a single row, is on or
    before them. Rows from wrong clocks and mistyped years are both few and far away; a slow beginning has few rows but no such
    gap, and a long pause within a history has many rows before it.

    Args:
        rows_by_day: Day → number of rows, in any order; days without rows may be left out.
    """
    days = sorted(day for day, rows in rows_by_day.items() if rows > 0)
    if not days:
        return None
    # At least one: in a small history a single wrong date is more than one row in a hundred.
    most_far_rows = max(1, sum(rows_by_day[day] for day in days) // _ROWS_PER_FAR_ROW)
    first, rows_before = days[0], 0
    for day, following in pairwise(days):
        rows_before += rows_by_day[day]
        if rows_before > most_far_rows:
            break
        if following - day > LONGEST_PAUSE:
            first = following
    return first
