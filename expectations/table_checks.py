"""Checks on a table as a whole: is it there, is it fresh, how much of it is bad, and is there as much of it as usual?

Pure Polars; findings are data, and the caller decides what to do with them. A single bad row goes to quarantine
(`expectations.runner`); a bad table stops the run.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log1p
from statistics import median
from typing import Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from lake.contracts import ACTIVITY_TABLES, Table

Severity = Literal["note", "warning", "stop"]

MAX_AGE_DAYS_OF_ACTIVITY: Final = 14
RECENT_DAYS: Final = 28
SAME_WEEKDAYS: Final = 8
MIN_SAME_WEEKDAYS: Final = 4
MIN_RECENT_DAYS: Final = 7
MIN_ROWS_APART: Final = 20
MAX_SPREADS_APART: Final = 4.0
MIN_FACTOR_APART: Final = 1.5
# The standard deviation of a normal distribution in units of its median absolute deviation.
_STANDARD_DEVIATION_PER_MAD: Final = 1.4826


class TableLimits(BaseModel):
    """What a table may get away with before the run warns or stops."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bad_share: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Share of newly arrived rows that may be bad; more of them stop the run, as do only bad rows.",
    )
    max_age_days: NonNegativeInt | Literal["off"] | None = Field(
        default=None,
        description="Days between the newest row and the night before the run stops; unset, 14 for events and orders "
        'and no limit for other tables; "off" for no limit.',
    )
    volume_drift: Literal["warn", "stop", "off"] = Field(
        default="warn", description="What to do when a day has far more or far fewer rows than recent days."
    )

    def age_limit_days(self, table: Table) -> int | None:
        """Days that the newest row of `table` may lie before the night, None for no limit."""
        if self.max_age_days == "off":
            return None
        if self.max_age_days is not None:
            return self.max_age_days
        return MAX_AGE_DAYS_OF_ACTIVITY if table.name in ACTIVITY_TABLES else None


@dataclass(frozen=True)
class Finding:
    """Something wrong with a table as a whole.

    Args:
        table: The table's name.
        rule: Stable snake_case name of the rule it breaks.
        severity: Whether the rule, as configured, warns or stops the run; a note stands on the validation page alone.
        says: What was found, one plain sentence with the figures.
        value: The figure found, in the unit of `limit`.
        limit: The figure at which the rule breaks; for a volume the nearest usual number of rows.
    """

    table: str
    rule: str
    severity: Severity
    says: str
    value: float
    limit: float


def check_missing(table: Table, *, landed_rows: int, is_optional: bool = False) -> tuple[Finding, ...]:
    """Tell that a table that has a source holds no row at all: stop for events and orders, warn for others.

    Args:
        table: A table with a source.
        landed_rows: Rows the lake holds, tonight's good rows included.
        is_optional: Whether its files may be absent, and the community shows its activity elsewhere.
    """
    if landed_rows > 0 or is_optional:
        return ()
    says = f"{table.name} has a source, but no row of it has ever landed."
    severity: Severity = "stop" if table.name in ACTIVITY_TABLES else "warning"
    return (Finding(table.name, "table_not_missing", severity, says, value=0, limit=1),)


def check_absent(table: Table, *, absent: Collection[str]) -> tuple[Finding, ...]:
    """Warn of paths that match nothing although they did before; whether that matters is for the freshness of the table to say.

    Args:
        table: A table with a source.
        absent: One sentence per path.
    """
    return tuple(Finding(table.name, "path_matches_a_file", "warning", says, value=0, limit=1) for says in absent)


def check_share(table: Table, *, arrived_rows: int, bad_rows: int, limits: TableLimits) -> tuple[Finding, ...]:
    """Stop when too large a share of what just arrived is bad, or all of it.

    Args:
        table: The table the rows were meant for.
        arrived_rows: Mapped rows that were judged.
        bad_rows: Those that broke a rule.
        limits: The table's limits.
    """
    if bad_rows == 0:
        return ()
    share = bad_rows / arrived_rows
    if share <= limits.max_bad_share and bad_rows < arrived_rows:
        return ()
    says = f"{bad_rows:,} of {arrived_rows:,} arrived {table.name} rows are bad ({share:.1%})"
    says += f"; at most {limits.max_bad_share:.1%} may be." if bad_rows < arrived_rows else ": every one of them."
    return (Finding(table.name, "bad_share_within_limit", "stop", says, value=share, limit=limits.max_bad_share),)


def check_freshness(table: Table, *, newest: date | None, as_of: date, limits: TableLimits) -> tuple[Finding, ...]:
    """Stop when the newest row is too old for the night.

    Args:
        table: A table with a time.
        newest: The newest event_date on or before `as_of`; None where there is none.
        as_of: The night, a day in the community's timezone.
        limits: The table's limits.
    """
    limit = limits.age_limit_days(table)
    if limit is None:
        return ()
    if newest is None:
        says = f"{table.name} has no row on or before {as_of}."
        return (Finding(table.name, "fresh_enough", "stop", says, value=float("inf"), limit=limit),)
    age_days = (as_of - newest).days
    if age_days <= limit:
        return ()
    says = f"The newest {table.name} row is of {newest}, {age_days} days before {as_of}; at most {limit} may pass."
    return (Finding(table.name, "fresh_enough", "stop", says, value=age_days, limit=limit),)


def check_volume(
    table: Table, daily: pl.DataFrame, *, arrived_dates: Collection[date], as_of: date, limits: TableLimits
) -> tuple[Finding, ...]:
    """Compare the rows of days that just arrived with what was usual before each of them.

    Usual is the median of the same weekday over the 8 weeks before, where 4 of them are known, otherwise of the 28 days
    before, where 7 are known; a day inside the table's history without rows counts as 0. A day is unusual when it lies
    more than 4 robust standard deviations of log(1 + rows) away (1.4826 × median absolute deviation, at least that of
    a Poisson count), by a factor of at least 1.5, and at least 20 rows away. Only the 28 days up to `as_of` are judged, so a
    first load is not.

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
    seen = daily.filter(pl.col("event_date") <= as_of)
    rows_by_day: dict[date, int] = dict(seen.select("event_date", "rows").iter_rows())
    if not rows_by_day:
        return ()
    first = min(rows_by_day)
    severity: Severity = "stop" if limits.volume_drift == "stop" else "warning"
    judged = sorted(day for day in set(arrived_dates) if as_of - timedelta(days=RECENT_DAYS) < day <= as_of)
    findings = (_volume_finding(table, rows_by_day, day=day, first=first, severity=severity) for day in judged)
    return tuple(finding for finding in findings if finding is not None)


def _volume_finding(table: Table, rows_by_day: dict[date, int], *, day: date, first: date, severity: Severity) -> Finding | None:
    compared, before = _comparable(rows_by_day, day=day, first=first)
    if not before:
        return None
    rows = rows_by_day.get(day, 0)
    lowest, highest = _usual_range(before)
    if lowest <= rows <= highest:
        return None
    says = f"{table.name} has {rows:,} rows on {day:%A} {day}; {median(before):,.0f} were usual on {compared}."
    return Finding(table.name, "volume_as_usual", severity, says, value=rows, limit=lowest if rows < lowest else highest)


def _usual_range(before: list[int]) -> tuple[float, float]:
    """Lowest and highest usual number of rows, given those of comparable days.

    On a logarithmic scale, where halving is as far as doubling: on a plain one a noisy table could lose every row unnoticed.
    """
    logs = [log1p(count) for count in before]
    centre = median(logs)
    mad = median(abs(value - centre) for value in logs)
    poisson_spread = exp(-centre / 2)
    apart = MAX_SPREADS_APART * max(_STANDARD_DEVIATION_PER_MAD * mad, poisson_spread)
    usual, factor = median(before), max(exp(apart), MIN_FACTOR_APART)
    return min(usual / factor, usual - MIN_ROWS_APART), max(usual * factor, usual + MIN_ROWS_APART)


def _comparable(rows_by_day: dict[date, int], *, day: date, first: date) -> tuple[str, list[int]]:
    """The numbers of rows that `day` is compared with, and how to call them; none where too little is known."""
    same_weekdays = _rows_before(rows_by_day, day=day, first=first, step_days=7, steps=SAME_WEEKDAYS)
    if len(same_weekdays) >= MIN_SAME_WEEKDAYS:
        return f"the {len(same_weekdays)} {day:%A}s before", same_weekdays
    recent = _rows_before(rows_by_day, day=day, first=first, step_days=1, steps=RECENT_DAYS)
    return f"the {len(recent)} days before", recent if len(recent) >= MIN_RECENT_DAYS else []


def _rows_before(rows_by_day: dict[date, int], *, day: date, first: date, step_days: int, steps: int) -> list[int]:
    days = (day - timedelta(days=step_days * step) for step in range(1, steps + 1))
    return [rows_by_day.get(earlier, 0) for earlier in days if earlier >= first]
