"""Watermarks: a query reads only what changed since the newest value it returned before, less an overlap.

`:since` in the query is bound to that value as a parameter, never inserted into its text. The value is recorded with the
arrivals, so that it only counts once the rows have landed. Databases compare text character by character, so the bound value is
written in the same form as the values themselves.
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
# A value further in the future would hide every change until that time.
_AHEAD_OF_THE_CLOCK: Final = timedelta(days=1)
_DATE_CHARACTERS: Final = len("2024-01-05")
# Parts that may contain `:since` without meaning the parameter: literals, quoted names, comments, dollar quotes and casts to a
# type.
_LITERAL_OR_SINCE: Final = re.compile(
    r"""(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/"""
    r""" | (?<![\w$])\$(?P<tag>[A-Za-z_]\w*|)\$.*?\$(?P=tag)\$ | ::\s*\w* | (?P<since>:since(?!\w))""",
    re.DOTALL | re.VERBOSE,
)


def asks_since(query: str) -> bool:
    """Return whether a query has the parameter `:since` outside literals, comments and casts."""
    return any(match["since"] for match in _LITERAL_OR_SINCE.finditer(query))


def for_psycopg(query: str) -> str:
    """Return the query with `:since` as a psycopg parameter and all percent signs escaped."""
    parts, end = [], 0
    for match in _LITERAL_OR_SINCE.finditer(query):
        if match["since"]:
            parts.append(query[end : match.start()])
            end = match.end()
    return "%(since)s".join(part.replace("%", "%%") for part in [*parts, query[end:]])


def check_settings(*, query: str | None, watermark: str | None, overlap: str | int | None) -> None:
    """Check that the three settings are consistent.

    Args:
        query: The query, or None for files.
        watermark: The column, or None.
        overlap: The overlap, or None.

    Raises:
        ValueError: One is given without another that it needs, or the overlap is invalid.
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
    """Return the value of `:since` before anything was read."""
    return FIRST_NUMBER if isinstance(overlap, int) else FIRST_TIME


@dataclass(frozen=True)
class Watermark:
    """The watermark of a source.

    Args:
        column: The column of the query's result.
        overlap: As configured: a whole number for a watermark of whole numbers.
        recorded: The value recorded with the source's newest arrival, `column=value`; None before the first.
    """

    column: str
    overlap: str | int | None
    recorded: str | None

    @property
    def since(self) -> Since:
        """Return the value to bind to `:since`; the beginning if no value of this column and kind is recorded."""
        newest = self._newest
        if newest is None:
            return beginning(self.overlap)
        if isinstance(self.overlap, int):
            return int(newest) - self.overlap
        try:
            start = _time_of(newest) - _duration(self.overlap or DEFAULT_OVERLAP)
        except OverflowError:
            return beginning(self.overlap)
        return f"{start:%Y-%m-%d}" if len(newest) == _DATE_CHARACTERS else f"{start:%Y-%m-%d %H:%M:%S}"

    def after(self, rows: pl.DataFrame, *, now: datetime, name: str) -> str | None:
        """Return the value to record after reading: the newest one, never older than the recorded one; None if there is none.

        Nulls are ignored, and so are times more than a day in the future, which would hide every later change.

        Args:
            rows: The rows as read, before any of them is left out.
            now: The current time, with a timezone.
            name: The source's name in messages.

        Raises:
            ConfigurationError: The result has no such column.
            DataError: Its newest value is not a time, or not a whole number although the overlap is one.
        """
        if self.column not in rows.columns:
            raise ConfigurationError(
                f"{name}: the query gives no column {self.column!r}, which `watermark` names",
                remedy=f"Select it in `query`, or correct `watermark`; there are {', '.join(rows.columns)}.",
            )
        values = rows[self.column].drop_nulls()
        newest_read = _largest_number(values, name) if isinstance(self.overlap, int) else _latest_time(values, now, name)
        newest_recorded = self._newest
        # Rows of the overlap are older than the watermark, so a night without changes must not move it back.
        if newest_recorded is not None and (newest_read is None or not self._is_later(newest_read, newest_recorded)):
            return self.recorded
        return None if newest_read is None else f"{self.column}={newest_read}"

    @property
    def _newest(self) -> str | None:
        """Return the recorded value if it is of this column and kind, else None."""
        column, _, newest = (self.recorded or "").rpartition("=")
        kind = _WHOLE_NUMBER if isinstance(self.overlap, int) else _ISO_TIME
        return newest if column == self.column and kind.fullmatch(newest) else None

    def _is_later(self, value: str, other: str) -> bool:
        return int(value) > int(other) if isinstance(self.overlap, int) else _time_of(value) > _time_of(other)


def _largest_number(values: pl.Series, name: str) -> str | None:
    largest = values.max()
    if largest is None:
        return None
    is_whole = isinstance(largest, int | Decimal) and not isinstance(largest, bool) and largest == int(largest)
    if not is_whole:
        raise _watermark_error(name, largest, "a whole number, as `overlap` is")
    assert isinstance(largest, int | Decimal)
    return str(int(largest))


def _latest_time(values: pl.Series, now: datetime, name: str) -> str | None:
    limit = now.astimezone(UTC).replace(tzinfo=None) + _AHEAD_OF_THE_CLOCK
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    # Compared as text, as the database does; ISO texts sort in the order of time.
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
        _time_of(text)
    except ValueError:
        hint = "a time in ISO 8601, such as 2024-01-05 10:00:00 (for whole numbers write `overlap` as one)"
        raise _watermark_error(name, latest, hint) from None
    return text


def _time_of(text: str) -> datetime:
    """Return the time as written, ignoring a timezone after it.

    Raises:
        ValueError: The text is not a time.
    """
    match = _ISO_TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return datetime.fromisoformat(f"{match[1]} {match[2] or '00:00'}")


def _duration(overlap: str | int) -> timedelta:
    match = _DURATION.fullmatch(str(overlap))
    assert match is not None
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _watermark_error(name: str, value: object, wanted: str) -> DataError:
    # Not the text itself: by mistake the column may be one that contains members' ids.
    shown = f"text of {len(value)} characters" if isinstance(value, str) else f"{value!s:.40}"
    return DataError(
        f"{name}: the newest value of the watermark is {shown}, which is not {wanted}",
        remedy="Correct `watermark` or `overlap`, or cast the column in `query`.",
    )
