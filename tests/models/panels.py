"""Small synthetic panels: members whose silence, gaps and spend foretell what they do next."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from tests.models.lifetimes import simulated_buyers

FIRST_CUTOFF = date(2024, 1, 1)
HORIZON_DAYS = 28


def cutoffs(n: int) -> list[date]:
    """List n cut-offs 28 days apart, so that each next one is just apart for a horizon of 28 days."""
    return [FIRST_CUTOFF + timedelta(days=28 * k) for k in range(n)]


def make_panel(*, members: int = 400, cutoff_count: int = 5, seed: int = 1) -> pl.DataFrame:
    """One row per cut-off and member; the last member's features are null everywhere."""
    random = np.random.default_rng(seed)
    return (
        pl.concat([_slice(day, members, random) for day in cutoffs(cutoff_count)])
        if cutoff_count
        else _slice(FIRST_CUTOFF, members, random).clear()
    )


def make_buyers(*, members: int = 400, cutoff_count: int = 5, seed: int = 1) -> pl.DataFrame:
    """The panel of a community that does nothing but buy: purchase histories beside the other features."""
    panel = make_panel(members=members, cutoff_count=cutoff_count, seed=seed)
    purchases = simulated_buyers(panel.height, seed=seed).drop("member_id")
    return pl.concat([panel, purchases], how="horizontal")


def _slice(day: date, members: int, random: np.random.Generator) -> pl.DataFrame:
    silence = random.integers(0, 60, members).astype(float)
    region = np.where(random.random(members) < 0.5, "north", "south")
    churns = random.random(members) < 1 / (1 + np.exp(-(silence - 30) / 8 - np.where(region == "north", 0.8, -0.8)))
    spend = random.gamma(1.0, 50.0, members).round(2)
    frame = pl.DataFrame(
        {
            "as_of": pl.Series([day] * members, dtype=pl.Date),
            "member_no": pl.Series(range(members), dtype=pl.Int32),
            "member_id": [f"m{number:05}" for number in range(members)],
            "days_since_last_activity": silence,
            "gap_mean_days_365d": random.integers(1, 20, members).astype(float),
            "active_days_365d": random.integers(1, 100, members),
            "tenure_days": random.integers(10, 900, members),
            "spend_28d": spend / 10,
            "spend_90d": spend / 4,
            "spend_365d": spend,
            "region": region,
            "can_contact": random.random(members) < 0.9,
            "is_eligible": True,
            "is_churned": churns,
            "future_spend_minor": np.where(churns, 0, (spend * 10 * random.gamma(2.0, 0.5, members)).round()).astype(np.int64),
        }
    )
    features = [
        name
        for name in frame.columns
        if name not in ("as_of", "member_no", "member_id", "is_eligible", "is_churned", "future_spend_minor")
    ]
    is_last = pl.col("member_no") == members - 1
    return frame.with_columns(pl.when(~is_last).then(pl.col(features)))


def features_only(panel: pl.DataFrame) -> pl.DataFrame:
    """Drop the labels, as a night's features have none."""
    return panel.drop("is_eligible", "is_churned", "future_spend_minor")
