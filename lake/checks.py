"""Results of the rules, stored per arrival: a night that is run again can still report what broke when its data arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl

from lake.storage.delta import Lake

CHECKS: Final = "checks"
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "as_of": pl.Date(),
    "arrival_id": pl.String(),
    "table": pl.String(),
    "rule": pl.String(),
    "says": pl.String(),
    "rows_checked": pl.Int64(),
    "broken": pl.Int64(),
}


def read_checks(lake: Lake, as_of: date) -> pl.DataFrame:
    """Read the results of a night: one row per arrival and rule that was checked on it."""
    return lake.scan_or_empty(CHECKS, SCHEMA).filter(pl.col("as_of") == as_of).collect().sort("arrival_id", "rule")


def record_checks(lake: Lake, results: pl.DataFrame, *, as_of: date) -> None:
    """Record the results of tonight's arrivals; those of other arrivals by earlier runs of the same night are kept.

    Args:
        lake: The lake.
        results: One row per arrival and rule, in the columns of `SCHEMA`.
        as_of: The night.
    """
    earlier = read_checks(lake, as_of).join(results.select("arrival_id").unique(), on="arrival_id", how="anti")
    rows = pl.concat([earlier, results.select(list(SCHEMA))]).sort("arrival_id", "rule")
    lake.replace_days(CHECKS, rows, days={as_of}, column="as_of")
