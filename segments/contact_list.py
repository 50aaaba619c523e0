"""The contact list: the members to talk to tomorrow, the highest stake first.

The stake is churn probability × expected value; where a community has no orders, churn probability × member value score.
Members who refused contact or profiling, and members who are not eligible, are never on the list.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

OPTIONAL: Final = {
    "can_contact": pl.Boolean(),
    "can_profile": pl.Boolean(),
    "tier": pl.String(),
    "expected_value": pl.Float64(),
    "member_value_score": pl.Float64(),
    "tenure_days": pl.Int32(),
    "days_since_last_activity": pl.Int32(),
    "active_days_365d": pl.Int32(),
    "spend_365d": pl.Float64(),
}


class ContactPolicy(BaseModel):
    """How long the contact list may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capacity: int = Field(default=200, ge=0, description="Members on the contact list at most.")


def contact_list(scored: pl.DataFrame, *, policy: ContactPolicy) -> pl.DataFrame:
    """Choose tomorrow's contact list.

    One row per member to contact, by rank: `rank`, 1 for the highest stake, and the columns of `scored` and `OPTIONAL`.

    Args:
        scored: One row per member with member_id, is_eligible, churn_probability and, as far as they are known, `OPTIONAL`.
        policy: How long the list may be.
    """
    with_optional_columns = scored.with_columns(
        (pl.col(name) if name in scored.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in OPTIONAL.items()
    )
    # No answer is a yes; refusals and answers that could not be read have become false before.
    may_be_contacted = pl.col("can_contact").fill_null(value=True) & pl.col("can_profile").fill_null(value=True)
    return (
        with_optional_columns.filter(may_be_contacted & pl.col("is_eligible") & pl.col("churn_probability").is_not_null())
        .with_columns(stake=_stake(with_optional_columns))
        # The last key makes the order total, so that equal members are listed in the same order every time.
        .sort("stake", "churn_probability", "member_id", descending=[True, True, False], nulls_last=True)
        .head(policy.capacity)
        .with_row_index("rank", offset=1)
        .drop("stake")
    )


def _stake(scored: pl.DataFrame) -> pl.Expr:
    # One scale for the whole list: amounts of money and scores from 0 to 100 cannot be compared with each other.
    has_value = scored["expected_value"].is_not_null().any()
    value = pl.col("expected_value").fill_null(0.0).clip(lower_bound=0.0) if has_value else pl.col("member_value_score")
    return pl.col("churn_probability") * value
