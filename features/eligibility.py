"""Who is scored for churn: the one definition, for tonight's members and for past cut-offs alike."""

from __future__ import annotations

import polars as pl


def is_eligible(eligible_days: int) -> pl.Expr:
    """Whether a member was active on one of so many days that end with the night, from `days_since_last_activity`; never null."""
    return (pl.col("days_since_last_activity") < eligible_days).fill_null(value=False)


def is_still_here(horizon_days: int) -> pl.Expr:
    """Return whether an eligible member is still here: active within one churn horizon; the other eligible members are gone.

    Args:
        horizon_days: Days of the churn horizon; the last activity must be on one of the so many days that end with `as_of`.
    """
    return (pl.col("days_since_last_activity") < horizon_days).fill_null(value=False)
