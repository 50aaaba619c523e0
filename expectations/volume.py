"""Volume check: compare the number of rows of a day with what is usual.

Days are compared with similar days: the same weekday, for tables with rows on every day; other days with rows, for tables
without rows on most days. A deviation that recurs every month is usual.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from math import exp, log1p
from statistics import median
from typing import Final

import polars as pl

from expectations.table_checks import Finding, Severity, TableLimits
from features.calendar import WEEK_DAYS
from features.first_day import first_day_of_history
from lake.contracts import Table

RECENT_DAYS: Final = 28
SAME_WEEKDAYS: Final = 8
MIN_SAME_WEEKDAYS: Final = 4
MIN_RECENT_DAYS: Final = 7
MIN_ROWS_APART: Final = 20
MAX_SPREADS_APART: Final = 4.0
MIN_FACTOR_APART: Final = 1.5
# From one empty day in four on, an empty day says nothing and full days are compared with full days.
MIN_EMPTY_SHARE: Final = 0.25
FULL_DAYS_LOOKED_BACK: Final = 400
MIN_FULL_DAYS: Final = 3
MONTHS_BEFORE: Final = 3
MIN_MONTHS_ALIKE: Final = 2
# The first Sunday of a month may be its 1st or its 7th.
DAYS_ROUND_A_MONTH: Final = 6
# The standard deviation of a normal distribution in units of its median absolute deviation.
_STANDARD_DEVIATION_PER_MAD: Final = 1.4826
_DAYS_PER_MONTH: Final = 30.4375


def check_volume(
    table: Table, daily: pl.DataFrame, *, arrived_dates: Collection[date], as_of: date, limits: TableLimits
) -> tuple[Finding, ...]:
    """Compare the rows of days that just arrived with what was usual before each of them.

    Usual is the median of the same weekday over the 8 weeks before, where 4 of them are known, otherwise of the 28 days
    before, where 7 are known; a day inside the table's history without rows counts as 0. A day is unusual when it lies
    more than 4 robust standard deviations of log(1 + rows) away (1.4826 × median absolute deviation, at least that of
    a Poisson count), by a factor of at least 1.5, and at least 20 rows away. It is usual all the same when at least two of the
    three months before had, within 6 days of the same day of the month, a day that stood out as far the same way.

    Where a quarter or more of the days compared with are empty, the table comes in bursts: an empty day is usual, and a day
    with rows is compared with the days with rows of 400 days, where 3 are known. It may leave their range as far as a single
    day may leave the median.

    Only the 28 days up to `as_of` are checked, so the older days of a first load are not.

    Args:
        table: A table with a time.
        daily: One row per event_date (Date, unique) that has rows, in any order: rows (integer), their number in the lake with
            tonight's arrival; other columns and days later than `as_of` are not looked at.
        arrived_dates: Days that tonight's arrival touched; add `as_of` itself to notice that it brought nothing.
        as_of: The night, a day in the community's timezone.
        limits: The table's limits.

    Returns:
        One finding per unusual day, by day.
    """
    if limits.volume_drift == "off":
        return ()
    daily_until_as_of = daily.filter(pl.col("event_date") <= as_of)
    # Later days may exist when a past night is run again.
    rows_by_day: dict[date, int] = dict(daily_until_as_of.select("event_date", "rows").iter_rows())
    first = first_day_of_history(rows_by_day)
    if first is None:
        return ()
    severity: Severity = "stop" if limits.volume_drift == "stop" else "warning"
    checked_days = sorted(day for day in set(arrived_dates) if as_of - timedelta(days=RECENT_DAYS) < day <= as_of)
    findings = (_volume_finding(table, rows_by_day, day=day, first=first, severity=severity) for day in checked_days)
    return tuple(finding for finding in findings if finding is not None)


def _volume_finding(table: Table, rows_by_day: dict[date, int], *, day: date, first: date, severity: Severity) -> Finding | None:
    comparison, rows_before = _comparable(rows_by_day, day=day, first=first)
    rows = rows_by_day.get(day, 0)
    if _comes_in_bursts(rows_before):
        rows_before = _full_days_before(rows_by_day, day=day, first=first) if rows else []
        low, high = min(rows_before, default=0), max(rows_before, default=0)
        usual_text = f"{low:,} to {high:,} came on the {len(rows_before)} days with rows before"
        bounds = _range_around(rows_before) if len(rows_before) >= MIN_FULL_DAYS else None
    else:
        usual_text = f"{median(rows_before):,.0f} were usual on {comparison}" if rows_before else ""
        bounds = _usual_range(rows_before) if rows_before else None
    if bounds is None or bounds[0] <= rows <= bounds[1] or _stands_out_every_month(rows_by_day, day=day, first=first):
        return None
    says = f"{table.name} has {rows:,} rows on {day:%A} {day}; {usual_text}."
    return Finding(table.name, "volume_as_usual", severity, says, value=rows, limit=bounds[0] if rows < bounds[0] else bounds[1])


def _comes_in_bursts(before: list[int]) -> bool:
    return bool(before) and before.count(0) >= MIN_EMPTY_SHARE * len(before)


def _usual_range(before: list[int]) -> tuple[float, float]:
    """Return the lowest and highest usual number of rows, given those of comparable days.

    The scale is logarithmic, where halving is as far as doubling: on a linear one a noisy table could lose every row unnoticed.
    """
    logs = [log1p(count) for count in before]
    centre = median(logs)
    mad = median(abs(value - centre) for value in logs)
    # A Poisson count of c rows has a standard deviation of 1 / sqrt(c) on the logarithmic scale: exp(-log(c) / 2).
    log_distance = MAX_SPREADS_APART * max(_STANDARD_DEVIATION_PER_MAD * mad, exp(-centre / 2))
    usual = median(before)
    return _below(usual, log_distance), _above(usual, log_distance)


def _range_around(full: list[int]) -> tuple[float, float]:
    """Return the lowest and highest usual number of rows of a day that has any, given those of earlier such days.

    A table may hold mails of a few rows and newsletters of thousands, so the median of its days says nothing.
    """
    low, high = min(full), max(full)
    return _below(low, MAX_SPREADS_APART * exp(-log1p(low) / 2)), _above(high, MAX_SPREADS_APART * exp(-log1p(high) / 2))


def _below(rows: float, apart: float) -> float:
    return min(rows / max(exp(apart), MIN_FACTOR_APART), rows - MIN_ROWS_APART)


def _above(rows: float, apart: float) -> float:
    return max(rows * max(exp(apart), MIN_FACTOR_APART), rows + MIN_ROWS_APART)


def _stands_out_every_month(rows_by_day: dict[date, int], *, day: date, first: date) -> bool:
    """Return whether most of the months before had a day near the same day of the month that stood out as far the same way."""
    rows = rows_by_day.get(day, 0)
    is_high = rows > median(_comparable(rows_by_day, day=day, first=first)[1])
    months_alike = 0
    for month in range(1, MONTHS_BEFORE + 1):
        centre = day - timedelta(days=round(_DAYS_PER_MONTH * month))
        days_near = (centre + timedelta(days=offset) for offset in range(-DAYS_ROUND_A_MONTH, DAYS_ROUND_A_MONTH + 1))
        months_alike += any(
            _stood_out(rows_by_day, day=earlier, first=first, rows=rows, is_high=is_high) for earlier in days_near
        )
    return months_alike >= MIN_MONTHS_ALIKE


def _stood_out(rows_by_day: dict[date, int], *, day: date, first: date, rows: int, is_high: bool) -> bool:
    """Return whether an earlier day was unusual for its weekday, and about as far as a day of so many rows."""
    _, before = _comparable(rows_by_day, day=day, first=first)
    if not before:
        return False
    earlier, (lowest, highest) = rows_by_day.get(day, 0), _usual_range(before)
    if is_high:
        return earlier > highest and rows <= _above(earlier, 0)
    return earlier < lowest and rows >= _below(earlier, 0)


def _comparable(rows_by_day: dict[date, int], *, day: date, first: date) -> tuple[str, list[int]]:
    """Return the name of the days that `day` is compared with, and their numbers of rows; none where too few are known."""
    same_weekdays = list(_rows_before(rows_by_day, day=day, first=first, step_days=WEEK_DAYS, steps=SAME_WEEKDAYS))
    if len(same_weekdays) >= MIN_SAME_WEEKDAYS:
        return f"the {len(same_weekdays)} {day:%A}s before", same_weekdays
    recent = list(_rows_before(rows_by_day, day=day, first=first, step_days=1, steps=RECENT_DAYS))
    return f"the {len(recent)} days before", recent if len(recent) >= MIN_RECENT_DAYS else []


def _full_days_before(rows_by_day: dict[date, int], *, day: date, first: date) -> list[int]:
    """Return the numbers of rows of earlier days, those without rows left out."""
    every_day = _rows_before(rows_by_day, day=day, first=first, step_days=1, steps=FULL_DAYS_LOOKED_BACK)
    return [rows for rows in every_day if rows]


def _rows_before(rows_by_day: dict[date, int], *, day: date, first: date, step_days: int, steps: int) -> Iterator[int]:
    # A day without rows counts as 0, but only inside the history.
    days = (day - timedelta(days=step_days * step) for step in range(1, steps + 1))
    return (rows_by_day.get(earlier, 0) for earlier in days if earlier >= first)
