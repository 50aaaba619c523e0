"""Scores of how active, influential and valuable each member is, from 0 to 100.

Every score is a mid-rank percentile in the comparison group: 90 means that 90 % of the group rank below, where half of those with
an equal value count as below. The group is who the community lives from: the eligible members who were active on at least two
days of the last year. Members outside it are placed by the same rule, so that many who came once shift nobody's score.

The member value score ranks by money where there are orders and by contribution where there are none. It has no ties: members
with equal money rank by contribution, and then by how long they have been here.
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
_DECIMALS: Final = 6
# A member active on fewer days of the last year came once.
_DAYS_TO_COMPARE: Final = 2

SCORES: Final = ("activity_score", "influence_score", "commercial_score", "member_value_score")
# What the scores read besides the columns that the policy names.
READ_BY_SCORES: Final = ("is_eligible", "active_days_365d", "spend_365d", "spend_lifetime", "expected_value", "tenure_days")


class ScorePolicy(BaseModel):
    """Weights of the scores; a column that a community does not have is left out, and the others weigh more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    activity_weights: Weights = Field(
        default={"active_days_28d": 0.4, "active_days_90d": 0.3, "active_days_365d": 0.1, "event_count_90d": 0.2},
        description="Feature → weight of its percentile in the activity score.",
    )
    contribution_weights: Weights = Field(
        default={"posts_365d": 0.25, "given_count_365d": 0.25, "received_count_365d": 0.25, "active_days_365d": 0.25},
        description="Feature → weight of its percentile in the contribution, by which members rank where there are no orders.",
    )
    commercial_weights: Weights | None = Field(
        default=None,
        description="Feature → weight of its percentile in the commercial score; by default it ranks by what was spent in the "
        "last year plus what is expected over the value horizon.",
    )
    value_weights: Weights | None = Field(
        default=None,
        description="Score → weight in the member value score, of `activity_score`, `influence_score` and `commercial_score`; "
        "who is in no network counts with an influence of 0. By default it ranks by money, without orders by contribution.",
    )


def is_compared() -> pl.Expr:
    """Return whether a member is in the comparison group: eligible, and active on at least two days of the last year.

    Where nobody came twice yet, all eligible members are.
    """
    eligible = pl.col("is_eligible").fill_null(value=False)
    came_back = eligible & ~came_once()
    return pl.when(came_back.any()).then(came_back).otherwise(eligible)


def came_once() -> pl.Expr:
    """Return whether a member was active on fewer than two days of the last year."""
    return (pl.col("active_days_365d") < _DAYS_TO_COMPARE).fill_null(value=True)


def add_scores(scored: pl.DataFrame, *, policy: ScorePolicy) -> pl.DataFrame:
    """Add the four scores.

    One row per member in, the same rows and order out. `influence_score` stays as it is when it is already there and
    is null otherwise. `commercial_score` is null where there are no orders, that is where none of its columns has a value. Where
    nobody is eligible there is nobody to compare with, and the scores are null.

    Args:
        scored: One row per member with member_no, is_eligible, active_days_365d, and what the policy and `money` read as far as
            the community has it.
        policy: The weights.
    """
    compared = scored.select(is_compared()).to_series()
    influence = pl.col("influence_score") if "influence_score" in scored.columns else pl.lit(None)
    weights = policy.commercial_weights
    commercial = money(scored) if weights is None else _mean_percentile(scored, weights, compared)
    contribution = _mean_percentile(scored, policy.contribution_weights, compared)
    with_parts = scored.with_columns(
        percentile(_mean_percentile(scored, policy.activity_weights, compared), compared).alias("activity_score"),
        percentile(commercial, compared).alias("commercial_score"),
        influence_score=influence.cast(pl.Float64),
    )
    worth = commercial if commercial.count() else contribution
    if policy.value_weights is not None:
        worth = _weighted_mean(
            [(_lowest_if_none(with_parts[name]), weight) for name, weight in policy.value_weights.items()], scored.height
        )
    place = _place(scored, worth, contribution)
    return with_parts.with_columns(percentile(place, compared).alias("member_value_score"))


def percentile(value: pl.Series, compared: pl.Series) -> pl.Series:
    """Return the mid-rank percentile of each value among those of the comparison group, 0 to 100; null where there is no value.

    Args:
        value: One value per member.
        compared: Whether each member is in the comparison group.
    """
    group = value.filter(compared).drop_nulls().sort()
    twice_rank_below = group.search_sorted(value, "left").cast(pl.Int64) + group.search_sorted(value, "right").cast(pl.Int64)
    # Polars divides a column by a number either truly or by multiplying with its reciprocal, depending on the chunks of the
    # rows, and the two round differently. Integer division has one result, and dividing by a power of two is exact.
    steps = twice_rank_below * (50 * _STEPS_PER_POINT) // (group.len() or None)
    return (steps.cast(pl.Float64) / _STEPS_PER_POINT).set(value.is_null(), None)


def money(scored: pl.DataFrame) -> pl.Series:
    """Return what members spent in the last year plus what they are expected to spend, in currency units; null without orders.

    The expected value of a member who never bought is left out: it is a guess that no purchase backs.
    """
    parts = [pl.col(name) for name in ("spend_365d", "expected_value") if name in scored.columns]
    if not parts:
        return _nothing(scored.height)
    bought = (pl.col("spend_lifetime") > 0).fill_null(value=True) if "spend_lifetime" in scored.columns else pl.lit(value=True)
    amount = pl.when(bought).then(sum_in_order(parts).round(_DECIMALS)).otherwise(0.0)
    return scored.select(pl.when(pl.any_horizontal(part.is_not_null() for part in parts)).then(amount)).to_series()


def _place(scored: pl.DataFrame, worth: pl.Series, contribution: pl.Series) -> pl.Series:
    """Return each member's place, 0 for the lowest: by worth, then by contribution, time here and number; null without worth."""
    tenure = pl.col("tenure_days") if "tenure_days" in scored.columns else pl.lit(None)
    keys = scored.select(worth.alias("worth"), contribution.alias("contribution"), tenure, -pl.col("member_no").cast(pl.Int64))
    # Sorting by several keys that lie in many chunks takes ten times as long.
    place = keys.rechunk().select(pl.arg_sort_by(keys.columns).arg_sort().cast(pl.Int64)).to_series()
    return place.set(worth.is_null(), None)


def _mean_percentile(scored: pl.DataFrame, weights: Weights, compared: pl.Series) -> pl.Series:
    known = [(name, weight) for name, weight in weights.items() if name in scored.columns]
    return _weighted_mean([(percentile(scored[name], compared), weight) for name, weight in known], scored.height)


def _weighted_mean(parts: Sequence[tuple[pl.Series, float]], rows: int) -> pl.Series:
    """Return the weighted mean of the parts that have a value; null when none has."""
    if not parts:
        return _nothing(rows)
    total = sum_in_order(pl.lit(part) * weight for part, weight in parts)
    weight_present = sum_in_order(pl.lit(part).is_not_null().cast(pl.Float64) * weight for part, weight in parts)
    # Rounded, so that equal means stay equal whatever the last bit of the quotient is.
    return pl.select(pl.when(weight_present > 0).then((total / weight_present).round(_DECIMALS))).to_series()


def _lowest_if_none(score: pl.Series) -> pl.Series:
    """Give 0 to members without a score that others have; a score that nobody has stays null and is left out.

    Who is in no network has no influence score. Left out of the mean, it would place them above members with little influence.
    """
    return score.fill_null(0.0) if score.count() else score


def _nothing(rows: int) -> pl.Series:
    return pl.repeat(None, rows, dtype=pl.Float64, eager=True)
