"""Purchase histories to fit on: the published CDNOW files, and one made by the process the models assume."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.lifetime.history import PurchaseHistory
from models.panel import Floats, floats
from tests.paths import ROOT

CDNOW = ROOT / "examples" / "cdnow" / "data"
END_OF_CALIBRATION = date(1997, 9, 30)
DAYS_PER_WEEK = 7


def cdnow(file: str) -> tuple[PurchaseHistory, Floats]:
    """Summarise 39 weeks as the papers do: one purchase a day, time in weeks; with the mean value of repeat purchases."""
    fields = [line.split() for line in (CDNOW / file).read_text().splitlines()]
    rows = pl.DataFrame(
        {
            "buyer": [field[0] for field in fields],
            "day": [field[-3] for field in fields],
            "minor": [field[-1].replace(".", "") for field in fields],
        }
    ).filter(pl.col("minor").str.contains(r"^\d+$"))
    days = (
        rows.select("buyer", pl.col("day").str.to_date("%Y%m%d"), pl.col("minor").cast(pl.Int64))
        .filter(pl.col("day") <= END_OF_CALIBRATION)
        .group_by("buyer", "day")
        .agg(pl.col("minor").sum())
        .sort("buyer", "day")
    )
    day, minor = pl.col("day"), pl.col("minor")
    buyers = days.group_by("buyer", maintain_order=True).agg(
        repeats=pl.len().cast(pl.Int64) - 1,
        recency=(day.max() - day.min()).dt.total_days() / DAYS_PER_WEEK,
        age=(pl.lit(END_OF_CALIBRATION) - day.min()).dt.total_days() / DAYS_PER_WEEK,
        mean_value=minor.slice(1).mean() / 100,
    )
    history = PurchaseHistory(*(floats(buyers[name]) for name in ("repeats", "recency", "age")))
    return history, floats(buyers["mean_value"])


def one(repeats: float, recency: float, age: float) -> PurchaseHistory:
    """Make the history of one buyer."""
    return PurchaseHistory(np.array([repeats]), np.array([recency]), np.array([age]))


def several(*rows: tuple[float, float, float]) -> PurchaseHistory:
    """Make histories from rows of (x, t_x, T)."""
    return PurchaseHistory(*np.array(rows, dtype=np.float64).T)


def simulated_buyers(n: int, *, seed: int) -> pl.DataFrame:
    """One row per member with the purchase features in days; each tenth member never bought."""
    random = np.random.default_rng(seed)
    age = random.integers(1, 700, n).astype(float)
    rate, leaving = random.gamma(0.7, 1 / 40, n), random.gamma(0.8, 1 / 200, n)
    active_days = np.minimum(random.exponential(1 / leaving), age)
    repeats = np.minimum(random.poisson(rate * active_days), np.floor(active_days))
    last = np.ceil(active_days * random.beta(np.maximum(repeats, 1), 1))
    recency = np.where(repeats > 0, np.minimum(last, age), 0)
    value = random.gamma(6.0, 1.0, n) * random.gamma(4.0, 2.0, n)
    bought = np.arange(n) % 10 != 0
    frame = pl.DataFrame(
        {
            "member_id": [f"m{number:05}" for number in range(n)],
            "repeat_order_days": repeats.astype(int),
            "first_to_last_order_days": recency.astype(int),
            "first_order_age_days": age.astype(int),
            "mean_repeat_order_value": pl.Series(np.where(repeats > 0, value, np.nan), nan_to_null=True),
        }
    )
    never = pl.Series("bought", bought)
    purchases = [name for name in frame.columns if name != "member_id"]
    count = pl.when(never).then("repeat_order_days").otherwise(0).alias("repeat_order_days")
    return frame.with_columns(pl.when(never).then(pl.col(purchases[1:])), count)
