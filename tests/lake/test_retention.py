"""What ages out goes by day, is counted, and does not come back; past versions go when nobody can ask for them any more."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake.exceptions import DeltaError
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.arrivals import check_identity, read_arrivals, read_kept_after, record, undo_unrecorded
from lake.contracts import EVENTS, TABLES
from lake.quarantine import SCHEMA, read_quarantine, write_quarantine
from lake.retention import expire, expire_nights
from lake.storage.delta import Lake
from lake.storage.versions import remove_past_versions, vacuum
from tests.lake.taking_in import FIRST_DAY, NOW, File, held_in, take_in

LATER = datetime.now(UTC) + timedelta(days=40)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def events(path: str, days: range) -> File:
    return File(EVENTS, path, {f"{path}-{day}": (day, None) for day in days})


def balanced(lake: Lake) -> None:
    check_identity(read_arrivals(lake), record_counts={name: lake.row_count(name) for name in TABLES})


def test_days_that_have_aged_out_are_gone_and_counted_as_left_out(lake: Lake) -> None:
    take_in(lake, events("a.csv", range(10)), events("b.csv", range(5, 15)))
    as_of = FIRST_DAY + timedelta(days=12)
    assert expire(lake, keep_days={"events": 6}, as_of=as_of) == {"events": 7 + 2}
    assert lake.days("events") == {FIRST_DAY + timedelta(days=day) for day in range(7, 15)}
    ledger = dict(read_arrivals(lake).select("path", "left_out").iter_rows())
    assert ledger == {"a.csv": 7, "b.csv": 2}
    balanced(lake)
    assert read_kept_after(lake) == {"events": as_of - timedelta(days=6)}
    assert expire(lake, keep_days={"events": 6}, as_of=as_of) == {}
    assert expire(lake, keep_days={}, as_of=as_of + timedelta(days=300)) == {}


def test_a_past_night_does_not_bring_back_what_a_later_one_let_go(lake: Lake) -> None:
    take_in(lake, events("a.csv", range(10)))
    expire(lake, keep_days={"events": 3}, as_of=FIRST_DAY + timedelta(days=9))
    take_in(lake, events("b.csv", range(10)))
    assert expire(lake, keep_days={"events": 3}, as_of=FIRST_DAY + timedelta(days=4)) == {"events": 7}
    assert min(lake.days("events")) == FIRST_DAY + timedelta(days=7)
    balanced(lake)


def test_killed_before_it_is_recorded_nothing_has_aged_out(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(lake, events("a.csv", range(10)))
    before = held_in(lake, EVENTS)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lake.retention.record", die)
        with pytest.raises(KeyboardInterrupt):
            expire(lake, keep_days={"events": 3}, as_of=FIRST_DAY + timedelta(days=9))
    assert undo_unrecorded(lake) == ["events"]
    assert held_in(lake, EVENTS) == before
    assert expire(lake, keep_days={"events": 3}, as_of=FIRST_DAY + timedelta(days=9)) == {"events": 7}
    balanced(lake)


def test_old_rows_of_the_quarantine_go_too(lake: Lake) -> None:
    take_in(lake, File(EVENTS, "a.csv", {"x": (1, None)}, bad=2))
    arrival = read_arrivals(lake)["arrival_id"][0]
    rows = [
        {"quarantine_id": f"q{number}", "arrival_id": arrival, "as_of": FIRST_DAY + timedelta(days=number), "quarantined_at": NOW}
        | {"table": "events", "status": "open"}
        for number in (0, 5)
    ]
    write_quarantine(
        lake, pl.DataFrame(rows).select(pl.lit(None, t).alias(c) if c not in rows[0] else c for c, t in SCHEMA.items())
    )
    record(lake, read_arrivals(lake))
    assert expire(lake, keep_days={"quarantine": 3}, as_of=FIRST_DAY + timedelta(days=5)) == {"quarantine": 1}
    assert read_quarantine(lake)["quarantine_id"].to_list() == ["q5"]
    assert read_arrivals(lake).select("left_out", "quarantined").row(0) == (1, 1)
    balanced(lake)


def test_scores_of_old_nights_go_by_night(lake: Lake) -> None:
    nights = [FIRST_DAY + timedelta(days=day) for day in range(4)]
    rows = pl.DataFrame({"as_of": nights, "member_no": [1, 2, 3, 4]})
    lake.replace_days("scores", rows, days=nights, column="as_of")
    assert expire_nights(lake, {"scores": 2, "tiers": 2}, column="as_of", as_of=nights[3]) == {"scores": 2}
    assert lake.days("scores", column="as_of") == set(nights[2:])


def age(lake: Lake, table: str, *, days: float) -> None:
    """Let every file and commit of a table be older."""
    import json

    for path in lake.path(table).rglob("*"):
        if path.suffix == ".json":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            for line in lines:
                if "commitInfo" in line:
                    line["commitInfo"]["timestamp"] -= int(days * 86_400_000)
            path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
        if path.is_file():
            then = path.stat().st_mtime - days * 86_400
            os.utime(path, (then, then))


def version(number: int) -> pl.DataFrame:
    return pl.DataFrame({"event_date": [date(2025, 1, 1), date(2025, 1, 2 + number % 3)], "who": [f"m{number}", f"n{number}"]})


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from([0.5, 3.0, 20.0]), st.booleans()), min_size=1, max_size=14),
    kept_days=st.sampled_from([1, 4, 30]),
)
def test_every_version_of_the_keeping_time_can_be_read_and_nothing_else_is_on_disk(
    steps: list[tuple[float, bool]], kept_days: int
) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        made: list[float] = []
        for number, (days, is_vacuumed) in enumerate(steps):
            if number:
                age(lake, "t", days=days)
                made = [before + days for before in made]
            rows = version(number)
            lake.replace_days("t", rows, days=set(rows["event_date"]), metadata={"step": number})
            made.append(0.0)
            if is_vacuumed or number == len(steps) - 1:
                now = datetime.now(UTC)
                vacuum(lake, "t", kept_since=now - timedelta(days=kept_days), now=now)
        newest = len(steps) - 1
        assert lake.version("t") == newest
        assert lake.metadata("t") == {"step": newest}
        for number, _ in enumerate(made):
            was_newest_until = made[number + 1] if number < newest else 0.0
            if was_newest_until < kept_days:
                assert f"m{number}" in lake.scan("t", version=number).collect()["who"]
            elif was_newest_until > kept_days:
                with pytest.raises((DeltaError, OSError, pl.exceptions.PolarsError)):
                    lake.scan("t", version=number).collect()


def test_what_no_commit_ever_named_is_left_for_a_day_and_then_removed(lake: Lake) -> None:
    lake.replace("t", pl.DataFrame({"a": [1]}))
    stray = lake.path("t") / "part-of-a-killed-run.parquet"
    stray.write_bytes(b"half")
    vacuum(lake, "t", kept_since=datetime.now(UTC) - timedelta(days=30), now=datetime.now(UTC))
    assert stray.exists()
    assert vacuum(lake, "t", kept_since=LATER - timedelta(days=30), now=LATER).files == 1
    assert not stray.exists()
    assert lake.scan("t").collect()["a"].to_list() == [1]


def test_forgetting_the_past_leaves_the_newest_version_its_number_and_its_facts(lake: Lake) -> None:
    for number in range(4):
        rows = version(number)
        lake.replace_days("t", rows, days=set(rows["event_date"]), metadata={"step": number} if number < 3 else None)
    held = lake.scan("t").collect()
    assert remove_past_versions(lake, "t").files > 0
    assert lake.metadata("t") == {"step": 2}
    assert lake.scan("t").collect().equals(held)
    log = [path.name for path in (lake.path("t") / "_delta_log").iterdir() if path.suffix == ".json"]
    assert log == [f"{lake.version('t'):020}.json"]
    assert b"m0" not in b"".join(path.read_bytes() for path in lake.path("t").rglob("*") if path.is_file())
    number = lake.version("t")
    remove_past_versions(lake, "t")
    assert lake.version("t") == number
    lake.replace_days("t", version(7), days=set(version(7)["event_date"]))
    assert "m7" in lake.scan("t").collect()["who"]
