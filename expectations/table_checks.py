"""Checks of whole tables: presence, freshness, share of bad rows, days far before the rest, and a single currency.

Pure functions; findings are data, and the caller decides what to do with them. A single bad row goes to quarantine
(`expectations.runner`); a bad table stops the run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from features.first_day import LONGEST_PAUSE, first_day_of_history
from lake.contracts import ACTIVITY_TABLES, Table

Severity = Literal["note", "warning", "stop"]

MAX_AGE_DAYS_OF_ACTIVITY: Final = 14
_CODE_LETTERS: Final = 3


class TableLimits(BaseModel):
    """Limits of a table beyond which the run warns or stops."""

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
    """Find a table that has a source but no row at all: stop for events and orders, warn for others.

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
    """Warn of paths that match nothing although they did before; `check_freshness` decides whether that stops the run.

    Args:
        table: A table with a source.
        absent: One sentence per path.
    """
    return tuple(Finding(table.name, "path_matches_a_file", "warning", says, value=0, limit=1) for says in absent)


def check_share(table: Table, *, arrived_rows: int, bad_rows: int, limits: TableLimits) -> tuple[Finding, ...]:
    """Stop when too large a share of what just arrived is bad, or all of it.

    Args:
        table: The table the rows were meant for.
        arrived_rows: Mapped rows that were validated.
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


def check_far_days(
    table: Table, rows_by_day: Mapping[date, int], *, arrived_dates: Collection[date], as_of: date
) -> tuple[Finding, ...]:
    """Warn of days so far before the rest of a table that they are no part of its history.

    Args:
        table: A table with a time.
        rows_by_day: Day → the table's rows in the lake with tonight's arrival.
        arrived_dates: Days that tonight's arrival touched; days of earlier arrivals have been reported already.
        as_of: The night, a day in the community's timezone.
    """
    rows_until_as_of = {day: rows for day, rows in rows_by_day.items() if day <= as_of}
    first = first_day_of_history(rows_until_as_of)
    far_days = sorted(day for day in rows_until_as_of.keys() & set(arrived_dates) if first is not None and day < first)
    if not far_days:
        return ()
    rows = sum(rows_until_as_of[day] for day in far_days)
    when = f"on {far_days[0]}" if len(far_days) == 1 else f"on {len(far_days)} days from {far_days[0]} to {far_days[-1]}"
    says = (
        f"{table.name} has {_rows(rows)} {when}, more than {LONGEST_PAUSE.days} days before the rest, which begins on {first}: "
        "kept, but not counted as history."
    )
    return (Finding(table.name, "days_near_the_rest", "warning", says, value=rows, limit=0),)


def check_currency(table: Table, rows_by_currency: Mapping[str, int], *, configured: str | None) -> tuple[Finding, ...]:
    """Stop when amounts of several currencies would be added up, or shown in another one than theirs.

    Args:
        table: A table with a currency.
        rows_by_currency: Currency as written → rows that have it, in the lake with tonight's arrival.
        configured: The currency beside which the lists show money; None for none.
    """
    rows: dict[str, int] = {}
    for text, count in rows_by_currency.items():
        rows[_code(text)] = rows.get(_code(text), 0) + count
    # Rows without a currency are no currency of their own.
    rows.pop("", None)
    currencies = ", ".join(
        f"{code} ({_rows(count)})" for code, count in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    )
    configured_code = _code(configured or "")
    if len(rows) > 1:
        says = (
            f"{table.name} are in {len(rows)} currencies, and their amounts would be added up as if they were one: {currencies}."
        )
    # Anything but a code of three letters may be a sign such as €, which cannot be compared with a code.
    elif len(rows) == 1 and configured_code not in rows and len(configured_code) == _CODE_LETTERS:
        says = f"All {table.name} that say a currency are in {currencies}, and [community] currency is {configured_code}."
    else:
        return ()
    return (Finding(table.name, "one_currency", "stop", says, value=len(rows), limit=1),)


def _code(currency: str) -> str:
    """Return a currency's code without spaces and in upper case, so that `eur ` and `EUR` are one."""
    return currency.strip().upper()


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
