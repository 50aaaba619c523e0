"""A workspace of the planted community with the member list of a night, as a night leaves it for notebooks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from features.eligibility import GONE, STILL_HERE
from lake.member_index import scan_member_index
from lake.storage.delta import Lake
from outputs.lists import conform, members_schema
from pipeline.community.network import with_network
from tests.features.builders import AS_OF
from tests.pipeline.community.planted_workspace import measured


def write_members(folder: Path, night: date = AS_OF) -> pl.DataFrame:
    """Measure the network of a night, and write its list: every third member is gone, every second at high risk."""
    network = measured(folder, night)
    index = scan_member_index(Lake(folder / "lake")).collect().sort("member_no")
    number = pl.col("member_no")
    members = with_network(index, network).with_columns(
        as_of=pl.lit(night),
        is_eligible=pl.lit(value=True),
        tier=pl.when(number % 10 == 0).then(pl.lit("gold")).otherwise(pl.lit("regular")),
        presence=pl.when(number % 3 == 0).then(pl.lit(GONE)).otherwise(pl.lit(STILL_HERE)),
        churn_risk=pl.when(number % 2 == 0).then(pl.lit("high")).otherwise(pl.lit("low")),
    )
    listed = conform(members, schema=members_schema(members.columns)).drop("member_no")
    (folder / "lists" / str(night)).mkdir(parents=True)
    listed.write_parquet(folder / "lists" / str(night) / "members.parquet")
    return members
