"""Tiers by member value: diamond, gold, silver and regular, with hysteresis so that members do not change back and forth.

A member rises on reaching the entry score of a higher tier, at once, and falls only below the exit score of the present tier and
a minimum number of days after the last move. Three rules stand above that:

- Who is not eligible is regular: a tier says how much a member matters now, on the first night as on the hundredth.
- Who was active on a single day of the last year is at most gold, however much was spent on that day.
- No tier is empty: the best of the comparison group is diamond, the second at least gold and the third at least silver, also
  where the group is so small that a band holds nobody. This is left out where the file sets bands of its own.

The previous state is that of the newest night strictly before `as_of`, so scoring a night again changes nothing.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Final, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lake.errors import DataError
from segments.scores import came_once, is_compared

TIERS: Final = ("regular", "silver", "gold", "diamond")
_REGULAR, _SILVER, _GOLD, _DIAMOND = range(len(TIERS))
STATE_SCHEMA: Final = {"member_no": pl.Int32(), "tier": pl.String(), "tier_since": pl.Date()}


class Band(BaseModel):
    """Scores, 0 to 100, at which a tier is entered and left."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enter: float = Field(ge=0, le=100, description="A member with at least this member value score enters the tier.")
    leave: float = Field(ge=0, le=100, description="A member in the tier with less than this score leaves it.")

    @model_validator(mode="after")
    def _leaves_below_entry(self) -> Self:
        if self.leave > self.enter:
            raise ValueError(f"a tier entered at {self.enter} cannot be left at {self.leave}: leave must not exceed enter")
        return self


class TierPolicy(BaseModel):
    """Bands of the three upper tiers on the member value score, a percentile; everyone else is regular."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    diamond: Band = Field(default=Band(enter=98, leave=96), description="The best 2 in 100.")
    gold: Band = Field(default=Band(enter=90, leave=86), description="The best 10 in 100, diamond aside.")
    silver: Band = Field(default=Band(enter=70, leave=64), description="The best 30 in 100, gold and diamond aside.")
    minimum_stay_days: int = Field(default=28, ge=0, description="Days a member keeps a tier before falling out of it.")

    @model_validator(mode="after")
    def _bands_are_in_order(self) -> Self:
        bands = (self.silver, self.gold, self.diamond)
        for lower, higher in pairwise(bands):
            if lower.enter > higher.enter or lower.leave > higher.leave:
                raise ValueError("a higher tier must not be entered or left at a lower score than the tier below it")
        return self


def assign_tiers(scored: pl.DataFrame, previous: pl.DataFrame, *, as_of: date, policy: TierPolicy) -> pl.DataFrame:
    """Return each member's tier as of tonight.

    One row per member, in the order of `scored`: member_no, tier, previous_tier (that of the previous state; null the
    first time), tier_since (the night of the last move).

    Args:
        scored: One row per member with member_no, is_eligible, active_days_365d and member_value_score; a null score ranks below
            every other.
        previous: Columns `STATE_SCHEMA`: the state of the newest night strictly before `as_of`, or no rows.
        as_of: Tonight.
        policy: The bands and the minimum stay.

    Raises:
        DataError: When the previous state is not older than `as_of`.
    """
    too_new = previous.filter(pl.col("tier_since") >= as_of).height
    if too_new:
        raise DataError(
            f"The previous tiers hold {too_new} moves on or after {as_of}, the night being scored.",
            remedy="Pass the state of the newest night strictly before the one being scored.",
        )
    previous_tiers = previous.select("member_no", pl.col("tier").alias("previous_tier"), "tier_since")
    members = scored.select(
        "member_no",
        "is_eligible",
        score=pl.col("member_value_score").fill_null(-1.0),
        came_once=came_once(),
        # The best of the comparison group is 1.
        place=pl.when(is_compared()).then("member_value_score").rank("ordinal", descending=True),
    )
    members_with_previous = members.join(previous_tiers, on="member_no", how="left", maintain_order="left", validate="1:1")
    with_tier = members_with_previous.with_columns(tier=_next_tier(as_of, policy))
    # Null, and so moved, for a member without a previous tier.
    is_unmoved = (pl.col("tier") == pl.col("previous_tier")).fill_null(value=False)
    tier_since = pl.when(is_unmoved).then("tier_since").otherwise(pl.lit(as_of))
    return with_tier.select("member_no", "tier", "previous_tier", tier_since=tier_since)


def _next_tier(as_of: date, policy: TierPolicy) -> pl.Expr:
    """Rise to the highest tier that is reached, fall to the highest whose exit score is reached, otherwise stay."""
    exit_rank, previous_rank = _level(policy, "leave"), _rank(pl.col("previous_tier"))
    entry_rank = pl.max_horizontal(_level(policy, "enter"), _least_rank(policy))
    must_stay = (pl.lit(as_of) - pl.col("tier_since")).dt.total_days() < policy.minimum_stay_days
    kept_rank = pl.when(must_stay).then(previous_rank).otherwise(pl.min_horizontal(previous_rank, exit_rank))
    # Entry scores are never below exit scores, so only one of the two can move a member.
    rank = pl.when(previous_rank.is_null()).then(entry_rank).otherwise(pl.max_horizontal(entry_rank, kept_rank))
    most = pl.when(pl.col("is_eligible").not_()).then(_REGULAR).when("came_once").then(_GOLD).otherwise(_DIAMOND)
    return pl.min_horizontal(rank, most.cast(pl.Int8)).replace_strict(dict(enumerate(TIERS)), return_dtype=pl.String)


def _least_rank(policy: TierPolicy) -> pl.Expr:
    """Return the least rank of a member by place, so that no tier is empty where three members can be told apart."""
    if policy.model_fields_set & {"diamond", "gold", "silver"}:
        return pl.lit(_REGULAR, dtype=pl.Int8)
    return pl.col("place").replace_strict({1: _DIAMOND, 2: _GOLD, 3: _SILVER}, default=_REGULAR, return_dtype=pl.Int8)


def _level(policy: TierPolicy, edge: str) -> pl.Expr:
    """Return the rank of the highest tier whose edge the score reaches."""
    # The edges ascend with the tiers, which the policy checks, so the number reached is the rank.
    reached = [pl.col("score") >= getattr(band, edge) for band in (policy.silver, policy.gold, policy.diamond)]
    return pl.sum_horizontal(expression.cast(pl.Int8) for expression in reached).cast(pl.Int8)  # noqa: TID251 - whole numbers


def _rank(tier: pl.Expr) -> pl.Expr:
    return tier.replace_strict({name: rank for rank, name in enumerate(TIERS)}, return_dtype=pl.Int8)
