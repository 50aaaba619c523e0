"""The lifecycle stage of each member; every member is in exactly one.

The first rule that holds decides:

1. new: joined (or was first seen) less than `new_days` ago.
2. lost: silent for at least `lost_after_days`. A member who was never active has been silent since joining.
3. dormant: silent for at least `dormant_after_days`.
4. returning: active in the last 28 days after none in the 62 days before, and known for longer than those 90 days.
5. at_risk: silent for at least `at_risk_after_days`, or of high churn risk.
6. active: everyone else.
"""

from __future__ import annotations

from typing import Final, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

STAGES: Final = ("new", "active", "at_risk", "dormant", "lost", "returning")
RETURN_WINDOW_DAYS: Final = 28
ABSENCE_WINDOW_DAYS: Final = 90
OPTIONAL: Final = {
    "tenure_days": pl.Int32,
    "days_since_last_activity": pl.Int32,
    "days_since_first_activity": pl.Int32,
    f"active_days_{RETURN_WINDOW_DAYS}d": pl.Int32,
    f"active_days_{ABSENCE_WINDOW_DAYS}d": pl.Int32,
    "churn_risk": pl.String,
}


class LifecyclePolicy(BaseModel):
    """Days that a member is new, and days of silence at which each later stage begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    new_days: PositiveInt = Field(default=28, description="A member is new for so many days after joining.")
    at_risk_after_days: PositiveInt = Field(default=28, description="Days of silence that put a member at risk.")
    dormant_after_days: PositiveInt = Field(default=56, description="Days of silence that make a member dormant.")
    lost_after_days: PositiveInt = Field(default=112, description="Days of silence after which a member counts as lost.")

    @model_validator(mode="after")
    def _silences_are_in_order(self) -> Self:
        if not self.at_risk_after_days <= self.dormant_after_days <= self.lost_after_days:
            raise ValueError("at_risk_after_days, dormant_after_days and lost_after_days must not decrease")
        return self

    @classmethod
    def for_horizon(cls, churn_horizon_days: int) -> Self:
        """Return the policy for another churn horizon: at risk, dormant and lost after one, two and four of them."""
        return cls(
            at_risk_after_days=churn_horizon_days,
            dormant_after_days=2 * churn_horizon_days,
            lost_after_days=4 * churn_horizon_days,
        )


def add_lifecycle(scored: pl.LazyFrame, *, policy: LifecyclePolicy) -> pl.LazyFrame:
    """Add `lifecycle`, never null.

    One row per member in, the same rows and order out.

    Args:
        scored: One row per member with tenure_days, days_since_last_activity, days_since_first_activity,
            active_days_28d, active_days_90d and churn_risk; a missing column counts as null.
        policy: The days at which stages begin.
    """
    columns = scored.collect_schema().names()
    inputs = {name: pl.col(name) if name in columns else pl.lit(None, dtype=dtype) for name, dtype in OPTIONAL.items()}
    # Without any activity the silence has lasted since joining.
    silence = pl.coalesce(inputs["days_since_last_activity"], inputs["tenure_days"])
    is_at_risk = (silence >= policy.at_risk_after_days) | (inputs["churn_risk"] == "high").fill_null(value=False)
    stage = (
        pl.when(inputs["tenure_days"] < policy.new_days)
        .then(pl.lit("new"))
        .when(silence.is_null() | (silence >= policy.lost_after_days))
        .then(pl.lit("lost"))
        .when(silence >= policy.dormant_after_days)
        .then(pl.lit("dormant"))
        .when(_has_returned(inputs))
        .then(pl.lit("returning"))
        .when(is_at_risk)
        .then(pl.lit("at_risk"))
        .otherwise(pl.lit("active"))
    )
    return scored.with_columns(lifecycle=stage)


def _has_returned(inputs: dict[str, pl.Expr]) -> pl.Expr:
    # Equal counts mean that all active days of the 90 are within the last 28: none in the 62 days before.
    recent, longer = inputs[f"active_days_{RETURN_WINDOW_DAYS}d"], inputs[f"active_days_{ABSENCE_WINDOW_DAYS}d"]
    return (recent > 0) & (recent == longer) & (inputs["days_since_first_activity"] >= ABSENCE_WINDOW_DAYS)
