"""What a member used to do, as far as there is enough of it to call it usual: a number that a reason compares the present with.

Enough are six active days and six occasions before what is compared, and a membership of four windows, so that nobody is told
to have "usually 4" of five events in all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

from features.feature import Feature

SILENCE: Final = "days_since_last_activity"
AWAY: Final = "gap_now_to_mean_365d"
YEAR_DAYS: Final = 365
RECENT_DAYS: Final = 28
ENOUGH_TIMES: Final = 6
ENOUGH_WINDOWS: Final = 4
_DAYS_PER_MONTH: Final = 30.4
# A rate per month is told only if it lasted so many days, with so many occasions a month.
_DAYS_FOR_A_RATE: Final = 61
_OFTEN: Final = 2
_OFTEN_TO_BUY: Final = 1
# Amounts of money → the kind of activity that brings them about.
_OF_MONEY: Final = {"spend": "order", "refund_spend": "refund"}
_UNKNOWN: Final = pl.lit(None, pl.Float64)


def past(feature: Feature, columns: Collection[str]) -> pl.Expr:
    """Return what is usual for the member in the terms of the feature; null where there is no or not enough past.

    Of an amount over a window its mean over windows before that one, of a trend its level before, of a silence the median gap, of
    the last time of something the mean gap before it, of the silence in gaps 1.

    Args:
        feature: The feature.
        columns: The columns of the frame.
    """
    template, days = feature.saying.template, feature.saying.days
    if template == "amount" and days is not None and 1 < days < YEAR_DAYS:
        return _usual(feature, days, columns)
    if template == "trend":
        assert days is not None
        return _level(feature.saying.about, days, columns)
    is_known = number("active_days_365d", columns) >= ENOUGH_TIMES
    if template == "last_seen":
        return pl.when(is_known).then(number("gap_median_days_365d", columns))
    if template == "last_time":
        return _pace(feature, columns)
    return pl.when(is_known).then(1.0) if feature.name == AWAY else _UNKNOWN


def until(feature: Feature, columns: Collection[str]) -> pl.Expr:
    """Return the amount a month until a member stopped at least 28 days ago; null where it did not stop, or was rare or brief.

    Args:
        feature: The feature.
        columns: The columns of the frame.
    """
    days, about = feature.saying.days, feature.saying.about
    if feature.saying.template != "amount" or days is None or not 1 < days < YEAR_DAYS:
        return _UNKNOWN
    since = number(f"days_since_last_{_kind(about)}", columns)
    lasted_days = membership_days(columns) - since
    months, times = lasted_days / _DAYS_PER_MONTH, number(f"{_times(about)}_{YEAR_DAYS}d", columns)
    rate = _whole(number(f"{about}_{YEAR_DAYS}d", columns) / months)
    often = _OFTEN_TO_BUY if about in _OF_MONEY else _OFTEN
    is_over = (number(feature.name, columns) == 0) & (since >= RECENT_DAYS) & (lasted_days >= _DAYS_FOR_A_RATE)
    active_days = number(f"active_days_{YEAR_DAYS}d", columns)
    return pl.when(
        is_over & (pl.min_horizontal(times, active_days) >= ENOUGH_TIMES) & (times / months >= often) & (rate >= 1)
    ).then(rate)


def number(name: str, columns: Collection[str]) -> pl.Expr:
    """Read a feature as a number; null throughout where the frame lacks it."""
    return pl.col(name).cast(pl.Float64) if name in columns else _UNKNOWN


def membership_days(columns: Collection[str]) -> pl.Expr:
    """Return the days of membership among the last 365, `as_of` included; all 365 where the day of joining is unknown."""
    return (number("tenure_days", columns) + 1).clip(1, YEAR_DAYS).fill_null(YEAR_DAYS)


def _usual(feature: Feature, days: int, columns: Collection[str]) -> pl.Expr:
    about, member_days = feature.saying.about, membership_days(columns)
    value, year = (number(f"{about}_{window}d", columns) for window in (days, YEAR_DAYS))
    usual = (year - value) * days / (member_days - days)
    is_enough = (member_days >= ENOUGH_WINDOWS * days) & _is_often(about, days, YEAR_DAYS, columns)
    return pl.when(is_enough & (value >= 0) & (_whole(usual) >= 1)).then(usual)


def _level(about: str, days: int, columns: Collection[str]) -> pl.Expr:
    recent, total = (number(f"{about}_{window}d", columns) for window in (RECENT_DAYS, days))
    level = (total - recent) * RECENT_DAYS / (days - RECENT_DAYS)
    is_enough = (membership_days(columns) >= days) & _is_often(about, RECENT_DAYS, days, columns)
    return pl.when(is_enough & (recent >= 0) & (_whole(level) >= 1)).then(level)


def _pace(feature: Feature, columns: Collection[str]) -> pl.Expr:
    """Return the mean days between occasions before the last one."""
    since, times = number(feature.name, columns), number(f"{feature.saying.about}_count_{YEAR_DAYS}d", columns)
    gap = (membership_days(columns) - since) / times
    # Several times on one day are one occasion: without enough active days there is no pace.
    active_days = number(f"active_days_{YEAR_DAYS}d", columns)
    is_known = (pl.min_horizontal(times, active_days) >= ENOUGH_TIMES) & (since < YEAR_DAYS)
    return pl.when(is_known).then(pl.max_horizontal(gap, 1.0))


def _is_often(about: str, recent_days: int, days: int, columns: Collection[str]) -> pl.Expr:
    """Whether there were enough active days and occasions in the last `days` before the last `recent_days`."""
    counts = (_times(about), "active_days")
    earlier = (number(f"{each}_{days}d", columns) - number(f"{each}_{recent_days}d", columns) for each in counts)
    return pl.all_horizontal(each >= ENOUGH_TIMES for each in earlier)


def _times(about: str) -> str:
    return f"{_OF_MONEY[about]}_count" if about in _OF_MONEY else about


def _kind(about: str) -> str:
    return "activity" if about == "active_days" else _OF_MONEY.get(about) or about.removesuffix("_count")


def _whole(amount: pl.Expr) -> pl.Expr:
    return amount.round(0, mode="half_away_from_zero")
