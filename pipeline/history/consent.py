"""Consent to profiling: remove members who may not be profiled from everything that features and models read.

These members are counted and listed, nothing else. They get no feature rows, and their actions do not change the features of
other members either: models come out the same, bit for bit, as if they had done nothing.
"""

from __future__ import annotations

import polars as pl

from lake.contracts import Table
from lake.member_index import scan_member_index
from lake.refusals import scan_consent
from lake.retired import scan_retired_members
from lake.roles import scan_roles
from lake.storage.delta import DAY, Lake

_RECEIVED = "received"


def numbers_not_profiled(lake: Lake) -> pl.Series:
    """Return the `member_no` of every member who may not be profiled, sorted.

    A member without a recorded answer may be profiled. Members whose record was retired are included: they get no features and
    appear on no list.
    """
    return (
        pl.concat([scan_refused_profiling(lake), scan_retired_members(lake)])
        .unique()
        .join(scan_member_index(lake), on="member_id")
        .select("member_no")
        .sort("member_no")
        .collect(engine="streaming")["member_no"]
    )


def consenting(daily: pl.LazyFrame, ties: pl.LazyFrame, *, not_profiled: pl.Series) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the rollups as they would be if the members who may not be profiled had done nothing.

    Their own rows and their ties are removed, and what other members received from them is subtracted from `received`. The
    day parts of `received` (morning, night, ...) are not corrected: the rollups do not store them by giver, and no feature
    reads them.

    Args:
        daily: One row per event_date, member_no, activity, as `features.rollups.daily` returns it.
        ties: One row per event_date, member_no, other_no.
        not_profiled: `member_no` of the members to remove.

    Returns:
        `daily` and `ties`, with the same columns.
    """
    # The common case: without it every scan of the rollups would pay for joins that change nothing.
    if not_profiled.is_empty():
        return daily, ties
    is_not_profiled = pl.col("member_no").is_in(not_profiled.implode())
    given = (
        # A row of ties counts what member_no gave to other_no; the rollup of the receiver has the sum over all givers.
        ties.filter(is_not_profiled).group_by(DAY, pl.col("other_no").alias("member_no")).agg(n_from_them=pl.col("n").sum())
    ).with_columns(activity=pl.lit(_RECEIVED))
    daily_left = (
        daily.filter(~is_not_profiled)
        .join(given, on=[DAY, "member_no", "activity"], how="left")
        .with_columns(n=(pl.col("n") - pl.col("n_from_them").fill_null(0)).cast(pl.Int32))
        # A row with n = 0 would not exist if the removed members had done nothing, and some features count rows.
        .filter(pl.col("n") > 0)
        .drop("n_from_them")
    )
    return daily_left, ties.filter(~is_not_profiled, ~pl.col("other_no").is_in(not_profiled.implode()))


def of_profiled(lake: Lake, table: Table) -> pl.LazyFrame:
    """Scan a landed table without the rows of members who refused profiling."""
    return lake.scan(table.name).join(scan_refused_profiling(lake), left_on=table.owner, right_on="member_id", how="anti")


def scan_refused_profiling(lake: Lake) -> pl.LazyFrame:
    """Scan who may not be profiled: one row per member, column `member_id`.

    These are the standing refusals, retired members included, and staff and bots, whose activity is no member's.
    """
    return pl.concat([scan_refused(lake), scan_roles(lake).select("member_id")]).unique()


def scan_refused(lake: Lake) -> pl.LazyFrame:
    """Scan who refused profiling themselves, staff and bots aside: one row per member, column `member_id`."""
    return scan_consent(lake).filter(pl.col("can_profile").eq(other=False)).select("member_id")
