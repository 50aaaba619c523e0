"""What came after `as_of`: who left, and what they spent."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from features.eligibility import is_eligible
from features.history import ORDER_ACTIVITIES, History, cut, is_activity
from lake.errors import ConfigurationError


def label(
    history: History,
    *,
    as_of: date,
    churn_horizon_days: int,
    value_horizon_days: int,
    seen_until: date,
    eligible_days: int,
) -> pl.LazyFrame:
    """Look past `as_of`, for training and evaluation only.

    One row per member seen by `as_of`, sorted by member_no: member_no; is_eligible, active on one of the `eligible_days`
    days that end with `as_of`; is_churned, without activity on the days `as_of` + 1 to `as_of` + `churn_horizon_days`,
    null when not eligible; future_spend_minor, net spend in minor units on the days `as_of` + 1 to `as_of` +
    `value_horizon_days`, 0 without orders in them and null when the community has no orders table.

    Args:
        history: The whole history, not cut.
        as_of: The last day that features may see.
        churn_horizon_days: Length of the silence that counts as leaving.
        value_horizon_days: Days over which spend is summed.
        seen_until: The last day the history fully covers.
        eligible_days: How recent the last activity must be for a member to count as present.

    Raises:
        ConfigurationError: A horizon reaches past `seen_until`, so that a label would only look like silence.
    """
    _require_seen(as_of, max(churn_horizon_days, value_horizon_days), seen_until)
    days = (pl.col("event_date") - pl.lit(as_of)).dt.total_days()
    spent = days.is_between(1, value_horizon_days) & pl.col("activity").is_in(ORDER_ACTIVITIES)
    outcomes = (
        history.daily.filter(_between(as_of, 1 - eligible_days, max(churn_horizon_days, value_horizon_days)), is_activity())
        .group_by("member_no")
        .agg(
            days_since_last_activity=(-days).filter(days <= 0).min(),
            stayed=days.is_between(1, churn_horizon_days).any(),
            spend_minor=pl.when(spent).then("amount_minor").otherwise(0).sum(),
        )
    )
    known = cut(history, as_of).members.select("member_no")
    return (
        known.join(outcomes, on="member_no", how="left", validate="1:1")
        .sort("member_no")
        .select(
            "member_no",
            is_eligible=is_eligible(eligible_days),
            is_churned=pl.when(is_eligible(eligible_days)).then(~pl.col("stayed")),
            future_spend_minor=_spend(has_orders="orders" in history.available),
        )
    )


def _between(as_of: date, first: int, last: int) -> pl.Expr:
    # Compared as dates, so that a scan skips the files of all other days.
    return pl.col("event_date").is_between(as_of + timedelta(days=first), as_of + timedelta(days=last))


def _spend(*, has_orders: bool) -> pl.Expr:
    return pl.col("spend_minor").fill_null(0) if has_orders else pl.lit(None, dtype=pl.Int64)


def _require_seen(as_of: date, horizon_days: int, seen_until: date) -> None:
    last_needed = as_of + timedelta(days=horizon_days)
    if last_needed > seen_until:
        raise ConfigurationError(
            f"The outcome of {as_of} is known on {last_needed} ({horizon_days} days later), but the data ends on {seen_until}.",
            remedy=f"Choose a cut-off on or before {seen_until - timedelta(days=horizon_days)}, or a shorter horizon.",
        )
