"""Plain windows: the two dozen features that anyone would begin with, computed here and not by Evenfall's features.

For each member, over the last 7, 28, 90 and 365 days: how much they did (events and orders), on how many days and, where there
are orders, how many of them and for how much. Then days since the last of it and since the first or joining, all they ever did,
all days they ever did it on, and how many kinds of it over 28, 90 and 365 days. Refunds count in spend alone.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from lake.storage.delta import Lake

WINDOWS: Final = (7, 28, 90, 365)
_KIND_WINDOWS: Final = (28, 90, 365)
_KEYS: Final = ("as_of", "member_id")


def read_activity(lake: Lake) -> pl.DataFrame:
    """Read landed events and orders as one table, one row each: member_id, event_date, kind, amount_minor (null for events)."""
    no_amount = pl.lit(None, dtype=pl.Int64).alias("amount_minor")
    columns = {
        "events": (pl.col("event_type").alias("kind"), no_amount),
        "orders": (pl.lit("order").alias("kind"), pl.col("amount_minor")),
    }
    parts = [(lake.scan(name), of_table) for name, of_table in columns.items() if lake.exists(name)]
    return pl.concat([rows.select("member_id", "event_date", *of_table) for rows, of_table in parts]).collect()


def read_joined(lake: Lake, *, timezone: str) -> pl.DataFrame:
    """Read when members joined, one row per member: member_id, joined_on, local; without rows where no source says it."""
    if not lake.exists("members"):
        return pl.DataFrame(schema={"member_id": pl.String(), "joined_on": pl.Date()})
    return (
        lake.scan("members").select("member_id", joined_on=pl.col("joined_at").dt.convert_time_zone(timezone).dt.date()).collect()
    )


def plain_windows(activity: pl.DataFrame, joined: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Compute the windows for members as of some days.

    Args:
        activity: As `read_activity` returns it.
        joined: As `read_joined` returns it.
        keys: One row per as_of and member_id.

    Returns:
        One row per row of `keys`, in their order: as_of, member_id and the windows; days_since_last is null without activity.
    """
    has_orders = bool((activity["kind"] == "order").any())
    parts = [
        _as_of(activity, joined, of_day, as_of, has_orders=has_orders)
        for (as_of,), of_day in keys.select(_KEYS).partition_by("as_of", as_dict=True, maintain_order=True).items()
    ]
    return keys.select(_KEYS).join(pl.concat(parts), on=_KEYS, how="left", maintain_order="left", validate="1:1")


def window_names(windows: pl.DataFrame) -> list[str]:
    """Name the columns that are features."""
    return [name for name in windows.columns if name not in _KEYS]


def _as_of(activity: pl.DataFrame, joined: pl.DataFrame, keys: pl.DataFrame, as_of: date, *, has_orders: bool) -> pl.DataFrame:
    ages = activity.filter(pl.col("event_date") <= as_of).with_columns(
        age=(pl.lit(as_of) - pl.col("event_date")).dt.total_days(), is_done=pl.col("amount_minor").fill_null(0) >= 0
    )
    figures = ages.group_by("member_id").agg(*_figures(has_orders=has_orders), first=pl.col("age").max())
    tenure = pl.max_horizontal("first", (pl.lit(as_of) - pl.col("joined_on")).dt.total_days()).fill_null(0)
    found = keys.join(figures, on="member_id", how="left").join(joined, on="member_id", how="left")
    found = found.with_columns(tenure_days=tenure).drop("first", "joined_on")
    # No row at all is nothing done; only the days since it are unknown.
    return found.with_columns(pl.exclude(*_KEYS, "days_since_last").fill_null(0))


def _figures(*, has_orders: bool) -> list[pl.Expr]:
    is_done, age, amount = pl.col("is_done"), pl.col("age"), pl.col("amount_minor")
    figures = []
    for days in WINDOWS:
        within = is_done & (age < days)
        figures += [
            within.sum().alias(f"done_{days}d"),
            age.filter(within).n_unique().alias(f"active_days_{days}d"),
        ]
        if has_orders:
            figures += [
                (within & amount.is_not_null()).sum().alias(f"orders_{days}d"),
                (amount.filter(age < days).sum() / MINOR_UNITS_PER_UNIT).alias(f"spend_{days}d"),
            ]
    figures += [pl.col("kind").filter(is_done & (age < days)).n_unique().alias(f"kinds_{days}d") for days in _KIND_WINDOWS]
    ever = [is_done.sum().alias("done_ever"), age.filter(is_done).n_unique().alias("active_days_ever")]
    return [*figures, *ever, age.filter(is_done).min().alias("days_since_last")]
