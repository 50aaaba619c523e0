"""The member index: maps the community's member ids (strings) to dense integers, which all computations use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from lake.storage.delta import Lake

MEMBER_INDEX: Final = "member_index"
SCHEMA: Final[Mapping[str, pl.DataType]] = {"member_no": pl.Int32(), "member_id": pl.String()}
_ID_COLUMNS: Final = {
    "members": ("member_id", "referrer_id"),
    "content": ("author_id",),
    "events": ("member_id", "target_member_id"),
    "orders": ("member_id",),
    "contacts": ("member_id",),
    "feedback": ("member_id",),
}


def scan_member_index(lake: Lake) -> pl.LazyFrame:
    """Scan the member index: one row per member ever seen, `member_no`, `member_id`."""
    return lake.scan_or_empty(MEMBER_INDEX, SCHEMA)


def number_new_members(lake: Lake, arrived: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> int:
    """Assign a number to every new id in tonight's records, in the order of the ids.

    Args:
        lake: The lake.
        arrived: Table name → tonight's records.

    Returns:
        The number of new members.
    """
    index = scan_member_index(lake).collect()
    ids = [
        records.lazy().select(pl.col(column).alias("member_id"))
        for table, records in arrived.items()
        for column in _ID_COLUMNS.get(table, ())
        if column in records.collect_schema()
    ]
    if not ids:
        return 0
    new = pl.concat(ids).drop_nulls().unique().join(index.lazy(), on="member_id", how="anti").collect(engine="streaming")
    # Sorted, so that numbers do not depend on the order in which Polars finds the ids.
    new = new.sort("member_id")
    first = index.select(pl.col("member_no").max().fill_null(0)).item() + 1
    lake.append(MEMBER_INDEX, new.select(pl.int_range(first, first + new.height, dtype=pl.Int32).alias("member_no"), "member_id"))
    return new.height
