"""Weeks in days. Periods that are compared are whole weeks long, so that both have the same weekdays.

Windows and limits that only happen to be as long (a window of the features, a cool-down) stand with what they decide.
"""

from __future__ import annotations

from typing import Final

WEEK_DAYS: Final = 7
FOUR_WEEKS_DAYS: Final = 4 * WEEK_DAYS
# A year of 52 weeks, after which the same weekday comes again.
YEAR_DAYS: Final = 52 * WEEK_DAYS
