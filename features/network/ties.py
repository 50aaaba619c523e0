"""Ties: who responded to whom as of a night, recent interactions counting more, and many on one day hardly more than one."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.network.policy import NetworkPolicy

TIE_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "other_no": pl.Int32(),
        "weight": pl.Float64(),
        "n": pl.Int64(),
        "last_date": pl.Date(),
    }
)
# Weights are summed as whole multiples of 2^-24, so that the sum does not depend on the order of the rows.
_STEPS: Final = 2**24


def weigh_ties(ties: pl.LazyFrame, *, as_of: date, policy: NetworkPolicy) -> pl.DataFrame:
    """Weigh the ties of a window as of a night.

    One row per member_no (who responded) and other_no (to whom), sorted by them; columns of `TIE_SCHEMA`. The n interactions of
    one day count log2(1 + n): the first counts 1, a hundred count 6.7, so that volume alone buys little. A day that is
    `half_life_days` old counts half. Ties whose weight has faded to nothing are left out.

    Args:
        ties: One row per event_date, member_no, other_no: n interactions; days after the night are ignored.
        as_of: The night.
        policy: Window and half-life.
    """
    first = as_of - timedelta(days=policy.window_days - 1)
    age_days = (pl.lit(as_of) - pl.col("event_date")).dt.total_days()
    decay = pl.lit(2.0).pow(age_days.cast(pl.Float64) * (-1 / policy.half_life_days))
    weight = (pl.col("n").cast(pl.Float64).log1p() * (1 / math.log(2)) * decay * _STEPS).round().cast(pl.Int64)
    return (
        ties.filter(pl.col("event_date").is_between(first, as_of))
        .with_columns(weight=weight)
        .group_by("member_no", "other_no")
        .agg(pl.col("weight").sum(), pl.col("n").cast(pl.Int64).sum(), last_date=pl.col("event_date").max())
        .filter(pl.col("weight") > 0)
        .with_columns(weight=pl.col("weight").cast(pl.Float64) / _STEPS)
        .select(TIE_SCHEMA.names())
        .cast(TIE_SCHEMA)
        .sort("member_no", "other_no")
        .collect(engine="streaming")
    )
