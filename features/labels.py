"""Labels: what happened after `as_of`, that is who churned, and how much each member spent."""

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
    """Compute the labels from the days after `as_of`, for training and evaluation only.

    One row per member seen by `as_of`, sorted by member_no: member_no; is_eligible, active on one of the `eligible_days`
    days that end with `as_of`; is_churned, without activity on the days `as_of` + 1 to `as_of` + `churn_horizon_days`,
    null when not eligible; future_spend_minor, net spend in minor units on the days `as_of` + 1 to `as_of` +
    `value_horizon_days`, 0 without orders in them and null when the community has no orders table.

    Args:
        history: The whole history, not cut.
        as_of: The last day that features may use.
        churn_horizon_days: Number of days without activity that counts as churn.
        value_horizon_days: Number of days over which spend is summed.
        seen_until: The last day that the history fully covers.
        eligible_days: Number of days in which the last activity must be for a member to be eligible.

    Raises:
        ConfigurationError: A horizon ends after `seen_until`, so that missing data would look like inactivity.
    """
    horizon_days = max(churn_horizon_days, value_horizon_days)
    _require_whole_horizon(as_of, horizon_days, seen_until)
    outcomes = _outcomes(
        history.daily.filter(_between(as_of, 1 - eligible_days, horizon_days), is_activity()),
        as_of=as_of,
        churn_horizon_days=churn_horizon_days,
        value_horizon_days=value_horizon_days,
    )
    # Members seen by `as_of` only, as in the features, although the outcomes are of later days.
    members = cut(history, as_of).members.select("member_no")
    return (
        members.join(outcomes, on="member_no", how="left", validate="1:1")
        .sort("member_no")
        .select(
            "member_no",
            is_eligible=is_eligible(eligible_days),
            is_churned=pl.when(is_eligible(eligible_days)).then(~pl.col("stayed")),
            future_spend_minor=_spend(has_orders="orders" in history.available),
        )
    )


def _outcomes(activity: pl.LazyFrame, *, as_of: date, churn_horizon_days: int, value_horizon_days: int) -> pl.LazyFrame:
    """Return one row per member_no with any activity: days_since_last_activity at `as_of`, stayed, and spend_minor after it."""
    days = (pl.col("event_date") - pl.lit(as_of)).dt.total_days()
    is_spend = days.is_between(1, value_horizon_days) & pl.col("activity").is_in(ORDER_ACTIVITIES)
    return activity.group_by("member_no").agg(
        days_since_last_activity=(-days).filter(days <= 0).min(),
        stayed=days.is_between(1, churn_horizon_days).any(),
        spend_minor=pl.when(is_spend).then("amount_minor").otherwise(0).sum(),
    )


def _between(as_of: date, first: int, last: int) -> pl.Expr:
    # Dates are compared, not differences of dates, so that a scan can skip the files of all other days.
    return pl.col("event_date").is_between(as_of + timedelta(days=first), as_of + timedelta(days=last))


def _spend(*, has_orders: bool) -> pl.Expr:
    return pl.col("spend_minor").fill_null(0) if has_orders else pl.lit(None, dtype=pl.Int64)


def _require_whole_horizon(as_of: date, horizon_days: int, seen_until: date) -> None:
    last_needed = as_of + timedelta(days=horizon_days)
    if last_needed > seen_until:
        raise ConfigurationError(
            f"The outcome of {as_of} is known on {last_needed} ({horizon_days} days later), but the data ends on {seen_until}.",
            remedy=f"Choose a cut-off on or before {seen_until - timedelta(days=horizon_days)}, or a shorter horizon.",
        )
