"""Moves between tiers or levels, how long members have been where they are, and who is ready to rise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

import polars as pl

# Who has no level yet, as a place below the first.
NO_LEVEL: Final = ""
# Points of the member value score, 0 to 100, below the next tier's entry.
REACH_POINTS: Final = 3.0
# Two days of activity in a year are needed for the best tier.
SECOND_DAY: Final = "second_day"
READY_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "tier": pl.String(),
        "next_tier": pl.String(),
        "points_missing": pl.Float64(),
        "missing": pl.String(),
        "has": pl.Float64(),
        "typical": pl.Float64(),
    }
)


def moves(before: pl.DataFrame, after: pl.DataFrame, *, order: Sequence[str]) -> pl.DataFrame:
    """Return the moves between two nights: one row per pair of different names, rises first, larger moves first.

    Args:
        before: One row per member: member_no, name.
        after: The same of the later night; who is in one of the two only has not moved.
        order: The names, lowest first.

    Returns:
        before, after, members, is_rise.
    """
    rank = {name: place for place, name in enumerate(order)}
    moved = (
        before.rename({"name": "before"})
        .join(after.rename({"name": "after"}), on="member_no")
        .filter(pl.col("before") != pl.col("after"))
    )
    places = {side: pl.col(side).replace_strict(rank, return_dtype=pl.Int32) for side in ("before", "after")}
    return (
        moved.with_columns(from_rank=places["before"], to_rank=places["after"])
        .group_by("before", "after", "from_rank", "to_rank")
        .agg(members=pl.len().cast(pl.Int64))
        .with_columns(is_rise=pl.col("to_rank") > pl.col("from_rank"))
        .sort(["is_rise", "members", "to_rank", "from_rank"], descending=True)
        .select("before", "after", "members", "is_rise")
    )


def level_moves(before: pl.DataFrame, after: pl.DataFrame, *, order: Sequence[str]) -> pl.DataFrame:
    """Return the moves between levels: rows of `moves`, with `NO_LEVEL` for the place of who had none.

    Args:
        before: One row per member with any badge: member_no, level (null for none).
        after: The same of the later night.
        order: The levels, lowest first.
    """
    named = pl.col("level").fill_null(NO_LEVEL).alias("name")
    reached = after.select("member_no", named)
    had = reached.select("member_no").join(before.select("member_no", named), on="member_no", how="left")
    return moves(had.with_columns(pl.col("name").fill_null(NO_LEVEL)), reached, order=(NO_LEVEL, *order))


def days_in_tier(tiers: pl.DataFrame, *, as_of: date, first_night: date, order: Sequence[str]) -> dict[str, int]:
    """Return tier → median days since its members last moved, highest tier first; a tier without any move is left out.

    Args:
        tiers: One row per member: tier, tier_since.
        as_of: The night.
        first_night: The first night with tiers: whoever has the tier of that night has not moved.
        order: The tiers, lowest first; members of the lowest have not risen, and are left out.
    """
    days = (pl.lit(as_of) - pl.col("tier_since")).dt.total_days()
    moved = tiers.filter(pl.col("tier_since") > first_night).group_by("tier").agg(days=days.median())
    medians = dict(moved.iter_rows())
    return {tier: round(medians[tier]) for tier in reversed(order[1:]) if tier in medians}


def ready_to_rise(
    members: pl.DataFrame, *, entries: Mapping[str, float], parts: Sequence[str], order: Sequence[str]
) -> pl.DataFrame:
    """Return the members within reach of the next tier, the nearest first, each with the one thing that is missing most.

    Args:
        members: One row per member: member_no, tier, member_value_score, is_eligible, active_days_365d, and `parts`.
        entries: Tier → the score at which it is entered.
        parts: The columns that the score ranks by.
        order: The tiers, lowest first.

    Returns:
        Columns of `READY_SCHEMA`. `missing` is the column furthest below the median of the next tier's members, with what the
        member `has` and what is `typical` there, or `second_day`; null where the member lacks nothing they have.
    """
    next_tier = dict(pairwise(order))
    in_reach = members.filter("is_eligible", pl.col("tier") != order[-1]).with_columns(
        next_tier=pl.col("tier").replace_strict(next_tier, return_dtype=pl.String)
    )
    entry = pl.col("next_tier").replace_strict(dict(entries), return_dtype=pl.Float64)
    in_reach = in_reach.with_columns(points_missing=entry - pl.col("member_value_score"))
    # Who came once has the score for the best tier, and is kept out by that rule alone.
    came_once = (pl.col("active_days_365d") < 2) & (pl.col("next_tier") == order[-1])  # noqa: PLR2004 - a second day
    near = in_reach.filter((pl.col("points_missing") <= REACH_POINTS) & ((pl.col("points_missing") > 0) | came_once))
    measured = [name for name in parts if name in members.columns]
    medians = members.group_by("tier").agg(pl.col(name).cast(pl.Float64).median().alias(f"typical.{name}") for name in measured)
    near = near.join(medians.rename({"tier": "next_tier"}), on="next_tier", how="left")
    return _with_missing(near, measured, came_once).sort("points_missing", "member_no")


def _with_missing(near: pl.DataFrame, parts: Sequence[str], came_once: pl.Expr) -> pl.DataFrame:
    missing, has, typical = pl.lit(None, pl.String), pl.lit(None, pl.Float64), pl.lit(None, pl.Float64)
    largest = pl.max_horizontal(pl.lit(0.0), *(_shortfall(name) for name in parts))
    for name in reversed(parts):
        is_it = (_shortfall(name) == largest) & (largest > 0)
        missing = pl.when(is_it).then(pl.lit(name)).otherwise(missing)
        has = pl.when(is_it).then(pl.col(name).cast(pl.Float64).fill_null(0.0)).otherwise(has)
        typical = pl.when(is_it).then(pl.col(f"typical.{name}")).otherwise(typical)
    second_day = pl.when(came_once).then(pl.lit(SECOND_DAY))
    completed = near.with_columns(missing=pl.coalesce(second_day, missing), has=has, typical=typical)
    return completed.select(pl.col(name).cast(dtype) for name, dtype in READY_SCHEMA.items())


def _shortfall(name: str) -> pl.Expr:
    """Return by what share a member is below the median of the next tier; 0 where not below it or it is 0."""
    typical = pl.col(f"typical.{name}").fill_null(0.0)
    below = (typical - pl.col(name).cast(pl.Float64).fill_null(0.0)) / typical
    return pl.when(typical > 0).then(pl.max_horizontal(below, pl.lit(0.0))).otherwise(0.0)
