"""Reading times: whatever an export writes becomes an instant in UTC."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from lake.contracts import TIMESTAMP

EPOCH_UNITS: Final[dict[str, Literal["s", "ms", "us"]]] = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us"}

# ISO 8601 in the ways people write it, after the zone has been split off and T has become a blank.
_NAIVE_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y%m%d %H%M%S",
    "%Y%m%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
)
_ZONE: Final = r"(?:[zZ]|[+-]\d{2}:?\d{2})$"
_DAY_AND_TIME: Final = r"\d[ T]\d{2}"


def to_utc(column: pl.Series, *, timezone: str, date_format: str | None = None) -> pl.Series:
    """Read a column of any type as instants.

    A time without a zone is read in `timezone`; a date is its midnight there. In the hour that a clock change repeats,
    the earlier instant is taken; in the hour it skips, the same distance after the change.

    Args:
        column: Text, dates, datetimes of any unit, or numbers when `date_format` says so.
        timezone: The zone of times that name none.
        date_format: A strftime pattern, or `epoch_s`, `epoch_ms`, `epoch_us`; None for ISO text.

    Returns:
        Datetimes in UTC with microseconds; null where the value is not a time.
    """
    if date_format in EPOCH_UNITS:
        counts = column.cast(pl.Float64, strict=False) * {"s": 1e6, "ms": 1e3, "us": 1.0}[EPOCH_UNITS[date_format]]
        return counts.cast(pl.Int64, strict=False).cast(TIMESTAMP)
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        return column.cast(TIMESTAMP)
    if isinstance(column.dtype, pl.Datetime) or column.dtype == pl.Date:
        return _localise(column.cast(pl.Datetime("us")), timezone)
    if column.dtype == pl.String:
        return _read_text(column, timezone=timezone, date_format=date_format)
    if column.dtype.is_integer() and date_format is not None:
        return _read_text(column.cast(pl.String), timezone=timezone, date_format=date_format)
    return pl.Series(column.name, [None] * len(column), dtype=TIMESTAMP)


def local_date(time: pl.Expr, *, timezone: str) -> pl.Expr:
    """The community's calendar day of an instant."""
    return time.dt.convert_time_zone(timezone).dt.date()


def _read_text(column: pl.Series, *, timezone: str, date_format: str | None) -> pl.Series:
    text = column.str.strip_chars()
    if date_format is not None and "%z" in date_format.replace("%:z", "%z"):
        return text.str.to_datetime(date_format, strict=False, time_unit="us").cast(TIMESTAMP).alias(column.name)
    if date_format is not None:
        naive = text.str.to_datetime(date_format, strict=False, time_unit="us")
        return _localise(naive, timezone).alias(column.name)
    # A bare date such as 2011-08-31 also ends in what looks like an offset: a zone needs a time of day before it.
    frame = text.to_frame("text").with_columns(
        zone=pl.when(pl.col("text").str.contains(_DAY_AND_TIME)).then(pl.col("text").str.extract(f"({_ZONE})"))
    )
    frame = frame.with_columns(
        body=pl.when(pl.col("zone").is_null())
        .then("text")
        .otherwise(pl.col("text").str.replace(_ZONE, ""))
        .str.replace(r"(\d)T(\d)", "$1 $2")
        .str.strip_chars()
    )
    naive = frame.select(_any_format(pl.col("body"))).to_series()
    local = _localise(naive, timezone)
    return (
        frame.select(
            pl.when(pl.col("zone").is_null()).then(local).otherwise(naive.dt.replace_time_zone("UTC") - _offset(pl.col("zone")))
        )
        .to_series()
        .cast(TIMESTAMP)
        .alias(column.name)
    )


def _any_format(body: pl.Expr) -> pl.Expr:
    return pl.coalesce(body.str.to_datetime(pattern, strict=False, time_unit="us") for pattern in _NAIVE_FORMATS)


def _offset(zone: pl.Expr) -> pl.Expr:
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    digits = zone.str.replace_all(r"[^0-9]", "")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0)
    minutes = digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    return pl.duration(minutes=sign * (hours * 60 + minutes))


def _localise(naive: pl.Series, timezone: str) -> pl.Series:
    known = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    skipped = (naive.dt.offset_by("1h")).dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return known.zip_with(known.is_not_null(), skipped).dt.convert_time_zone("UTC").cast(TIMESTAMP)
