"""Whom a member reaches and who reaches back, from the ties."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.history import SeenHistory
from features.windows import LONGEST_WINDOW_DAYS, WINDOWS_DAYS, age_days

PEOPLE_WINDOWS_DAYS: Final = (28, 90, 365)


def member_people(seen: SeenHistory) -> pl.LazyFrame:
    """Count interactions given and the different people behind those given and received.

    One row per member_no with any tie in the last 365 days, given or received. Integers: `given.n_<w>d` interactions given,
    `given.people_<w>d` and `received.people_<w>d` different people, `mutual.people_365d` people with ties both ways.
    """
    pairs = _pairs(seen)
    given = pairs.group_by("member_no").agg(*_given_counts(), *_people_counts("given"))
    received = pairs.group_by(pl.col("other_no").alias("member_no")).agg(*_people_counts("received"))
    return (
        given.join(received, on="member_no", how="full", coalesce=True)
        .join(_mutual(pairs), on="member_no", how="left")
        .with_columns(pl.selectors.integer().fill_null(0))
        .with_columns(pl.selectors.unsigned_integer().cast(pl.Int32))
    )


def _pairs(seen: SeenHistory) -> pl.LazyFrame:
    """One row per member_no, other_no: interactions given per window, and the age in days of the last one."""
    age = pl.col("age_days")
    in_window = [pl.when(age < days).then(pl.col("n")).otherwise(0).sum().alias(f"n_{days}d") for days in WINDOWS_DAYS]
    return (
        seen.ties.with_columns(age_days=age_days(seen.as_of))
        .filter(age < LONGEST_WINDOW_DAYS)
        .group_by("member_no", "other_no")
        .agg(*in_window, last_age_days=age.min())
    )


def _given_counts() -> list[pl.Expr]:
    return [pl.col(f"n_{days}d").sum().alias(f"given.n_{days}d") for days in WINDOWS_DAYS]


def _people_counts(direction: str) -> list[pl.Expr]:
    last_age = pl.col("last_age_days")
    return [(last_age < days).sum().alias(f"{direction}.people_{days}d") for days in PEOPLE_WINDOWS_DAYS]


def _mutual(pairs: pl.LazyFrame) -> pl.LazyFrame:
    back = pairs.select(pl.col("other_no").alias("member_no"), pl.col("member_no").alias("other_no"))
    both_ways = pairs.join(back, on=["member_no", "other_no"], how="semi")
    return both_ways.group_by("member_no").agg(pl.len().alias("mutual.people_365d"))
