"""Churn risk in one word: low, medium or high, relative to the community's own churn rate.

A probability of 0.3 is high where 1 in 10 members leaves, and low where every second one does. So the odds of each member are
compared with the odds of the base rate, and the same two ratios serve every community and horizon.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

RISKS: Final = ("low", "medium", "high")
_ALMOST_CERTAIN: Final = 1 - 1e-9


class RiskPolicy(BaseModel):
    """Where medium and high risk begin, as odds relative to the odds of the base rate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    medium_from_odds_ratio: float = Field(default=0.5, gt=0, le=1, description="Risk is medium from so many times the base odds.")
    high_from_odds_ratio: float = Field(default=2.0, ge=1, description="Risk is high from so many times the base odds.")


def churn_risk(*, base_rate: float, policy: RiskPolicy) -> pl.Expr:
    """Return low, medium or high from `churn_probability`; null where that is null, that is for the not eligible.

    Args:
        base_rate: Share of eligible members who leave within the horizon; `mean_probability` when nothing better is known.
        policy: Where medium and high begin.
    """
    probability = pl.col("churn_probability")
    medium = probability_at(policy.medium_from_odds_ratio, base_rate=base_rate)
    high = probability_at(policy.high_from_odds_ratio, base_rate=base_rate)
    risk = pl.when(probability >= high).then(pl.lit("high")).when(probability >= medium).then(pl.lit("medium"))
    return pl.when(probability.is_not_null()).then(risk.otherwise(pl.lit("low"))).alias("churn_risk")


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
