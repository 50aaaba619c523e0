"""Whom to talk to tomorrow: members who may be contacted, by what is at stake.

What is at stake is churn probability × expected value; where a community has no orders, churn probability × member value
score. Members who refused contact or profiling, and members who are not eligible, are never on the list.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

DAYS_PER_MONTH: Final = 30
YEAR_DAYS: Final = 365
CONTACT_LIST_SCHEMA: Final = {
    "as_of": pl.Date(),
    "member_id": pl.String(),
    "rank": pl.Int32(),
    "action": pl.String(),
    "channel": pl.String(),
    "tier": pl.String(),
    "churn_probability": pl.Float64(),
    "expected_value": pl.Float64(),
    "expected_gain": pl.Float64(),
    "reason": pl.String(),
    "message": pl.String(),
}
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


def contact_list(scored: pl.DataFrame, *, as_of: date, policy: ContactPolicy, currency: str | None = None) -> pl.DataFrame:
    """Return tomorrow's contact list, best first; members who are level are in the order of their ids.

    One row per member to contact, columns `CONTACT_LIST_SCHEMA`. action, channel, expected_gain and message are null.

    Args:
        scored: One row per member with member_id, is_eligible, churn_probability and, as far as they are known, can_contact,
            can_profile, tier, expected_value, member_value_score, tenure_days, days_since_last_activity, active_days_365d,
            spend_365d.
        as_of: Tonight.
        policy: How long the list may be.
        currency: Currency of the money in the reasons; None to leave it out.
    """
    complete = scored.with_columns(
        (pl.col(name) if name in scored.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in OPTIONAL.items()
    )
    may_be_contacted = pl.col("can_contact").fill_null(value=True) & pl.col("can_profile").fill_null(value=True)
    chosen = (
        complete.filter(may_be_contacted & pl.col("is_eligible") & pl.col("churn_probability").is_not_null())
        .with_columns(stake=_stake(complete))
        .sort("stake", "churn_probability", "member_id", descending=[True, True, False], nulls_last=True)
        .head(policy.capacity)
        .with_row_index("rank", offset=1)
        .with_columns(_sentence(currency).alias("sentence"))
        .with_columns(as_of=pl.lit(as_of), reason=_capitalised(pl.col("sentence")))
    )
    empty = [pl.lit(None).alias(name) for name in ("action", "channel", "expected_gain", "message")]
    return chosen.with_columns(empty).select(pl.col(name).cast(dtype) for name, dtype in CONTACT_LIST_SCHEMA.items())


def _stake(scored: pl.DataFrame) -> pl.Expr:
    has_value = scored["expected_value"].is_not_null().any()
    worth = pl.col("expected_value").fill_null(0.0).clip(lower_bound=0.0) if has_value else pl.col("member_value_score")
    return pl.col("churn_probability") * worth


def _sentence(currency: str | None) -> pl.Expr:
    """Say what the member was like and since when they are missed; parts that are not known are left out.

    "was active 9 days a month, last seen 41 days ago, spent 240 EUR in a year."
    """
    percent = (pl.col("churn_probability") * 100).round(0, mode="half_away_from_zero").cast(pl.Int64).cast(pl.String)
    parts = pl.concat_str([_rhythm(), _last_seen(), _spent(currency)], separator=", ", ignore_nulls=True)
    fallback = pl.concat_str([pl.lit("likely to leave: "), percent, pl.lit(" %")])
    return pl.concat_str([pl.when(parts == "").then(fallback).otherwise(parts), pl.lit(".")])


def _capitalised(text: pl.Expr) -> pl.Expr:
    return pl.concat_str([text.str.head(1).str.to_uppercase(), text.str.slice(1)])


def _rhythm() -> pl.Expr:
    """Say how many days a month the member was active, from their first day in the year to the last seen."""
    present_days = pl.col("tenure_days").clip(upper_bound=YEAR_DAYS - 1) - pl.col("days_since_last_activity") + 1
    months = (present_days / DAYS_PER_MONTH).clip(lower_bound=1.0)
    days = (pl.col("active_days_365d") / months).round(0, mode="half_away_from_zero").cast(pl.Int64)
    text = (
        pl.when(days > 1)
        .then(pl.concat_str([pl.lit("was active "), days.cast(pl.String), pl.lit(" days a month")]))
        .when(pl.col("active_days_365d") > 1)
        .then(pl.lit("was active about once a month"))
        .otherwise(pl.lit("was active on a single day"))
    )
    return pl.when(days.is_not_null() & (pl.col("active_days_365d") > 0)).then(text)


def _last_seen() -> pl.Expr:
    silence = pl.col("days_since_last_activity")
    some_days = pl.concat_str([pl.lit("last seen "), silence.cast(pl.String), pl.lit(" days ago")])
    text = (
        pl.when(silence == 0)
        .then(pl.lit("seen today"))
        .when(silence == 1)
        .then(pl.lit("last seen yesterday"))
        .otherwise(some_days)
    )
    return pl.when(silence.is_not_null()).then(text)


def _spent(currency: str | None) -> pl.Expr:
    amount = pl.col("spend_365d").round(0, mode="half_away_from_zero").cast(pl.Int64)
    unit = pl.lit("" if currency is None else f" {currency}")
    return pl.when(amount > 0).then(pl.concat_str([pl.lit("spent "), amount.cast(pl.String), unit, pl.lit(" in a year")]))
