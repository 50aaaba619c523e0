"""The generated community is what its description says, whatever its size."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from benchmarks.community import EVENT_TYPES, read_size, write_community, write_one_more_day
from benchmarks.population import Size
from runtime.settings import load_settings
from tests.paths import ROOT

SIZE = Size(members=2_000, events=90_000, days=200, seed=11)


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("community")
    write_community(folder, SIZE)
    return folder


def read(folder: Path, table: str) -> pl.DataFrame:
    return pl.read_parquet(folder / "landing" / table / "*.parquet")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    size = Size(members=50, events=800, days=20, seed=3)
    for name, written in (("a", size), ("b", size), ("c", replace(size, seed=4))):
        write_community(tmp_path / name, written)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_events_orders_and_members_add_up_to_what_was_asked(community: Path) -> None:
    events, orders, members = (read(community, table) for table in ("events", "orders", "members"))
    assert events.height == 90_000 == events["event_id"].n_unique()
    assert orders.height == 90_000 // 20 == orders["order_id"].n_unique()
    assert members.height == 2_000 == members["member_id"].n_unique()
    assert read_size(community) == SIZE
    files = sorted(path.stem for path in (community / "landing" / "events").iterdir())
    assert files == [SIZE.day(day).isoformat() for day in range(200)]


def test_each_file_holds_its_own_day_in_the_order_of_time(community: Path) -> None:
    for path in sorted((community / "landing" / "events").iterdir())[::40]:
        at = pl.read_parquet(path)["occurred_at"]
        assert at.is_sorted()
        assert set(at.dt.date().cast(pl.String)) == {path.stem}


def test_nobody_acts_before_joining_or_is_unknown(community: Path) -> None:
    joined = read(community, "members").select("member_id", pl.col("joined_at").dt.date())
    for table, column, at in (
        ("events", "member_id", "occurred_at"),
        ("events", "target_member_id", "occurred_at"),
        ("orders", "member_id", "ordered_at"),
    ):
        acted = read(community, table).select(pl.col(column).alias("member_id"), pl.col(at).dt.date().alias("on")).drop_nulls()
        met = acted.join(joined, on="member_id", how="left")
        assert met["joined_at"].null_count() == 0
        assert met.filter(pl.col("on") < pl.col("joined_at")).is_empty()


def test_a_fifth_of_the_members_does_most_of_what_is_done(community: Path) -> None:
    done = read(community, "events").group_by("member_id").len().sort("len", descending=True)["len"]
    assert 0.65 < done.head(SIZE.members // 5).sum() / SIZE.events < 0.95
    assert 0.15 < done.head(SIZE.members // 100).sum() / SIZE.events < 0.6
    assert done.max() > 50 * done.median()


def test_weekends_are_quieter_and_evenings_busier(community: Path) -> None:
    at = read(community, "events")["occurred_at"]
    weekend = (at.dt.weekday() >= 6).mean()
    assert weekend < 0.95 * 2 / 7
    assert (at.dt.hour() >= 18).mean() > 2 * (at.dt.hour() < 6).mean()


def test_members_join_leave_and_return(community: Path) -> None:
    joined = read(community, "members")["joined_at"].dt.date()
    assert 0.5 < (joined >= SIZE.day(0)).mean() < 0.7
    active = read(community, "events").select("member_id", day=pl.col("occurred_at").dt.date())
    early = active.filter(pl.col("day") < SIZE.day(60))["member_id"].unique()
    gone = set(early) - set(active.filter(pl.col("day") >= SIZE.day(160))["member_id"])
    assert 0.1 < len(gone) / len(early) < 0.7


def test_event_types_and_targets_come_in_the_shares_declared(community: Path) -> None:
    events = read(community, "events")
    found = dict(events.group_by("event_type").len().iter_rows())
    assert set(found) == set(EVENT_TYPES)
    for kind, (share, directed) in EVENT_TYPES.items():
        assert found[kind] / events.height == pytest.approx(share, abs=0.01)
        targets = events.filter(pl.col("event_type") == kind)["target_member_id"]
        assert targets.null_count() / len(targets) < 0.1 if directed else targets.null_count() == len(targets)
    assert events.filter(pl.col("member_id") == pl.col("target_member_id")).is_empty()


def test_one_more_day_is_a_new_file_with_new_keys_and_leaves_the_others_alone(tmp_path: Path) -> None:
    write_community(tmp_path, Size(members=50, events=800, days=20, seed=3))
    before = contents(tmp_path)
    day = write_one_more_day(tmp_path, events=70)
    assert day == read_size(tmp_path).day(20)
    added = pl.read_parquet(tmp_path / "landing" / "events" / f"{day}.parquet")
    assert added.height == 70
    assert read(tmp_path, "events")["event_id"].n_unique() == 870
    assert {name: kept for name, kept in contents(tmp_path).items() if name in before} == before
    assert write_one_more_day(tmp_path) == read_size(tmp_path).day(21)


def test_days_in_one_file_are_the_days_of_single_files(tmp_path: Path) -> None:
    size = Size(members=50, events=800, days=20, seed=3)
    write_community(tmp_path / "single", size)
    write_community(tmp_path / "weekly", replace(size, days_per_file=7))
    assert len(list((tmp_path / "weekly" / "landing" / "events").iterdir())) == 3
    assert read(tmp_path / "weekly", "events").equals(read(tmp_path / "single", "events"))


def test_the_configuration_written_is_one_that_evenfall_reads(community: Path) -> None:
    assert set(load_settings(community).sources) == {"members", "events", "orders"}


def test_memory_follows_the_day_and_not_the_history(tmp_path: Path) -> None:
    def peak_mib(name: str, days: int) -> float:
        code = (
            "import resource, sys; from benchmarks.community import main; main(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        sizes = ["--members", "2000", "--events", str(20_000 * days), "--days", str(days)]
        command = [sys.executable, "-c", code, str(tmp_path / name), *sizes]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return int(ended.stdout.splitlines()[-1]) / 1_024

    # 36 days more are 720,000 events more: held at once they would need over 100 MiB.
    assert peak_mib("long", 40) < peak_mib("short", 4) + 60
