"""What the rules found, kept per arrival: a night that is run again can still say what broke when its data came."""

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
    """One row per arrival of a night and rule run on it."""
    return lake.scan_or_empty(CHECKS, SCHEMA).filter(pl.col("as_of") == as_of).collect().sort("arrival_id", "rule")


def keep_checks(lake: Lake, found: pl.DataFrame, *, as_of: date) -> None:
    """Add what was found in tonight's arrivals to what earlier runs of the same night found."""
    earlier = read_checks(lake, as_of).join(found.select("arrival_id").unique(), on="arrival_id", how="anti")
    rows = pl.concat([earlier, found.select(list(SCHEMA))]).sort("arrival_id", "rule")
    lake.replace_days(CHECKS, rows, days={as_of}, column="as_of")
