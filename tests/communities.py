"""Small communities written as their exports, for nights that take seconds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

FIRST_DAY = date(2025, 1, 1)
DAYS = 200
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)

SHOP = """\
[community]
name = "Small shop"
timezone = "Europe/Berlin"
currency = "EUR"

[churn]
horizon_days = 28
eligible_days = 90

[value]
horizon_days = 28

[sources.orders]
path = "landing/orders*.csv"
[sources.orders.columns]
order_id = "order"
member_id = "customer"
ordered_at = "at"
amount = "quantity * price"
"""


def shop_lines(*, customers: int = 60, days: int = DAYS, seed: int = 7) -> pl.DataFrame:
    """One row per order line: order, customer, at, quantity, price; about one order a customer and week."""
    random = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        leaves = days if customer % 3 else int(random.integers(20, days))
        for day in np.flatnonzero(random.random(leaves) < 1 / 7):
            at = datetime.combine(FIRST_DAY + timedelta(days=int(day)), datetime.min.time()) + timedelta(
                hours=int(random.integers(8, 22))
            )
            for _ in range(int(random.integers(1, 4))):
                rows.append((at, customer, int(random.integers(1, 4)), round(float(random.gamma(2, 5)), 2)))
    rows.sort()
    orders = {key: number for number, key in enumerate(dict.fromkeys((at, customer) for at, customer, _, _ in rows))}
    return pl.DataFrame(
        [(f"o{orders[at, c]:05}", f"c{c:03}", at.isoformat(sep=" "), quantity, price) for at, c, quantity, price in rows],
        schema=["order", "customer", "at", "quantity", "price"],
        orient="row",
    )


def write_shop(folder: Path, lines: pl.DataFrame | None = None, *, configuration: str = SHOP) -> None:
    """Write the shop's workspace: its configuration and one file of order lines."""
    (folder / "landing").mkdir(parents=True, exist_ok=True)
    (folder / "evenfall.toml").write_text(configuration, encoding="utf-8")
    (shop_lines() if lines is None else lines).write_csv(folder / "landing" / "orders.csv")


def until(lines: pl.DataFrame, day: date) -> pl.DataFrame:
    """The lines of orders made on a day or before."""
    return lines.filter(pl.col("at").str.slice(0, 10) <= day.isoformat())
