"""A tiny community with something of everything, for nights that take seconds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tests.communities import FIRST_DAY, shop_lines, until

CONFIGURATION = """\
[community]
name = "Small crowd"
timezone = "Europe/Berlin"
currency = "EUR"

[churn]
horizon_days = 14
eligible_days = 60

[value]
horizon_days = 14

[training]
every_days = 3

[prediction]
max_cutoffs = 6
num_threads = 1

[sources.members]
path = "landing/members*.csv"
[sources.members.columns]
member_id = "customer"
region = "region"

[sources.events]
path = "landing/events*.jsonl"
[sources.events.columns]
member_id = "who"
event_type = "what"
occurred_at = "at"
target_member_id = "whom"

[sources.orders]
path = "landing/orders*.csv"
[sources.orders.columns]
order_id = "order"
member_id = "customer"
ordered_at = "at"
amount = "quantity * price"
"""
DAYS = 110
NIGHT = FIRST_DAY + timedelta(days=DAYS - 1)
CUSTOMERS = 30


def write_crowd(folder: Path, *, last_day: date = NIGHT, extra: str = "") -> None:
    """Write the workspace: members, events, order lines, and a few rows that must go to quarantine."""
    landing = folder / "landing"
    landing.mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(CONFIGURATION + extra, encoding="utf-8")
    _members().write_csv(landing / "members.csv")
    orders, events = _orders(last_day), _events(last_day)
    orders.write_csv(landing / "orders.csv")
    events.write_ndjson(landing / "events.jsonl")


def write_next_day(folder: Path, day: date) -> None:
    """Write what a further day brings: a file of new orders, one of events, and a member who comes late."""
    landing, of_day = folder / "landing", pl.col("at").str.slice(0, 10) == day.isoformat()
    _orders(day).filter(of_day).write_csv(landing / f"orders-{day}.csv")
    _events(day).filter(of_day).write_ndjson(landing / f"events-{day}.jsonl")
    pl.DataFrame({"customer": [f"late-{day}"], "region": ["west"]}).write_csv(landing / f"members-{day}.csv")


def _lines() -> pl.DataFrame:
    return shop_lines(customers=CUSTOMERS, days=DAYS + 30)


def _members() -> pl.DataFrame:
    known = _lines().select(pl.col("customer").unique().sort())
    return known.with_columns(region=pl.when(pl.col("customer") < "c015").then(pl.lit("north")).otherwise(pl.lit("south")))


def _orders(last_day: date) -> pl.DataFrame:
    lines = until(_lines(), last_day).with_columns(pl.col("price").cast(pl.String))
    place = pl.int_range(pl.len())
    bad = pl.when(place == 5).then(pl.lit("twelve")).otherwise("price")
    return lines.with_columns(price=bad, customer=pl.when(place == 9).then(pl.lit("nobody")).otherwise("customer"))


def _events(last_day: date) -> pl.DataFrame:
    lines = until(_lines(), last_day)
    kinds = pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("post")).otherwise(pl.lit("comment"))
    return lines.select(who="customer", what=kinds, at="at", whom=pl.lit("c001"))
