"""Who is scored for churn: the one definition, for tonight's members and for past cut-offs alike."""

from __future__ import annotations

import polars as pl


def is_eligible(eligible_days: int) -> pl.Expr:
    """Whether a member was active on one of so many days that end with the night, from `days_since_last_activity`; never null."""
    return (pl.col("days_since_last_activity") < eligible_days).fill_null(value=False)
