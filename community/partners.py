"""Compare our members with another community's: by keyed hashes of ids, or by counts. Nothing that names a member comes out."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from community.small_cells import FEWEST_IN_A_CELL, OTHER, protect

# What members are counted by; every member has one value of each.
DIMENSIONS: Final = ("platform", "region", "topic", "tier")
UNKNOWN: Final = "(unknown)"
# Standard errors: 99.9 %.
_WIDE: Final = 3.29
COUNTS_SCHEMA: Final = pl.Schema({"dimension": pl.String(), "value": pl.String(), "members": pl.Int64()})
SHARED_SCHEMA: Final = pl.Schema(
    {"dimension": pl.String(), "value": pl.String(), "ours": pl.Int64(), "shared": pl.Int64(), "shared_share": pl.Float64()}
)
COMPARED_SCHEMA: Final = pl.Schema(
    {
        "dimension": pl.String(),
        "value": pl.String(),
        "ours": pl.Int64(),
        "theirs": pl.Int64(),
        "ours_share": pl.Float64(),
        "theirs_share": pl.Float64(),
    }
)


@dataclass(frozen=True)
class Overlap:
    """What two communities share.

    Args:
        ours: Our members who may be profiled.
        theirs: Members on their list.
        shared: Members on both; None where it, or what is left on either side, is a small count.
        cells: One row per dimension and value that may be shown: `SHARED_SCHEMA`; `shared_share` is of ours.
    """

    ours: int
    theirs: int
    shared: int | None
    cells: pl.DataFrame

    @property
    def new_share(self) -> float | None:
        """Share of their members whom we do not have; None where it would give away a small count."""
        return None if self.shared is None else 1 - self.shared / self.theirs


def member_hashes(ids: pl.Series, *, key: bytes, salt: str) -> pl.Series:
    """Return the keyed hash of each id, as 64 hexadecimal digits: HMAC-SHA256 of salt and id.

    Blanks around an id and its capital letters do not count, since two systems seldom write them alike.

    Args:
        ids: The ids; null stays null.
        key: The key that both communities agreed on. Without it nobody can try out ids.
        salt: The text of this comparison, so that lists of two comparisons do not fit together.
    """
    hashed = [None if one is None else _hash(one.strip().lower(), key, salt) for one in ids.cast(pl.String)]
    return pl.Series("member_hash", hashed, dtype=pl.String)


def find_overlap(members: pl.DataFrame, theirs: pl.Series) -> Overlap:
    """Count whom both communities have, in total and by platform, region, topic and tier.

    Args:
        members: One row per member of ours: member_hash (null where it is not known), and `DIMENSIONS`, null where not known.
        theirs: Their hashes.
    """
    theirs = theirs.drop_nulls().unique()
    known = members.filter(pl.col("member_hash").is_not_null()).with_columns(pl.col(DIMENSIONS).cast(pl.String))
    found = known.with_columns(is_shared=pl.col("member_hash").is_in(theirs.implode()))
    shared = found.filter("is_shared")["member_hash"].n_unique()
    ours = found["member_hash"].n_unique()
    is_small = min(shared, ours - shared, len(theirs) - shared) < FEWEST_IN_A_CELL
    cells = [] if is_small else [_shared_by(found, dimension) for dimension in DIMENSIONS]
    rows = pl.concat(cells) if cells else pl.DataFrame(schema=SHARED_SCHEMA)
    return Overlap(ours, len(theirs), None if is_small else shared, rows)


def closest(overlap: Overlap) -> dict[str, Any] | None:
    """Return the row in which surely more of our members are shared than of all; None where chance may have made it.

    Source: the interval of Wilson, "Probable inference", 1927, with bounds so wide that one of many rows seldom exceeds them.

    Args:
        overlap: What `find_overlap` returned.
    """
    if overlap.shared is None:
        return None
    overall = overlap.shared / overlap.ours
    rows = [row for row in overlap.cells.iter_rows(named=True) if row["value"] not in {UNKNOWN, OTHER}]
    sure = [row for row in rows if _lower_bound(row["shared"], row["ours"]) > overall]
    return max(sure, key=lambda row: row["shared_share"], default=None)


def _lower_bound(part: int, whole: int) -> float:
    share, spread = part / whole, _WIDE**2 / whole
    half = _WIDE * math.sqrt(share * (1 - share) / whole + spread / (4 * whole))
    return (share + spread / 2 - half) / (1 + spread)


def count_members(members: pl.DataFrame, dimensions: Sequence[str] = DIMENSIONS) -> pl.DataFrame:
    """Count our members for another community: one row per dimension and value that may be shown, `COUNTS_SCHEMA`.

    Args:
        members: One row per member, with the dimensions, null where not known.
        dimensions: What to count by.
    """
    counted = [
        protect(_values(members, dimension).group_by("value").agg(members=pl.len().cast(pl.Int64)), ["members"])
        .select(pl.lit(dimension).alias("dimension"), "value", "members")
        .cast(COUNTS_SCHEMA)
        for dimension in dimensions
    ]
    return pl.concat(counted) if counted else pl.DataFrame(schema=COUNTS_SCHEMA)


def compare_counts(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Put their counts beside ours, in dimensions that both have: `COMPARED_SCHEMA`, what fits best first in each dimension.

    Shares are of the members whose value is known and shown: `UNKNOWN` and `OTHER` of two communities are not the same.
    A count is null where that side does not show the value. What fits has many members on both sides: rows are in the order of
    the smaller share.

    Args:
        ours: Our counts, small ones protected: `COUNTS_SCHEMA`.
        theirs: Theirs.
    """
    named_ours, named_theirs = (side.filter(~pl.col("value").is_in([UNKNOWN, OTHER])) for side in (ours, theirs))
    both = named_ours.rename({"members": "ours"}).join(
        named_theirs.rename({"members": "theirs"}), on=["dimension", "value"], how="full", coalesce=True
    )
    has_both = (pl.col("ours").count() > 0).over("dimension") & (pl.col("theirs").count() > 0).over("dimension")
    share = {f"{side}_share": pl.col(side) / pl.col(side).sum().over("dimension") for side in ("ours", "theirs")}
    smaller = pl.min_horizontal(pl.col("ours_share").fill_null(0.0), pl.col("theirs_share").fill_null(0.0))
    return (
        both.filter(has_both)
        .with_columns(**share)
        .with_columns(smaller=smaller)
        .sort("dimension", "smaller", "value", descending=[False, True, False])
        .select(list(COMPARED_SCHEMA))
        .cast(COMPARED_SCHEMA)
    )


def alike(compared: pl.DataFrame) -> dict[str, float]:
    """Return dimension → how alike both are, 0 to 1: the share of members that would not have to change their value.

    Source: the intersection of two histograms, Swain & Ballard, "Color indexing", 1991.

    Args:
        compared: What `compare_counts` returned.
    """
    result: dict[str, float] = {}
    for dimension, ours, theirs in compared.select("dimension", "ours_share", "theirs_share").iter_rows():
        result[dimension] = result.get(dimension, 0.0) + min(ours or 0.0, theirs or 0.0)
    return result


def _hash(member_id: str, key: bytes, salt: str) -> str:
    return hmac.new(key, f"{salt}\0{member_id}".encode(), hashlib.sha256).hexdigest()


def _values(members: pl.DataFrame, dimension: str) -> pl.DataFrame:
    return members.with_columns(value=pl.col(dimension).cast(pl.String).fill_null(UNKNOWN))


def _shared_by(found: pl.DataFrame, dimension: str) -> pl.DataFrame:
    # Whom only we have must not be a small count either: it is the difference of two that are shown.
    counted = (
        _values(found.unique("member_hash", keep="first", maintain_order=True), dimension)
        .group_by("value")
        .agg(shared=pl.col("is_shared").sum().cast(pl.Int64), only_ours=(~pl.col("is_shared")).sum().cast(pl.Int64))
    )
    shown = protect(counted, ["shared", "only_ours"]).with_columns(ours=pl.col("shared") + pl.col("only_ours"))
    return (
        shown.with_columns(dimension=pl.lit(dimension), shared_share=pl.col("shared") / pl.col("ours"))
        .select(list(SHARED_SCHEMA))
        .cast(SHARED_SCHEMA)
    )
