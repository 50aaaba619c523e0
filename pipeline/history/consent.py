"""Consent to being profiled: what is left for features and models when those who said no are taken out.

They are counted and listed, nothing else. Not only have they no rows of features: what they did moves nobody else's features
either, so that models come out the same, bit for bit, as if they had done nothing.
"""

from __future__ import annotations

import polars as pl

from lake.contracts import Table
from lake.member_index import scan_member_index
from lake.refusals import scan_consent
from lake.retired import scan_retired_members
from lake.storage.delta import DAY, Lake

_RECEIVED = "received"


def numbers_not_profiled(lake: Lake) -> pl.Series:
    """The numbers of the members who may not be profiled, sorted; not having said anything counts as yes.

    Members whose record was retired are among them: they are in no feature and on no list.
    """
    return (
        pl.concat([_refused(lake), scan_retired_members(lake)])
        .unique()
        .join(scan_member_index(lake), on="member_id")
        .select("member_no")
        .sort("member_no")
        .collect(engine="streaming")["member_no"]
    )


def consenting(daily: pl.LazyFrame, ties: pl.LazyFrame, *, not_profiled: pl.Series) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The rollups as they would be had the members who may not be profiled done nothing.

    Their own rows and their ties go, and what others received from them is taken off what those received. The parts of the
    day of `received` stay uncorrected: the rollups do not know them by giver, and no feature reads them.

    Args:
        daily: One row per event_date, member_no, activity, as `features.rollups.daily` has it.
        ties: One row per event_date, member_no, other_no.
        not_profiled: The numbers of those members.
    """
    if not_profiled.is_empty():
        return daily, ties
    theirs = pl.col("member_no").is_in(not_profiled.implode())
    from_them = (
        ties.filter(theirs).group_by(DAY, pl.col("other_no").alias("member_no")).agg(n_from_them=pl.col("n").sum())
    ).with_columns(activity=pl.lit(_RECEIVED))
    kept = (
        daily.filter(~theirs)
        .join(from_them, on=[DAY, "member_no", "activity"], how="left")
        .with_columns(n=(pl.col("n") - pl.col("n_from_them").fill_null(0)).cast(pl.Int32))
        .filter(pl.col("n") > 0)
        .drop("n_from_them")
    )
    return kept, ties.filter(~theirs, ~pl.col("other_no").is_in(not_profiled.implode()))


def of_profiled(lake: Lake, table: Table) -> pl.LazyFrame:
    """A landed table without the rows of members who may not be profiled."""
    return lake.scan(table.name).join(_refused(lake), left_on=table.owner, right_on="member_id", how="anti")


def _refused(lake: Lake) -> pl.LazyFrame:
    return scan_consent(lake).filter(pl.col("can_profile").eq(other=False)).select("member_id")
