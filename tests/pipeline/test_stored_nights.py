"""Nights store results for later nights; a column of a later release is added to the table, null on the nights before."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from lake.storage.delta import Lake
from pipeline.stored_nights import SCORES, read_scores, store_night

FIRST = date(2025, 6, 29)
SECOND = FIRST + timedelta(days=1)


def night(as_of: date, **columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"as_of": [as_of, as_of], "member_no": [1, 2], **columns})


def test_a_night_with_a_new_column_is_stored_beside_nights_without_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    store_night(lake, SCORES, night(FIRST, tier=["gold", None]), FIRST)
    store_night(lake, SCORES, night(SECOND, presence=["gone", None], tier=["gold", None]), SECOND)
    assert read_scores(lake, FIRST)["presence"].to_list() == [None, None]
    assert read_scores(lake, SECOND)["presence"].to_list() == ["gone", None]
    store_night(lake, SCORES, night(FIRST, presence=["still_here", None], tier=["gold", None]), FIRST)
    assert read_scores(lake, FIRST)["presence"].to_list() == ["still_here", None]


def test_the_same_night_stored_twice_adds_no_version(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    rows = night(FIRST, tier=["gold", None])
    store_night(lake, SCORES, rows, FIRST)
    version = lake.version(SCORES)
    store_night(lake, SCORES, rows, FIRST)
    assert lake.version(SCORES) == version
