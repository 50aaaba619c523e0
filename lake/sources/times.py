"""Reading of times: the formats of exports to instants in UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final

import polars as pl

from lake.contracts import TIMESTAMP

MICROSECONDS_PER_EPOCH_UNIT: Final = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}

# Variants of ISO 8601, after the zone is removed, T replaced by a blank and a decimal comma by a point. The most likely come
# first.
_TIMES: Final = ("%H:%M:%S", "%H:%M:%S%.f", "%H:%M", "", "%H%M%S", "%H%M%S%.f", "%H%M")
_DATES: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
_ISO_FORMATS: Final = tuple(f"{day} {time}".strip() for day, time in product(_DATES, _TIMES))
# Without this check, a lenient parser would read 31/08/11 as the year 31.
_ISO_SHAPE: Final = r"^\d{4}(-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2}|\d{4})($|[ Tt])"
# A bare date such as 2011-08-31 ends in -31, which looks like an offset: a zone needs a time of day before it.
_ZONE: Final = r"[ Tt]\d{2}.*?( ?(?:[zZ]|UTC|GMT|[+-]\d{2}(?::?\d{2})?))$"
_DIRECTIVE: Final = r"%[-_0:#.\d]*[A-Za-z]"
# Outside these limits (the years 1000 to 9999) a time is a two-digit year read as a four-digit one, or 0001-01-01, which .NET
# writes for "no date"; and Polars cannot always convert it between zones.
_EARLIEST_US: Final = -30_610_224_000_000_000
_LATEST_US: Final = 253_402_300_799_999_999


def to_utc(column: pl.Series, *, timezone: str, date_format: str | Sequence[str | None] | None = None) -> pl.Series:
    """Read a column of any type as instants.

    A time without a zone is read in `timezone`; a date is its midnight there. In the hour that a clock change repeats, the
    earlier instant is used; a time that a clock change skips is moved forward by the length of the gap.

    Args:
        column: Text, dates, datetimes of any unit, or numbers if `date_format` says so.
        timezone: The timezone of times without one.
        date_format: A strftime pattern for text, or `epoch_s`, `epoch_ms`, `epoch_us`; None for ISO text. Of several, each value
            is read by the first that can.

    Returns:
        Datetimes in UTC with microseconds; null where the value is not a time between the years 1000 and 9999.
    """
    first, *others = [date_format] if date_format is None or isinstance(date_format, str) else date_format
    times = _read(column, timezone, first)
    # Only values that are not read yet are tried again, so the first matching format counts for each value.
    for pattern in others:
        unread = (times.is_null() & column.is_not_null()).arg_true()
        if unread.is_empty():
            break
        times = times.scatter(unread, _read(column.gather(unread), timezone, pattern))
    return times


def _read(column: pl.Series, timezone: str, date_format: str | None) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        time = _within_calendar(column.cast(pl.Datetime("us", column.dtype.time_zone), strict=False))
        return _localise(time, timezone) if column.dtype.time_zone is None else time.cast(TIMESTAMP)
    if column.dtype == pl.Date:
        return _localise(_within_calendar(column.cast(pl.Datetime("us"), strict=False)), timezone)
    is_number = column.dtype.is_numeric() and date_format is not None
    if date_format in MICROSECONDS_PER_EPOCH_UNIT and (is_number or column.dtype == pl.String):
        return _read_epoch(column, MICROSECONDS_PER_EPOCH_UNIT[date_format])
    if column.dtype == pl.String or is_number:
        return _read_text(_digits(column), timezone=timezone, date_format=date_format)
    return pl.Series(column.name, [None] * len(column), dtype=TIMESTAMP)


def _digits(column: pl.Series) -> pl.Series:
    """Return numbers as text; a whole number stored as a float or decimal, as in Excel, is written without its .0."""
    if column.dtype.is_float():
        whole = column.cast(pl.Int64, strict=False)
        is_whole = (whole.cast(column.dtype) == column).fill_null(False)
        return whole.cast(pl.String).zip_with(is_whole, column.cast(pl.String))
    return column.cast(pl.String).str.replace(r"^(\d{8,})\.0+$", "$1") if column.dtype.is_decimal() else column.cast(pl.String)


def is_date_format(pattern: str) -> bool:
    """Return whether a day written in this pattern can be read back as the same day."""
    if pattern in MICROSECONDS_PER_EPOCH_UNIT:
        return True
    if "%Z" in pattern or re.search(r"(?<!\.)%f", pattern):
        return False  # Polars silently ignores names of zones, and reads a bare %f as nanoseconds
    moment = pl.Series([datetime(2011, 8, 31, 22, 45, 56, tzinfo=UTC)])
    try:
        written = moment.dt.strftime(pattern.replace("%#z", "%z"))
        return bool(to_utc(written, timezone="UTC", date_format=pattern).dt.date().item() == date(2011, 8, 31))
    except pl.exceptions.PolarsError:
        return False


def names_utc(pattern: str) -> bool:
    """Return whether a strftime pattern has a literal Z, UTC or GMT, as in %Y-%m-%dT%H:%M:%SZ: its times are in UTC."""
    return re.search(r"\b(Z|UTC|GMT)\b", re.sub(_DIRECTIVE, " ", pattern), re.IGNORECASE) is not None


def local_date(time: pl.Expr, *, timezone: str) -> pl.Expr:
    """Return the calendar day of an instant in the community's timezone."""
    return time.dt.convert_time_zone(timezone).dt.date()


def _read_epoch(column: pl.Series, microseconds_per_unit: int) -> pl.Series:
    numbers = column.str.strip_chars() if column.dtype == pl.String else column
    count = pl.lit(numbers)
    # Whole numbers are not converted to floats, which would lose microseconds.
    whole = count.cast(pl.Int64, strict=False) if not column.dtype.is_float() else pl.lit(None, dtype=pl.Int64)
    parts = (count.cast(pl.Float64, strict=False) * microseconds_per_unit).round(0)
    microseconds = pl.coalesce(whole.cast(pl.Int128) * microseconds_per_unit, parts.cast(pl.Int128, strict=False))
    # 128 bits until here: a value in the wrong unit would overflow and could look like a valid time.
    time = pl.select(microseconds.cast(pl.Int64, strict=False).cast(TIMESTAMP)).to_series()
    return _within_calendar(time).alias(column.name)


def _read_text(column: pl.Series, *, timezone: str, date_format: str | None) -> pl.Series:
    text = column.str.strip_chars()
    if date_format is None:
        return _read_iso(text, timezone)
    # Polars' %#z reads all forms of an offset, Z included; .%f is Python's notation of a fraction, %.f that of Polars.
    pattern = re.sub("%:?z", "%#z", date_format).replace(".%f", "%.f")
    time = _parse(text, pattern)
    if time.null_count() > text.null_count():
        # Integers of a column with gaps are often exported as floats: 20240105.0.
        time = time.zip_with(time.is_not_null(), _parse(text.str.extract(r"^(\d{8,})\.0+$"), pattern))
    # %s is seconds since 1970 in UTC, but Polars returns it without a zone.
    names_zone = isinstance(time.dtype, pl.Datetime) and time.dtype.time_zone is not None
    if names_zone or "%s" in pattern:
        return _within_calendar(time).cast(TIMESTAMP)
    return _localise(_within_calendar(time), "UTC" if names_utc(pattern) else timezone)


def _read_iso(text: pl.Series, timezone: str) -> pl.Series:
    text = text.set(~text.str.contains(_ISO_SHAPE), None)
    zone = text.str.extract(_ZONE)
    body = text if zone.null_count() == len(zone) else _without_suffix(text, zone)
    body = body.str.replace("[Tt]", " ").str.replace(",", ".", literal=True)
    naive = _within_calendar(_read_naive(body))
    if zone.null_count() == len(zone):
        return _localise(naive, timezone)
    seconds = {suffix: _offset_seconds(suffix) for suffix in zone.drop_nulls().unique()}
    offset = zone.replace_strict(seconds, default=None, return_dtype=pl.Int64)
    with_offset = naive.dt.replace_time_zone("UTC") - (offset * 1_000_000).cast(pl.Duration("us"))
    return with_offset.zip_with(zone.is_not_null(), _localise(naive, timezone))


def _read_naive(body: pl.Series) -> pl.Series:
    """Read texts by one format after the other, each on the values not read yet; formats that read the first value come first."""
    first = body.drop_nulls().head(1)
    naive = pl.Series(body.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(body))
    for pattern in sorted(_ISO_FORMATS, key=lambda pattern: _parse(first, pattern).null_count()):
        unread = (naive.is_null() & body.is_not_null()).arg_true()
        if unread.is_empty():
            break
        naive = naive.scatter(unread, _parse(body.gather(unread), pattern))
    return naive


def _parse(text: pl.Series, pattern: str) -> pl.Series:
    return text.str.to_datetime(pattern, strict=False, time_unit="us")


def _without_suffix(text: pl.Series, suffix: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"text": text, "suffix": suffix.fill_null("")})
    return frame.select(pl.col("text").str.strip_suffix(pl.col("suffix"))).to_series().alias(text.name)


def _offset_seconds(zone: str) -> int | None:
    digits = re.sub(r"\D", "", zone).ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    # Not an offset: the whole time is unreadable then.
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - hours of a day, minutes of an hour
        return None
    return (hours * 3600 + minutes * 60) * (-1 if "-" in zone else 1)


def _within_calendar(time: pl.Series) -> pl.Series:
    return time.set(~time.to_physical().is_between(_EARLIEST_US, _LATEST_US), None)


def _localise(naive: pl.Series, timezone: str) -> pl.Series:
    times = _in_zone(naive, timezone)
    if times.null_count() > naive.null_count():
        # A skipped time: read with the offset of the day before, it is moved forward by the length of the gap.
        skipped = _in_zone(naive.dt.offset_by("-1d"), timezone) + timedelta(days=1)
        times = times.zip_with(times.is_not_null(), skipped)
    return times


def _in_zone(naive: pl.Series, timezone: str) -> pl.Series:
    return naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
