"""Holdouts: members who are left alone on purpose, so that the effect of an action can be measured.

A member's draw is a number in [0, 1) from a hash of the member (or of the cluster) and of the action; below the action's share
the member is held out. The draw never changes. The arm is frozen when somebody is first considered for the action: a higher
share holds out more of those who are considered later, and a lower one releases nobody.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

# Part of every hash; recorded in the receipt. Another version would be another experiment.
SEED_VERSION: Final = "evenfall-holdout-1"
EVERY_ACTION: Final = "all"
ARMS_SCHEMA: Final = pl.Schema(
    {"member_no": pl.Int32(), "action": pl.String(), "is_held_out": pl.Boolean(), "holdout_share": pl.Float64()}
)
_TO_UNIT_INTERVAL: Final = 2.0**-53


def draw(units: pl.Series, *, action: str) -> pl.Series:
    """Draw a number in [0, 1) for each unit; the same unit and action give the same number on every machine.

    Args:
        units: Texts, without nulls: ids of members, or of the clusters they belong to.
        action: The name of the action, or `EVERY_ACTION`.
    """
    distinct = units.unique()
    # blake2b, because the hash functions of Polars and Python may change with their release or process.
    base = np.fromiter(
        (int.from_bytes(hashlib.blake2b(f"{SEED_VERSION}:{unit}".encode(), digest_size=8).digest()) for unit in distinct),
        dtype=np.uint64,
        count=len(distinct),
    )
    mixed = _mix(base ^ np.uint64(int.from_bytes(hashlib.blake2b(action.encode(), digest_size=8).digest())))
    numbers = pl.DataFrame({"unit": distinct, "draw": (mixed >> np.uint64(11)).astype(np.float64) * _TO_UNIT_INTERVAL})
    return units.to_frame("unit").join(numbers, on="unit", how="left", maintain_order="left")["draw"]


def draw_arms(considered: pl.DataFrame, frozen: pl.DataFrame, *, action: str, share: float) -> pl.DataFrame:
    """Return the arm of each considered member: the frozen one, or a draw for those who are considered for the first time.

    Args:
        considered: One row per member the action would consider: member_no, unit (text, never null).
        frozen: One row per member and action of earlier nights; columns of `ARMS_SCHEMA`.
        action: The name of the action, or `EVERY_ACTION`.
        share: The share to hold out of those who are considered for the first time.

    Returns:
        One row per considered member, in their order: columns of `ARMS_SCHEMA`, and `is_first` for a new draw.
    """
    known = frozen.filter(pl.col("action") == action).select("member_no", "is_held_out", "holdout_share")
    joined = considered.join(known, on="member_no", how="left", maintain_order="left", validate="1:1")
    # Only those without an arm are drawn: to hash everybody takes longer than all else that a night decides.
    first = joined.filter(pl.col("is_held_out").is_null())
    fresh = first.select("member_no", fresh=draw(first["unit"], action=action) < share)
    return joined.join(fresh, on="member_no", how="left", maintain_order="left", validate="1:1").select(
        "member_no",
        pl.lit(action).alias("action"),
        pl.coalesce("is_held_out", "fresh").alias("is_held_out"),
        pl.coalesce("holdout_share", pl.lit(share)).alias("holdout_share"),
        pl.col("is_held_out").is_null().alias("is_first"),
    )


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Mix 64-bit numbers so that those of different actions are independent (the finaliser of splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
