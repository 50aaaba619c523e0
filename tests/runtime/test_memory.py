"""A run that may use little memory does the same in smaller pieces."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from expectations.engine import LocalSuite
from features.compute import compute_features
from lake.arrivals import read_arrivals
from lake.contracts import DAILY, TIES
from lake.storage.delta import Lake
from pipeline.history.daily_rollups import load_history
from pipeline.history.materialise import materialise_if_small
from pipeline.intake.intake import land_intake, validate_sources
from pipeline.intake.reading import Arrival
from pipeline.intake.spool import Spool
from runtime.memory import MemoryBudget
from runtime.run_context import open_run
from runtime.scale_settings import Scale
from tests.forum import NIGHT, NOW, landed, take_in, write_events, write_forum

LITTLE = '\n[scale]\nmax_memory = "0.2MiB"\n'


def forum(folder: Path, *, more: str = "") -> Path:
    write_forum(folder, more=more)
    for part in range(6):
        write_events(folder, f"events-{part}.csv", range(part * 10, 120 + part * 12))
    return folder


def test_a_first_load_that_memory_has_no_room_for_lands_counts_and_rolls_up_the_same(tmp_path: Path) -> None:
    much, little = forum(tmp_path / "much"), forum(tmp_path / "little", more=LITTLE)
    waited = judged(little)
    assert sum(arrival.records.bytes for arrival in waited) > 2 * MemoryBudget.of("0.2MiB").landing_bytes
    assert (little / ".evenfall" / "intake").exists()  # where a killed run leaves what waited
    for folder in (much, little):
        take_in(folder)
    assert not (little / ".evenfall" / "intake").exists()
    for name, held in landed(much).items():
        assert_frame_equal(landed(little)[name], held)
    counts = ("path", "rows_read", "left_out", "merged", "replaced", "quarantined", "landed")
    ledgers = [read_arrivals(Lake(folder / "lake")).select(counts) for folder in (much, little)]
    assert_frame_equal(*ledgers)
    for name in (DAILY, TIES):
        assert_frame_equal(*(Lake(folder / "lake").scan(name).collect() for folder in (much, little)), check_row_order=False)


def test_small_exports_are_judged_together_up_to_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year of daily files is a few judgements, each of which takes Great Expectations its time."""
    folder = forum(tmp_path / "forum")
    shorter = folder / "landing" / "events-3.csv"
    # A column fewer: which rules are run depends on the columns there are.
    pl.read_csv(shorter).drop("target_member_id").write_csv(shorter)
    judged_rows: list[int] = []

    def validate(suite: LocalSuite, rules: Any, chunk: pl.DataFrame, **others: Any) -> Any:
        judged_rows.append(chunk.height)
        return judge_here(suite, rules, chunk, **others)

    judge_here = LocalSuite.validate
    monkeypatch.setattr(LocalSuite, "validate", validate)
    monkeypatch.setattr(MemoryBudget, "rows_validated_together", 300)
    arrivals = [arrival.facts["rows_read"] for arrival in judged(folder)]
    members, content, events, feedback = arrivals[:1], arrivals[1:2], arrivals[2:-1], arrivals[-1:]
    assert events == [120, 122, 124, 126, 128, 130, 120]
    bad_feedback = 1
    assert judged_rows == [*members, *content, 120 + 122, 124, 126, 128 + 130, 120, feedback[0] - bad_feedback]


def test_a_landing_that_is_tried_again_still_has_what_waited_on_disk(tmp_path: Path) -> None:
    """As Prefect tries the step again after a database went away behind it."""
    once, twice = forum(tmp_path / "once", more=LITTLE), forum(tmp_path / "twice", more=LITTLE)
    take_in(once)
    opened = open_run(twice, NIGHT, now=NOW)
    intake = validate_sources(opened.workspace, opened.settings, as_of=NIGHT, now=NOW, progress=lambda _: None)
    first = land_intake(opened.workspace, intake)
    assert list((twice / ".evenfall" / "intake").iterdir())
    again = land_intake(opened.workspace, intake)
    assert_frame_equal(again, first)
    for name, held in landed(once).items():
        assert_frame_equal(landed(twice)[name], held)


def judged(folder: Path) -> tuple[Arrival, ...]:
    opened = open_run(folder, NIGHT, now=NOW)
    return validate_sources(opened.workspace, opened.settings, as_of=NIGHT, now=NOW, progress=lambda _: None).arrivals


def test_rollups_that_are_few_are_read_once_and_say_the_same(tmp_path: Path) -> None:
    """Past nights are looked at over and over; the rollups have a file for every day."""
    folder = forum(tmp_path)
    take_in(folder)
    lake = Lake(folder / "lake")
    history = load_history(lake, timezone="UTC", as_of=NIGHT)
    rows = sum(lake.scan(name).collect().height for name in (DAILY, TIES))
    assert materialise_if_small(history, lake, max_rows=rows - 1) is history
    held = materialise_if_small(history, lake, max_rows=rows)
    nights = [NIGHT - timedelta(days=days) for days in (0, 9)]
    read_day_by_day = [compute_features(history, as_of=night) for night in nights]
    assert not history.ties.collect().is_empty()
    for name in (DAILY, TIES):
        shutil.rmtree(folder / "lake" / name)
    for night, expected in zip(nights, read_day_by_day, strict=True):
        assert_frame_equal(compute_features(held, as_of=night), expected, check_exact=True)


def test_records_come_out_of_the_spool_in_order_and_no_more_at_once_than_may_be_held(tmp_path: Path) -> None:
    frames = [pl.DataFrame({"key": [f"{number}-{row}" for row in range(50)]}) for number in range(9)]
    size = Spool(tmp_path / "one", kept_bytes=2**20).keep(frames[0]).bytes
    spool = Spool(tmp_path / "spool", kept_bytes=2 * size)
    held = [spool.keep(frame) for frame in frames]
    assert len(list((tmp_path / "spool").iterdir())) == len(frames) - 2
    batches = list(spool.batches(held))
    assert [batch.height for batch in batches] == [100, 100, 100, 100, 50]
    assert_frame_equal(pl.concat(batches), pl.concat(frames))
    everything = pl.concat([one.frame for one in held])
    shares = [everything.filter(share).collect() for share in spool.shares(held, "key")]
    assert 1 < len(shares) < 30
    assert sorted(pl.concat(shares)["key"]) == sorted(pl.concat(frames)["key"])


def test_records_weigh_in_the_spool_what_they_weigh_when_written_out(tmp_path: Path) -> None:
    stamped = pl.DataFrame({"key": [f"a key of some length {row}" for row in range(999)]}).with_columns(
        source=pl.lit("forum" * 9)
    )
    spool = Spool(tmp_path / "spool", kept_bytes=0)
    held = spool.keep(stamped)
    (again,) = spool.batches([held])
    assert held.bytes == spool.keep(again).bytes > 999 * (20 + 45)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("4GiB", 4 * 2**30), ("1.5GiB", 3 * 2**29), ("512MiB", 2**29), ("0.2MiB", 209_715), ("4 GB", 4 * 10**9)],
)
def test_a_size_is_read_as_it_is_written(written: str, expected: int) -> None:
    assert MemoryBudget.of(written).bytes == expected


@pytest.mark.parametrize("written", ["4", "4000", "2 elephants", "-4GiB", "4XiB", ""])
def test_what_is_no_size_is_told_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match="is not a size of memory, such as 4GiB"):
        MemoryBudget.of(written)
    with pytest.raises(ValidationError, match="such as 4GiB or 1536MiB"):
        Scale(max_memory=written)


def test_a_size_stays_in_the_configuration_as_it_was_written() -> None:
    """Receipts of earlier nights hash it."""
    assert Scale(max_memory="1536MiB").model_dump(mode="json")["max_memory"] == "1536MiB"
