"""Who is scored for churn: the one definition, for tonight's members and for past cut-offs alike."""

from __future__ import annotations

from typing import Final

import polars as pl

STILL_HERE: Final = "still_here"
GONE: Final = "gone"
PRESENCES: Final = (STILL_HERE, GONE)


def is_eligible(eligible_days: int) -> pl.Expr:
    """Whether a member was active on one of so many days that end with the night, from `days_since_last_activity`; never null."""
    return (pl.col("days_since_last_activity") < eligible_days).fill_null(value=False)


def is_still_here(horizon_days: int) -> pl.Expr:
    """Return whether an eligible member is still here: active within one churn horizon; the other eligible members are gone.

    Args:
        horizon_days: Days of the churn horizon; the last activity must be on one of the so many days that end with `as_of`.
    """
    return (pl.col("days_since_last_activity") < horizon_days).fill_null(value=False)


def presence(horizon_days: int) -> pl.Expr:
    """Return the column `presence` from `is_eligible`: `still_here` or `gone`, null for members who are not eligible.

    Args:
        horizon_days: Days of the churn horizon.
    """
    kind = pl.when(is_still_here(horizon_days)).then(pl.lit(STILL_HERE)).otherwise(pl.lit(GONE))
    return pl.when("is_eligible").then(kind).alias("presence")
