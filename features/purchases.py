"""The purchase history for buy-till-you-die models: repeat purchases x, recency t_x, age T and the mean purchase value.

Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", in days instead of weeks: all purchases of a day count as one.
"""

from __future__ import annotations

import polars as pl

from features.history import ORDER_ACTIVITIES


def compute_purchases(daily: pl.LazyFrame) -> pl.DataFrame:
    """Summarise the order days: days whose orders exceed the refunds of the same day.

    An order cancelled on its own day therefore does not count, and a free order is no purchase.
    One row per member_no with an order day, sorted: `days` (Int32), `first_date`, `last_date`, `minor` and `first_minor`
    (Int64), the net spend in minor units on all of them and on the first. Nothing is null.
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


def update_purchases(previous: pl.DataFrame, rows_before: pl.DataFrame, rows_now: pl.DataFrame) -> pl.DataFrame:
    """Update the result of `compute_purchases` from an earlier night to a later one.

    The rows of members that `lost_purchase_days` returns are not correct yet; they must be recomputed.

    Args:
        previous: The purchases of the earlier night.
        rows_before: Every row of the moved days as the earlier night saw them.
        rows_now: Every row of the moved days as the later night sees them.
    """
    # Subtracted rows have no date and no first spend: a minimum or maximum cannot be undone by subtraction.
    no_dates = [pl.lit(None, dtype=pl.Date).alias(name) for name in ("first_date", "last_date")]
    subtracted = compute_purchases(rows_before.lazy()).select(
        "member_no", -pl.col("days"), *no_dates, -pl.col("minor"), first_minor=pl.lit(None, dtype=pl.Int64)
    )
    first_minor = pl.col("first_minor").filter(pl.col("first_date") == pl.col("first_date").min()).first()
    return (
        pl.concat([previous, subtracted, compute_purchases(rows_now.lazy())])
        # In order, so that the earlier night's row comes first where both have the same first day.
        .group_by("member_no", maintain_order=True)
        .agg(pl.col("days").sum(), pl.col("first_date").min(), pl.col("last_date").max(), pl.col("minor").sum(), first_minor)
        .filter(pl.col("days") > 0)
        .sort("member_no")
    )


def lost_purchase_days(previous: pl.DataFrame, rows_before: pl.DataFrame, rows_now: pl.DataFrame) -> pl.Series:
    """Return the members whose first or last order day is gone or has another spend.

    Args:
        previous: The purchases of the earlier night.
        rows_before: Every row of the moved days as the earlier night saw them.
        rows_now: Every row of the moved days as the later night sees them.
    """
    before, after = (_order_days(rows.lazy()).collect() for rows in (rows_before, rows_now))
    lost_rows = before.join(after, on=["member_no", "event_date", "minor"], how="anti")
    ends = lost_rows.join(previous.select("member_no", "first_date", "last_date"), on="member_no")
    day = pl.col("event_date")
    return ends.filter((day == pl.col("first_date")) | (day == pl.col("last_date")))["member_no"]


def purchase_history(purchases: pl.DataFrame) -> pl.DataFrame:
    """Return the inputs of the purchase features.

    One row per row of `purchases`: `purchase.days`, `purchase.first_date`, `purchase.last_date`, and `purchase.repeat_minor`,
    the spend on all order days but the first.
    """
    return purchases.select(
        "member_no",
        pl.col("days", "first_date", "last_date").name.prefix("purchase."),
        (pl.col("minor") - pl.col("first_minor")).alias("purchase.repeat_minor"),
    )


def _order_days(daily: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row per member_no and order day: `minor`, above 0."""
    return (
        daily.filter(pl.col("activity").is_in(ORDER_ACTIVITIES))
        .group_by("member_no", "event_date")
        .agg(minor=pl.col("amount_minor").sum())
        .filter(pl.col("minor") > 0)
    )
