"""The purchase history that buy-till-you-die models read: repeat purchases x, recency t_x, age T and their mean value.

Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", in days instead of weeks: purchases of one day are one.
"""

from __future__ import annotations

import polars as pl

from features.history import ORDER_ACTIVITIES


def compute_purchases(daily: pl.LazyFrame) -> pl.DataFrame:
    """Summarise the order days: days whose orders exceed the refunds of the same day.

    An order cancelled on its own day therefore leaves no trace, and a free order is no purchase.
    One row per member_no with an order day, sorted: `days` (Int32), `first_date`, `last_date`, `minor` and `first_minor`
    (Int64), what was spent on all of them and on the first. Nothing is null.
    """
    day, minor = pl.col("event_date"), pl.col("minor")
    return (
        _order_days(daily)
        .group_by("member_no")
        .agg(
            days=pl.len().cast(pl.Int32),
            first_date=day.min(),
            last_date=day.max(),
            minor=minor.sum(),
            first_minor=minor.filter(day == day.min()).sum(),
        )
        .sort("member_no")
        .collect(engine="streaming")
    )


def update_purchases(held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Carry `compute_purchases` to a later night; arguments as in `features.incremental.window_sums.update_sums`.

    Members named by `lost_purchase_days` are not right yet.
    """
    nothing = [pl.lit(None, dtype=pl.Date).alias(name) for name in ("first_date", "last_date")]
    taken_off = compute_purchases(was.lazy()).select(
        "member_no", -pl.col("days"), *nothing, -pl.col("minor"), first_minor=pl.lit(None, dtype=pl.Int64)
    )
    first_minor = pl.col("first_minor").filter(pl.col("first_date") == pl.col("first_date").min()).first()
    return (
        pl.concat([held, taken_off, compute_purchases(now.lazy())])
        .group_by("member_no", maintain_order=True)
        .agg(pl.col("days").sum(), pl.col("first_date").min(), pl.col("last_date").max(), pl.col("minor").sum(), first_minor)
        .filter(pl.col("days") > 0)
        .sort("member_no")
    )


def lost_purchase_days(held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame) -> pl.Series:
    """Members whose first or last order day is gone or worth something else; arguments as in `update_purchases`."""
    before, after = (_order_days(rows.lazy()).collect() for rows in (was, now))
    gone = before.join(after, on=["member_no", "event_date", "minor"], how="anti")
    ends = gone.join(held.select("member_no", "first_date", "last_date"), on="member_no")
    day = pl.col("event_date")
    return ends.filter((day == pl.col("first_date")) | (day == pl.col("last_date")))["member_no"]


def purchase_history(purchases: pl.DataFrame) -> pl.DataFrame:
    """Name the ingredients of features.

    One row per row of `purchases`: `purchase.days`, `purchase.first_date`, `purchase.last_date`, and `purchase.repeat_minor`,
    what was spent on all order days but the first.
    """
    return purchases.select(
        "member_no",
        pl.col("days", "first_date", "last_date").name.prefix("purchase."),
        (pl.col("minor") - pl.col("first_minor")).alias("purchase.repeat_minor"),
    )


def _order_days(daily: pl.LazyFrame) -> pl.LazyFrame:
    """One row per member_no and order day: `minor`, above 0."""
    return (
        daily.filter(pl.col("activity").is_in(ORDER_ACTIVITIES))
        .group_by("member_no", "event_date")
        .agg(minor=pl.col("amount_minor").sum())
        .filter(pl.col("minor") > 0)
    )
