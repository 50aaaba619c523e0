"""A community small enough for a test, with inputs as the benchmarks write them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from benchmarks.community import write_community
from benchmarks.inputs import read_history, write_held_totals
from benchmarks.population import Size
from features.rollups.daily import roll_up_landed

SMALL = Size(members=300, events=12_000, days=400, seed=5, orders=900)
_WITH_FEATURES = {"events", "orders", "members", "events.target_member_id"}
_PROFILE = ("platform", "region", "gender", "birth_year")


def write_small_inputs(folder: Path, *, size: Size = SMALL, sample: int = 40) -> None:
    """Write what `benchmarks.inputs` writes, without a lake: every table is made from the exports alone."""
    write_community(folder / "community", size)
    landing = folder / "community" / "landing"
    events = _with_day(pl.scan_parquet(landing / "events" / "*.parquet"), "occurred_at")
    orders = _with_day(pl.scan_parquet(landing / "orders" / "*.parquet"), "ordered_at")
    orders = orders.with_columns(amount_minor=(pl.col("amount") * 100).round().cast(pl.Int64))
    listed = pl.scan_parquet(landing / "members" / "*.parquet")
    index = listed.select("member_id").sort("member_id").with_row_index("member_no", offset=1).cast({"member_no": pl.Int32})
    rolled = roll_up_landed(
        events=events, orders=orders, content=None, contacts=None, feedback=None, member_index=index, timezone="UTC"
    )
    daily, ties = rolled.daily, rolled.ties
    joined = pl.col("joined_at").dt.date()
    first = daily.lazy().group_by("member_no").agg(first_date=pl.col("event_date").min())
    members = (
        index.join(listed, on="member_id")
        .join(first, on="member_no", how="left")
        .with_columns(joined_date=joined, seen_from=pl.min_horizontal(joined, "first_date"))
        .with_columns(referrer_no=pl.lit(None, pl.Int32), can_profile=pl.lit(None, pl.Boolean))
        .drop("first_date", "joined_at")
        .sort("member_no")
        .collect()
    )
    last = pl.col("event_date") == size.last_day
    tables = {
        "events": events.collect(),
        "orders": orders.collect(),
        "events_of_the_day": events.filter(last).collect(),
        "orders_of_the_day": orders.filter(last).collect(),
        "member_index": index.collect(),
        "daily": daily,
        "ties": ties,
        "members": members,
        "sample_members": members.head(sample),
        "sample_daily": daily.join(members.head(sample), on="member_no", how="semi"),
    }
    for name, rows in tables.items():
        rows.write_parquet(folder / f"{name}.parquet")
    counted = daily.filter(pl.col("activity").str.starts_with("event:")).group_by("activity").agg(pl.col("n").sum())
    types = counted.sort(["n", "activity"], descending=[True, False])["activity"].str.strip_prefix("event:").to_list()
    available = sorted(_WITH_FEATURES | {f"members.{column}" for column in _PROFILE})
    facts = {"as_of": size.last_day.isoformat(), "available": available, "event_types": types, "sample": sample}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    write_held_totals(read_history(folder), folder, as_of=size.last_day)


def _with_day(rows: pl.LazyFrame, at: str) -> pl.LazyFrame:
    return rows.with_columns(event_date=pl.col(at).dt.date())
