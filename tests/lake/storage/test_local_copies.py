"""Each data file of a bucket's small table is asked for once; its copy goes when the table lets go of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.storage import local_copies
from lake.storage.bucket import Bucket
from lake.storage.delta import Lake
from lake.storage.local_copies import copies
from lake.storage.versions import remove_past_versions, vacuum
from tests.object_store import ObjectStore, object_store

__all__ = ["object_store"]

FIRST = date(2024, 1, 1)


def days(count: int, *, value: int = 1) -> pl.DataFrame:
    return pl.DataFrame({"event_date": [FIRST + timedelta(days=day) for day in range(count)], "n": [value] * count})


@pytest.fixture
def bucket(object_store: ObjectStore) -> Bucket:
    found = Bucket(object_store.make_bucket(), "lake")
    Lake(found).replace_days("daily", days(30), days=set(days(30)["event_date"]), metadata={"made": "once"})
    object_store.asked()
    return found


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_table_looked_at_many_times_is_fetched_once(object_store: ObjectStore, bucket: Bucket, tmp_path: Path) -> None:
    lake = Lake(bucket, copies_folder=tmp_path)
    for _ in range(5):
        assert lake.scan("daily").select(pl.col("n").sum()).collect().item() == 30
        assert lake.scan("daily").filter(pl.col("event_date") == FIRST).collect().height == 1
    fetched = Counter(asked for asked in object_store.asked() if asked.endswith(".parquet"))
    assert len(fetched) == 30
    assert set(fetched.values()) == {1}
    assert {path.stat().st_mode & 0o077 for path in kept(tmp_path)} == {0}
    lake.replace_days("daily", days(1, value=7), days={FIRST})
    object_store.asked()
    assert lake.scan("daily").select(pl.col("n").sum()).collect().item() == 36
    assert len([asked for asked in object_store.asked() if asked.startswith("GET") and asked.endswith(".parquet")]) == 1


def test_a_look_is_a_few_requests_however_many_days_a_table_has(object_store: ObjectStore, bucket: Bucket) -> None:
    lake = Lake(bucket)
    lake.version("daily")
    object_store.asked()
    looks = (lake.version("daily"), lake.row_count("daily"), len(lake.days("daily")), lake.rows_by_day("daily").height)
    assert looks == (0, 30, 30, 30)
    assert object_store.asked() == ["LIST"] * 4
    assert lake.metadata("daily") == {"made": "once"}
    assert len(object_store.asked()) <= 3


def test_copies_go_with_the_version_they_belong_to(bucket: Bucket, tmp_path: Path) -> None:
    lake = Lake(bucket, copies_folder=tmp_path)
    lake.scan("daily")
    lake.replace_days("daily", days(2, value=2), days=set(days(2)["event_date"]))
    lake.scan("daily")
    assert len(kept(tmp_path)) == 32
    now = datetime.now(UTC) + timedelta(days=3)
    vacuum(lake, "daily", kept_since=now, now=now)
    assert len(kept(tmp_path)) == 30
    assert lake.scan("daily").select(pl.col("n").sum()).collect().item() == 32
    remove_past_versions(lake, "daily")
    assert kept(tmp_path) == []


def test_what_cannot_be_kept_here_is_read_from_the_bucket(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert Lake(bucket, copies_folder=tmp_path / "file").scan("daily").collect().height == 30
    monkeypatch.setattr(local_copies, "MOST_TABLE_BYTES", 1)
    assert Lake(bucket, copies_folder=tmp_path / "large").scan("daily").collect().height == 30
    assert kept(tmp_path) == [tmp_path / "file"]
    assert copies(bucket, {"../stolen": 1}, tmp_path / "copies") is None
    assert copies(bucket, {"/stolen": 1}, tmp_path / "copies") is None


def test_a_copy_cut_short_by_a_kill_is_fetched_again(bucket: Bucket, tmp_path: Path) -> None:
    lake = Lake(bucket, copies_folder=tmp_path)
    lake.scan("daily")
    kept(tmp_path)[0].write_bytes(b"PAR1")
    assert lake.scan("daily").collect().height == 30
