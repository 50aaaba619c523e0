"""A table's log is read once for as long as nothing in it changes; whatever changes it is seen by the next look."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from lake.storage.delta import Lake
from lake.storage.snapshots import LOG, read_snapshot

TABLE = "tiers"


def rows(*members: int) -> pl.DataFrame:
    return pl.DataFrame({"member_no": members}, schema={"member_no": pl.Int32})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.replace(TABLE, rows(1, 2), metadata={"night": 1})
    return lake


def test_a_log_is_read_once_while_nothing_changes_it(lake: Lake) -> None:
    looks = [read_snapshot(lake.path(TABLE), version=None, options=None) for _ in range(3)]
    assert looks[0] is looks[1] is looks[2]
    assert looks[0].files is looks[1].files


def by_this_lake(lake: Lake) -> None:
    lake.replace(TABLE, rows(3), metadata={"night": 2})


def by_somebody_else(lake: Lake) -> None:
    other = pl.DataFrame({"member_no": [3]}, schema={"member_no": pl.Int32})
    write_deltalake(str(lake.path(TABLE)), other, mode="overwrite")


def by_being_made_anew(lake: Lake) -> None:
    assert isinstance(lake.path(TABLE), Path)
    shutil.rmtree(str(lake.path(TABLE)))
    lake.replace(TABLE, rows(3), metadata={"night": 1})


@pytest.mark.parametrize("change", [by_this_lake, by_somebody_else, by_being_made_anew])
def test_the_next_look_sees_every_change(lake: Lake, change: Callable[[Lake], None]) -> None:
    assert lake.row_count(TABLE) == 2
    change(lake)
    assert lake.row_count(TABLE) == 1
    assert lake.scan(TABLE).collect()["member_no"].to_list() == [3]


def test_undoing_is_seen_and_leaves_the_version_of_before_as_it_was(lake: Lake) -> None:
    lake.replace(TABLE, rows(3, 4, 5))
    assert lake.row_count(TABLE) == 3
    assert lake.restore(TABLE, version=0)
    assert (lake.row_count(TABLE), lake.version(TABLE)) == (2, 2)
    assert lake.scan(TABLE, version=1).collect().height == 3


def test_a_version_that_is_gone_is_not_remembered(lake: Lake) -> None:
    lake.replace(TABLE, rows(3))
    assert lake.scan(TABLE, version=0).collect().height == 2
    DeltaTable(str(lake.path(TABLE))).create_checkpoint()
    assert isinstance(lake.path(TABLE), Path)
    (Path(str(lake.path(TABLE))) / LOG / f"{0:020}.json").unlink()
    with pytest.raises(DeltaError):
        lake.scan(TABLE, version=0)


def test_facts_handed_out_are_nobody_elses(lake: Lake) -> None:
    lake.metadata(TABLE)["night"] = 99
    assert lake.metadata(TABLE) == {"night": 1}
