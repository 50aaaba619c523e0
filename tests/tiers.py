"""What operators rely on of tiers, checked on real and simulated communities against the landed rows."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from lake.storage.delta import Lake


def activity_days(workspace: Path) -> pl.DataFrame:
    """One row per member and day with activity of their own."""
    lake = Lake(workspace / "lake")
    own = pl.col("activity").str.starts_with("event:") | pl.col("activity").is_in(["order", "refund"])
    days = lake.scan("daily").filter(own).select("member_no", "event_date").unique()
    return days.join(lake.scan("member_index"), on="member_no").collect()


def check_tiers(members: pl.DataFrame, days: pl.DataFrame, as_of: date, spend: pl.DataFrame | None = None) -> None:
    """Check what operators rely on, against the landed rows.

    Args:
        members: The member list of a first night.
        days: One row per member and day with activity.
        as_of: The night.
        spend: Each member's `spend` in the last year; None in a community without orders.
    """
    in_year = days.filter(pl.col("event_date").is_between(as_of - timedelta(days=364), as_of))
    known = members.join(in_year.group_by("member_id").len("days"), on="member_id", how="left")
    eligible = known.filter("is_eligible")
    counts = dict(eligible.group_by("tier").len().iter_rows())
    assert set(counts) == {"diamond", "gold", "silver", "regular"}
    assert counts["diamond"] < eligible.height / 20
    assert known.filter(~pl.col("is_eligible"))["tier"].unique().to_list() in ([], ["regular"])
    assert (known.filter(pl.col("tier") == "diamond")["days"] >= 2).all()
    if spend is not None:
        biggest = eligible.filter(pl.col("days") >= 2).join(spend, on="member_id").sort("spend", descending=True)
        assert set(biggest["tier"].head(1 + eligible.height // 1000)) == {"diamond"}


def spend_of_year(workspace: Path, as_of: date) -> pl.DataFrame:
    """One row per member with orders: what they spent in the last year, refunds taken off."""
    lake = Lake(workspace / "lake")
    orders = lake.scan("daily").filter(pl.col("activity").is_in(["order", "refund"]))
    in_year = orders.filter(pl.col("event_date").is_between(as_of - timedelta(days=364), as_of))
    summed = in_year.group_by("member_no").agg(spend=pl.col("amount_minor").sum())
    return summed.join(lake.scan("member_index"), on="member_no").select("member_id", "spend").collect()
