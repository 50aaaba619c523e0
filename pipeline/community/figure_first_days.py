"""The first days of every member in the rollups, carried on from night to night: only days that changed are read again."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date
from typing import Final

import polars as pl

from features.history import DAILY_SCHEMA, is_activity
from lake.contracts import DAILY
from lake.storage.delta import DAY, Lake

# Kind of first day → which rows of the rollups count for it.
_KINDS: Final = {"first_row": pl.lit(value=True), "first_active": is_activity(), "first_order": pl.col("activity") == "order"}
FIRST_DAYS_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), **dict.fromkeys(_KINDS, pl.Date())})


def update_first_days(lake: Lake, before: pl.DataFrame, *, changed: AbstractSet[date] | None) -> pl.DataFrame:
    """Return the first day of each member with any row, with activity, and with an order, of all days of the lake.

    One row per member_no with any row: `first_row`, `first_active`, `first_order`, the last two null where there is none; in no
    order. Who may not be profiled has the rows that everybody has.

    Args:
        lake: The lake.
        before: The same as an earlier night returned it, members without any day allowed.
        changed: Days whose rows may differ since then; None for all.
    """
    daily = lake.scan_or_empty(DAILY, DAILY_SCHEMA)
    if changed is None or before.is_empty():
        return _first_days(daily)
    if not changed:
        return before.drop_nulls("first_row")
    found = _first_days(daily.filter(pl.col(DAY).is_in(sorted(changed))))
    both = before.join(found, on="member_no", how="full", coalesce=True, suffix="_found")
    # A first day that is no longer one says nothing of what comes next: the days that did not change are asked, too.
    is_lost = pl.any_horizontal(
        pl.col(kind).is_in(sorted(changed)) & ~(pl.col(f"{kind}_found") <= pl.col(kind)).fill_null(value=False) for kind in _KINDS
    ).fill_null(value=False)
    lost = both.filter(is_lost)["member_no"]
    kept = both.filter(~is_lost).select("member_no", *(pl.min_horizontal(kind, f"{kind}_found").alias(kind) for kind in _KINDS))
    if lost.is_empty():
        return kept.drop_nulls("first_row")
    return pl.concat([kept.drop_nulls("first_row"), _first_days(daily.filter(pl.col("member_no").is_in(lost.implode())))])


def _first_days(daily: pl.LazyFrame) -> pl.DataFrame:
    firsts = {kind: pl.col(DAY).filter(counts).min() for kind, counts in _KINDS.items() if kind != "first_row"}
    grouped = daily.group_by("member_no").agg(first_row=pl.col(DAY).min(), **firsts)
    return grouped.select(FIRST_DAYS_SCHEMA.names()).collect(engine="streaming").cast(FIRST_DAYS_SCHEMA)
