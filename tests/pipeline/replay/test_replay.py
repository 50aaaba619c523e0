"""Repaired rows land again, in communities that list their members and in those that do not."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from lake.storage.delta import Lake
from pipeline.erasure.erase import erase
from pipeline.replay.replay import list_open, replay
from tests.communities import shop_lines, write_shop
from tests.forum import take_in


def test_a_row_is_repaired_after_an_erasure_where_no_source_lists_members(tmp_path: Path) -> None:
    lines = shop_lines().with_columns(pl.col("price").cast(pl.String))
    order = lines.group_by("order").len().filter(pl.col("len") == 1).sort("order")["order"][0]
    lines[lines.with_row_index().filter(pl.col("order") == order)["index"][0], "price"] = "free"
    write_shop(tmp_path, lines)
    take_in(tmp_path, night=date(2025, 7, 10), now=datetime(2025, 8, 1, tzinfo=UTC))
    erase(tmp_path, lines.filter(pl.col("order") != order)["customer"][0])
    repair = tmp_path / "repair.csv"
    list_open(tmp_path, repair_path=repair)
    pl.read_csv(repair, infer_schema=False).with_columns(pl.lit("1").alias("value.amount")).write_csv(repair)
    assert replay(tmp_path, repair_path=repair).startswith("1 rows re-admitted, 0 still")
    landed = Lake(tmp_path / "lake").scan("orders").filter(pl.col("order_id") == order).collect()
    assert landed["amount_minor"].to_list() == [100]
