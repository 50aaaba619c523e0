"""Watermarks: a query asks a database only for what changed since the newest value it gave before, less an overlap.

`:since` in the query is bound to that value, never pasted into its text. The value is kept with the arrivals, so that it counts
only when what was read has landed. Text is compared as the database compares it, character by character: the bound value is
written like the values themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from lake.errors import ConfigurationError, DataError

DEFAULT_OVERLAP: Final = "1 day"
FIRST_TIME: Final = "1970-01-01 00:00:00"
FIRST_NUMBER: Final = 0
Since = str | int
_DURATION: Final = re.compile(r"(\d{1,6}) (second|minute|hour|day|week)s?")
_ISO_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?).*)?", re.DOTALL)
_WHOLE_NUMBER: Final = re.compile(r"[+-]?\d+")
# A later time would hide every change until then.
_AHEAD_OF_THE_CLOCK: Final = timedelta(days=1)
_DATE_CHARACTERS: Final = len("2024-01-05")
# What may hold `:since` without meaning it: literals, quoted names, comments, dollar quotes and casts to a type.
_LITERAL_OR_SINCE: Final = re.compile(
    r"""(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/"""
    r""" | (?<![\w$])\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$ | ::\s*\w* | (?P<since>:since(?!\w))""",
    re.DOTALL | re.VERBOSE,
)


def asks_since(query: str) -> bool:
    """Whether a query has the parameter `:since`, literals, comments and casts aside."""
    return any(found["since"] for found in _LITERAL_OR_SINCE.finditer(query))


def for_psycopg(query: str) -> str:
    """The query with `:since` as psycopg writes parameters, and every percent sign as itself."""
    parts, end = [], 0
    for found in _LITERAL_OR_SINCE.finditer(query):
        if found["since"]:
            parts.append(query[end : found.start()])
            end = found.end()
    return "%(since)s".join(part.replace("%", "%%") for part in [*parts, query[end:]])


def check_settings(*, query: str | None, watermark: str | None, overlap: str | int | None) -> None:
    """Check that the three say the same.

    Raises:
        ValueError: One is given without another, or an overlap is none.
    """
    has_since = query is not None and asks_since(query)
    if watermark is None:
        if overlap is not None:
            raise ValueError("`overlap` needs `watermark`, the name of a column of the query's result")
        if has_since:
            raise ValueError("`:since` in `query` needs `watermark`, the name of the column it is compared with")
        return
    if query is None:
        raise ValueError("`watermark` is for a database (`uri` and `query`); files are not read again while they are unchanged")
    if not has_since:
        raise ValueError("`watermark` needs `:since` in `query`, such as WHERE updated_at >= :since")
    if isinstance(overlap, str) and not _DURATION.fullmatch(overlap):
        raise ValueError(f"the overlap {overlap!r} is neither a duration such as `1 day` or `2 hours` nor a whole number")


def beginning(overlap: str | int | None) -> Since:
    """What `:since` is before anything was read."""
    return FIRST_NUMBER if isinstance(overlap, int) else FIRST_TIME


@dataclass(frozen=True)
class Watermark:
    """How far a source was read.

    Args:
        column: The column of the query's result.
        overlap: As configured: a whole number for a watermark of whole numbers.
        held: What the newest arrival of the source kept; None before the first.
    """

    column: str
    overlap: str | int | None
    held: str | None

    @property
    def since(self) -> Since:
        """The value to bind to `:since`: the beginning where nothing was kept, or what was is of another column or kind."""
        newest = self._newest
        if newest is None:
            return beginning(self.overlap)
        if isinstance(self.overlap, int):
            return int(newest) - self.overlap
        try:
            moved = _moment(newest) - _duration(self.overlap or DEFAULT_OVERLAP)
        except OverflowError:
            return beginning(self.overlap)
        return f"{moved:%Y-%m-%d}" if len(newest) == _DATE_CHARACTERS else f"{moved:%Y-%m-%d %H:%M:%S}"

    def after(self, rows: pl.DataFrame, *, now: datetime, name: str) -> str | None:
        """What to keep after reading: the newest value, never an older one than was kept; None when there is none yet.

        A null is ignored, and so is a time more than a day after the clock: it would hide every later change.

        Args:
            rows: The rows as read, before any of them is left out.
            now: The clock, with a zone.
            name: How messages call the source.

        Raises:
            ConfigurationError: The result has no such column.
            DataError: Its newest value is not a time, or not a whole number where the overlap is one.
        """
        if self.column not in rows.columns:
            raise ConfigurationError(
                f"{name}: the query gives no column {self.column!r}, which `watermark` names",
                remedy=f"Select it in `query`, or correct `watermark`; there are {', '.join(rows.columns)}.",
            )
        values = rows[self.column].drop_nulls()
        found = _largest_number(values, name) if isinstance(self.overlap, int) else _latest_time(values, now, name)
        newest = self._newest
        if newest is not None and (found is None or not self._is_later(found, newest)):
            return self.held
        return None if found is None else f"{self.column}={found}"

    @property
    def _newest(self) -> str | None:
        """The value that was kept, where it is of this column and kind."""
        column, _, newest = (self.held or "").rpartition("=")
        kind = _WHOLE_NUMBER if isinstance(self.overlap, int) else _ISO_TIME
        return newest if column == self.column and kind.fullmatch(newest) else None

    def _is_later(self, value: str, other: str) -> bool:
        return int(value) > int(other) if isinstance(self.overlap, int) else _moment(value) > _moment(other)


def _largest_number(values: pl.Series, name: str) -> str | None:
    largest = values.max()
    if largest is None:
        return None
    is_whole = isinstance(largest, int | Decimal) and not isinstance(largest, bool) and largest == int(largest)
    if not is_whole:
        raise _no_watermark(name, largest, "a whole number, as `overlap` is")
    assert isinstance(largest, int | Decimal)
    return str(int(largest))


def _latest_time(values: pl.Series, now: datetime, name: str) -> str | None:
    limit = now.astimezone(UTC).replace(tzinfo=None) + _AHEAD_OF_THE_CLOCK
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if values.dtype == pl.String:
        latest = values.filter(values <= f"{limit:%Y-%m-%d %H:%M:%S}").max()
    elif isinstance(values.dtype, pl.Date | pl.Datetime):
        latest = values.filter(values <= limit).max()
    else:
        latest = values.max()
    if latest is None:
        return None
    text = latest.isoformat(" ") if isinstance(latest, datetime) else str(latest)
    try:
        _moment(text)
    except ValueError:
        hint = "a time in ISO 8601, such as 2024-01-05 10:00:00 (for whole numbers write `overlap` as one)"
        raise _no_watermark(name, latest, hint) from None
    return text


def _moment(text: str) -> datetime:
    """The time that is written, whatever zone is behind it."""
    found = _ISO_TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return datetime.fromisoformat(f"{found[1]} {found[2] or '00:00'}")


def _duration(overlap: str | int) -> timedelta:
    found = _DURATION.fullmatch(str(overlap))
    assert found is not None
    return timedelta(**{f"{found[2]}s": int(found[1])})


def _no_watermark(name: str, value: object, wanted: str) -> DataError:
    # Not the text itself: the column may be another than was meant, and name a member.
    shown = f"text of {len(value)} characters" if isinstance(value, str) else f"{value!s:.40}"
    return DataError(
        f"{name}: the newest value of the watermark is {shown}, which is not {wanted}",
        remedy="Correct `watermark` or `overlap`, or cast the column in `query`.",
    )
