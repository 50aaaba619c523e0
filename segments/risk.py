"""Churn risk in one word: low, medium or high, by the churn probability itself.

The same word means the same probability in every community and on every night: a member of low risk is expected to stay, one of
high risk to leave. Where nearly everybody leaves nearly everybody is at high risk, and the report says so.
"""

from __future__ import annotations

from typing import Final, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

RISKS: Final = ("low", "medium", "high")
_ALMOST_CERTAIN: Final = 1 - 1e-9


class RiskPolicy(BaseModel):
    """Where medium and high risk begin: at a probability, or at odds relative to those of the base rate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    medium_from: float = Field(default=0.3, ge=0, le=1, description="Risk is medium from this churn probability.")
    high_from: float = Field(default=0.6, ge=0, le=1, description="Risk is high from this churn probability.")
    medium_from_odds_ratio: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Instead of `medium_from`: medium from so many times the mean probability's odds.",
    )
    high_from_odds_ratio: float | None = Field(
        default=None, ge=1, description="Instead of `high_from`: high from so many times the mean probability's odds."
    )

    @model_validator(mode="after")
    def _one_threshold_a_class(self) -> Self:
        for key in ("medium_from", "high_from"):
            if key in self.model_fields_set and getattr(self, f"{key}_odds_ratio") is not None:
                raise ValueError(f"{key} and {key}_odds_ratio both say where one class begins: keep one of the two")
        has_ratio = self.medium_from_odds_ratio is not None or self.high_from_odds_ratio is not None
        if not has_ratio and self.medium_from > self.high_from:
            raise ValueError(f"medium risk from {self.medium_from} begins above high risk from {self.high_from}")
        return self


def churn_risk(*, base_rate: float | None, policy: RiskPolicy) -> pl.Expr:
    """Return low, medium or high from `churn_probability`; null where that is null, that is for the not eligible.

    Args:
        base_rate: Mean probability of the eligible members, to which odds ratios refer; None when nobody is eligible.
        policy: Where medium and high begin.
    """
    probability = pl.col("churn_probability")
    medium = _threshold(policy.medium_from, policy.medium_from_odds_ratio, base_rate)
    high = _threshold(policy.high_from, policy.high_from_odds_ratio, base_rate)
    risk = pl.when(probability >= high).then(pl.lit("high")).when(probability >= medium).then(pl.lit("medium"))
    return pl.when(probability.is_not_null()).then(risk.otherwise(pl.lit("low"))).alias("churn_risk")


def _threshold(probability: float, odds_ratio: float | None, base_rate: float | None) -> float:
    return probability if odds_ratio is None else probability_at(odds_ratio, base_rate=base_rate or 0.0)


def probability_at(odds_ratio: float, *, base_rate: float) -> float:
    """Return the probability whose odds are so many times those of the base rate."""
    # Kept off 0 and 1, where odds are 0 or infinite.
    rate = min(max(base_rate, 1 - _ALMOST_CERTAIN), _ALMOST_CERTAIN)
    odds = odds_ratio * rate / (1 - rate)
    return odds / (1 + odds)


def mean_probability(churn_probability: pl.Series) -> float | None:
    """Return the mean probability whatever the order of the rows; None when no member has one."""
    # Sorted, because the last bit of a sum depends on the order of its terms.
    mean = churn_probability.drop_nulls().sort().mean()
    return float(mean) if isinstance(mean, float) else None
