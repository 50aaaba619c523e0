"""Scores of how active, influential and valuable each member is, from 0 to 100.

Every score is a mid-rank percentile: 90 means that 90 % of the members rank below, where half of the members with an equal
value count as below. Members with equal values get the same score, whatever the order of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from features.ordered import sum_in_order

Weights = Mapping[str, NonNegativeFloat]

# Percentiles are whole multiples of 2^-20, which floats hold exactly.
_STEPS_PER_POINT: Final = 2**20
_MEAN_DECIMALS: Final = 6

SCORES: Final = ("activity_score", "influence_score", "commercial_score", "member_value_score")


class ScorePolicy(BaseModel):
    """Weights of the scores; a column that a community does not have is left out, and the others weigh more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    activity_weights: Weights = Field(
        default={"active_days_28d": 0.4, "active_days_90d": 0.3, "active_days_365d": 0.1, "event_count_90d": 0.2},
        description="Feature → weight of its percentile in the activity score.",
    )
    commercial_weights: Weights = Field(
        default={"expected_value": 0.6, "spend_365d": 0.3, "spend_lifetime": 0.1},
        description="Feature → weight of its percentile in the commercial score.",
    )
    value_weights: Weights = Field(
        default={"activity_score": 0.4, "influence_score": 0.3, "commercial_score": 0.3},
        description="Score → weight in the member value score.",
    )


def add_scores(scored: pl.LazyFrame, *, policy: ScorePolicy) -> pl.LazyFrame:
    """Add the four scores.

    One row per member in, the same rows and order out. `influence_score` stays as it is when it is already there and
    is null otherwise. `commercial_score` is null where there are no orders, that is where none of its columns has a value.

    Args:
        scored: One row per member with the columns that the policy names, as far as the community has them.
        policy: The weights.
    """
    columns = scored.collect_schema().names()
    influence = pl.col("influence_score") if "influence_score" in columns else pl.lit(None)
    with_parts = scored.with_columns(
        activity_score=percentile(_mean_percentile(policy.activity_weights, columns)),
        commercial_score=percentile(_mean_percentile(policy.commercial_weights, columns)),
        influence_score=influence.cast(pl.Float64),
    )
    value = _weighted_mean([(pl.col(name), weight) for name, weight in policy.value_weights.items()])
    return with_parts.with_columns(member_value_score=percentile(value))


def percentile(value: pl.Expr) -> pl.Expr:
    """Return the mid-rank percentile among the rows that have a value, 0 to 100; null for the others."""
    # Polars divides a column by a number either truly or by multiplying with its reciprocal, depending on the chunks of the
    # rows, and the two round differently. Integer division has one result, and dividing by a power of two is exact.
    twice_rank_below = (value.rank("average") * 2 - 1).cast(pl.Int64)
    return (twice_rank_below * (50 * _STEPS_PER_POINT) // value.count().cast(pl.Int64)).cast(pl.Float64) / _STEPS_PER_POINT


def _mean_percentile(weights: Weights, columns: list[str]) -> pl.Expr:
    return _weighted_mean([(percentile(pl.col(name)), weight) for name, weight in weights.items() if name in columns])


def _weighted_mean(parts: Sequence[tuple[pl.Expr, float]]) -> pl.Expr:
    """Return the weighted mean of the parts that have a value; null when none has."""
    if not parts:
        return pl.lit(None, dtype=pl.Float64)
    total = sum_in_order(part * weight for part, weight in parts)
    weight_present = sum_in_order(part.is_not_null().cast(pl.Float64) * weight for part, weight in parts)
    # Rounded, so that equal means stay equal whatever the last bit of the quotient is.
    return pl.when(weight_present > 0).then((total / weight_present).round(_MEAN_DECIMALS))
