"""Windows that end with `as_of`, computed from disjoint bands of age.

A row of age 3 days is in the windows of 7, 28, 90 and 365 days. Summing every window separately reads each row up to five times;
summing disjoint bands and cumulating them afterwards reads it once and needs a quarter of the memory.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

WINDOWS_DAYS: Final = (1, 7, 28, 90, 365)
LONG_WINDOWS_DAYS: Final = (90, 365)
LONGEST_WINDOW_DAYS: Final = WINDOWS_DAYS[-1]

# First age in days of each band: 0, 1–6, 7–27, 28–89, 90–364, and 365 or older, which completes the lifetime.
_BAND_STARTS: Final = (0, *WINDOWS_DAYS)


def age_days(as_of: date) -> pl.Expr:
    """Return the days from `event_date` to `as_of`; 0 on `as_of` itself."""
    return (pl.lit(as_of) - pl.col("event_date")).dt.total_days().cast(pl.Int32)


def window_name(column: str, days: int | None) -> str:
    """Return the name of the sum of `column` over a window; None stands for the whole lifetime."""
    return f"{column}_lifetime" if days is None else f"{column}_{days}d"


def band_sums(column: str) -> list[pl.Expr]:
    """Return the sums of `column` within each band of `age_days`, for a group_by; one expression per band."""
    return [
        pl.when(_in_band(start, end)).then(pl.col(column)).otherwise(0).sum().alias(_band_name(column, start))
        for start, end in zip(_BAND_STARTS, (*WINDOWS_DAYS, None), strict=True)
    ]


def window_sums(column: str) -> list[pl.Expr]:
    """Return the sums of `column` over its windows and lifetime, named by `window_name`, from the sums of the bands."""
    bands = [_band_name(column, start) for start in _BAND_STARTS]
    return [
        pl.sum_horizontal(bands[: position + 1]).alias(window_name(column, days))  # noqa: TID251 - whole numbers
        for position, days in enumerate((*WINDOWS_DAYS, None))
    ]


def window_names(column: str) -> list[str]:
    """Return the names of all windows of `column`, shortest first, lifetime last."""
    return [window_name(column, days) for days in (*WINDOWS_DAYS, None)]


def _band_name(column: str, start: int) -> str:
    return f"{column}_from_age_{start}"


def _in_band(start: int, end: int | None) -> pl.Expr:
    age = pl.col("age_days")
    return age >= start if end is None else (age >= start) & (age < end)
