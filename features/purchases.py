"""The purchase history that buy-till-you-die models read: repeat purchases x, recency t_x, age T and their mean value.

Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", in days instead of weeks: purchases of one day are one.
"""

from __future__ import annotations

import polars as pl

from features.history import ORDER_ACTIVITIES, SeenHistory


def purchase_history(seen: SeenHistory) -> pl.LazyFrame:
    """Summarise the order days: days whose orders exceed the refunds of the same day.

    An order cancelled on its own day therefore leaves no trace, and a free order is no purchase.
    One row per member_no with an order day. `purchase.days` and `purchase.repeat_minor` are integers; dates never null.
    """
    day, minor = pl.col("event_date"), pl.col("amount_minor")
    order_days = (
        seen.daily.filter(pl.col("activity").is_in(ORDER_ACTIVITIES))
        .group_by("member_no", "event_date")
        .agg(minor.sum())
        .filter(minor > 0)
    )
    return order_days.group_by("member_no").agg(
        pl.len().cast(pl.Int32).alias("purchase.days"),
        day.min().alias("purchase.first_date"),
        day.max().alias("purchase.last_date"),
        minor.filter(day > day.min()).sum().alias("purchase.repeat_minor"),
    )
