"""Landing: what is new takes its place, what is the same is left alone, and every row is accounted for."""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.arrivals import ARRIVALS, undo_unrecorded
from lake.contracts import EVENTS, MEMBERS, TIMESTAMP, Table
from lake.landing import land
from lake.quarantine import QUARANTINE
from lake.quarantine import SCHEMA as QUARANTINE_SCHEMA
from lake.record_keys import as_records, with_keys
from lake.sources.mapping import map_export
from lake.sources.readers import read_export
from lake.sources.source_settings import SourceSettings
from lake.storage.delta import Lake
from tests.lake.taking_in import FIRST_DAY, NOW, Account, Content, File, counted_in, held_in, new_of, take_in

WEEKS = {f"e{day}": (day, "web") for day in range(14)}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def events(path: str, rows: dict[str, Content], *, left_out: int = 0, bad: int = 0) -> File:
    return File(EVENTS, path, rows, left_out=left_out, bad=bad)


def members(path: str, **rows: str | None) -> File:
    return File(MEMBERS, path, {key: (None, value) for key, value in rows.items()})


def days(*numbers: int) -> set[date]:
    return {FIRST_DAY + timedelta(days=number) for number in numbers}


def files_by_day(lake: Lake) -> dict[date, set[str]]:
    found: dict[date, set[str]] = {}
    for day, path in lake._files("events", None):
        found.setdefault(day, set()).add(path)
    return found


def values(lake: Lake) -> dict[str, str | None]:
    return {key: content[1] for key, (content, _) in held_in(lake, EVENTS).items()}


def test_a_first_file_lands_whole(lake: Lake) -> None:
    file = events("a.csv", WEEKS, left_out=3, bad=2)
    landed = take_in(lake, file)["events"]
    assert (landed.landed, landed.replaced, landed.days) == ({file.arrival_id: 14}, {}, 14)
    assert held_in(lake, EVENTS) == {key: (content, file.arrival_id) for key, content in WEEKS.items()}
    assert counted_in(lake, "rows_read") == {file.arrival_id: 14 + 3 + 2}


def test_records_lie_in_their_day_in_the_landed_schema(lake: Lake) -> None:
    take_in(lake, events("a.csv", WEEKS), members("m.csv", ann="web", bob=None))
    for table in (EVENTS, MEMBERS):
        assert lake.scan(table.name).collect_schema() == pl.Schema(table.landed_schema)
    assert lake.days("events") == days(*range(14))
    assert held_in(lake, MEMBERS)["bob"][0] == (None, None)


def test_a_late_file_for_last_week_changes_exactly_last_weeks_days(lake: Lake) -> None:
    take_in(lake, events("a.csv", WEEKS))
    before, version = files_by_day(lake), lake.version("events")
    take_in(lake, events("late.csv", {"new": (3, "ios"), "e5": (5, "ios")}))
    after = files_by_day(lake)
    assert {day for day in after if after[day] != before.get(day)} == days(3, 5)
    assert lake.days_changed("events", since_version=version) == days(3, 5)
    assert lake.version("events") == version + 1
    assert values(lake)["e5"] == "ios"
    assert len(values(lake)) == 15


def test_a_file_sent_again_under_another_name_changes_nothing(lake: Lake) -> None:
    first, second = events("a.csv", WEEKS), events("b.csv", WEEKS)
    take_in(lake, first)
    version = lake.version("events")
    landed = take_in(lake, second)["events"]
    assert (landed.landed, landed.replaced, landed.days) == ({}, {second.arrival_id: 14}, 0)
    assert lake.version("events") == version
    assert {arrival for _, arrival in held_in(lake, EVENTS).values()} == {first.arrival_id}


def test_a_cumulative_export_writes_only_the_days_that_changed(lake: Lake) -> None:
    take_in(lake, events("a.csv", WEEKS))
    version = lake.version("events")
    grown = WEEKS | {"e14": (14, "web"), "e13": (13, "ios"), "late": (12, None)}
    assert take_in(lake, events("a.csv", grown))["events"].days == 3
    assert lake.days_changed("events", since_version=version) == days(12, 13, 14)


def test_a_key_that_arrives_again_replaces_the_earlier_record(lake: Lake) -> None:
    old, new = events("a.csv", {"e": (1, "web"), "f": (1, "web")}), events("b.csv", {"e": (1, "ios")})
    take_in(lake, old)
    take_in(lake, new)
    assert values(lake) == {"e": "ios", "f": "web"}
    assert counted_in(lake, "landed") == {old.arrival_id: 2 - 1, new.arrival_id: 1}
    assert counted_in(lake, "replaced") == {old.arrival_id: 1, new.arrival_id: 0}


def test_a_key_that_moves_to_another_day_leaves_the_old_one(lake: Lake) -> None:
    take_in(lake, events("a.csv", {"e": (1, "web"), "f": (2, "web")}))
    version = lake.version("events")
    take_in(lake, events("b.csv", {"e": (5, "web")}))
    assert held_in(lake, EVENTS)["e"][0] == (5, "web")
    assert lake.days("events") == days(2, 5)
    assert lake.days_changed("events", since_version=version) == days(1, 5)


def test_of_two_files_of_one_night_the_later_wins(lake: Lake) -> None:
    first, second = events("a.csv", {"e": (1, "first"), "f": (1, "x")}), events("b.csv", {"e": (2, "second")})
    take_in(lake, first, second)
    assert values(lake) == {"e": "second", "f": "x"}
    assert counted_in(lake, "replaced") == {first.arrival_id: 1, second.arrival_id: 0}


def test_a_value_that_becomes_null_is_a_change(lake: Lake) -> None:
    take_in(lake, events("a.csv", {"e": (1, "web")}))
    take_in(lake, events("b.csv", {"e": (1, None)}))
    assert values(lake) == {"e": None}
    version = lake.version("events")
    take_in(lake, events("c.csv", {"e": (1, None)}))
    assert lake.version("events") == version


def test_members_have_no_day_and_are_replaced_by_key(lake: Lake) -> None:
    take_in(lake, members("m.csv", ann="web", bob="ios"))
    take_in(lake, members("n.csv", bob="web", eve=None))
    assert {key: content[1] for key, (content, _) in held_in(lake, MEMBERS).items()} == {"ann": "web", "bob": "web", "eve": None}
    version = lake.version("members")
    take_in(lake, members("o.csv", bob="web"))
    assert lake.version("members") == version


def test_an_earlier_version_of_a_file_may_come_back(lake: Lake) -> None:
    old, new = events("a.csv", {"e": (1, "old"), "f": (1, "x")}), events("a.csv", {"e": (1, "new"), "f": (1, "x")})
    for file in (old, new, old):
        take_in(lake, file)
    assert values(lake) == {"e": "old", "f": "x"}
    assert counted_in(lake, "landed") == {old.arrival_id: 2, new.arrival_id: 0}
    assert counted_in(lake, "replaced") == {old.arrival_id: 0, new.arrival_id: 2}


def test_a_file_of_nothing_but_bad_rows_lands_nothing(lake: Lake) -> None:
    landed = take_in(lake, events("a.csv", {}, bad=5))["events"]
    assert (landed.landed, landed.replaced) == ({}, {})
    assert (lake.exists("events"), lake.row_count("events")) == (True, 0)


def test_landing_again_after_a_crash_is_landing_once(lake: Lake) -> None:
    take_in(lake, events("a.csv", WEEKS))
    version, before = lake.version("events"), files_by_day(lake)
    late = events("late.csv", {"e3": (3, "ios"), "e4": (9, "web"), "new": (3, "web"), "e5": (5, "web")})
    take_in(lake, late, dies=True)
    assert lake.row_count("events") == 15
    take_in(lake, late)
    account = Account()
    account.take_in(events("a.csv", WEEKS))
    account.take_in(late)
    assert held_in(lake, EVENTS) == account.held["events"]
    assert counted_in(lake, "landed") == account.landed
    assert counted_in(lake, "replaced") == account.replaced
    assert lake.days_changed("events", since_version=version) == days(3, 4, 9)
    assert {day: paths for day, paths in files_by_day(lake).items() if day not in days(3, 4, 9)} == {
        day: paths for day, paths in before.items() if day not in days(3, 4, 9)
    }


def test_what_a_killed_run_landed_is_gone_when_the_file_has_changed_since(lake: Lake) -> None:
    take_in(lake, events("a.csv", {"e": (1, "web")}))
    take_in(lake, events("b.csv", {"e": (1, "wrong"), "never": (2, "wrong")}), dies=True)
    take_in(lake, events("b.csv", {"f": (3, "right")}))
    assert values(lake) == {"e": "web", "f": "right"}


def test_a_first_night_may_be_killed(lake: Lake) -> None:
    take_in(lake, events("a.csv", WEEKS), members("m.csv", ann="web"), dies=True)
    assert not lake.exists(ARRIVALS)
    take_in(lake, events("a.csv", {"e0": (0, "web")}), members("m.csv", bob="web"))
    assert values(lake) == {"e0": "web"}
    assert set(held_in(lake, MEMBERS)) == {"bob"}


def test_tables_without_a_new_file_are_put_back_too(lake: Lake) -> None:
    take_in(lake, events("a.csv", {"e": (1, "web")}), members("m.csv", ann="web"))
    take_in(lake, events("b.csv", {"f": (1, "web")}), members("n.csv", bob="web"), dies=True)
    assert sorted(undo_unrecorded(lake)) == ["events", "members"]
    assert undo_unrecorded(lake) == []
    take_in(lake, members("n.csv", eve="web"))
    assert set(values(lake)) == {"e"}
    assert set(held_in(lake, MEMBERS)) == {"ann", "eve"}


def test_rows_readmitted_by_a_killed_run_wait_again(lake: Lake) -> None:
    take_in(lake, events("a.csv", {"e": (1, "web")}, bad=1))
    lake.replace(QUARANTINE, pl.DataFrame(schema=dict(QUARANTINE_SCHEMA)))
    take_in(lake, events("b.csv", {"f": (1, "web")}))
    assert lake.row_count(QUARANTINE) == 0
    lake.append(QUARANTINE, pl.DataFrame(schema=dict(QUARANTINE_SCHEMA)).clear(1))
    assert lake.row_count(QUARANTINE) == 1
    take_in(lake, members("m.csv", ann="web"))
    assert lake.row_count(QUARANTINE) == 0


def test_records_that_stand_in_any_order_land_the_same(tmp_path: Path) -> None:
    file = events("a.csv", WEEKS)
    lakes = [Lake(tmp_path / "one"), Lake(tmp_path / "two")]
    land(lakes[0], EVENTS, file.records(1))
    land(lakes[1], EVENTS, file.records(1).reverse())
    stored = [lake.scan("events").collect().sort("event_date", maintain_order=True) for lake in lakes]
    assert stored[0].equals(stored[1])


KEY = st.sampled_from("abcde")
VALUE = st.sampled_from(["web", "ios", None])
EVENT_FILE = st.builds(
    events,
    st.sampled_from(["e1.csv", "e2.csv"]),
    st.dictionaries(KEY, st.tuples(st.integers(0, 3), VALUE), max_size=5),
    left_out=st.integers(0, 1),
    bad=st.integers(0, 1),
)
MEMBER_FILE = st.builds(lambda rows: members("m.csv", **rows), st.dictionaries(KEY, VALUE, max_size=4))
NIGHT = st.lists(EVENT_FILE, max_size=2).flatmap(
    lambda files: st.lists(MEMBER_FILE, max_size=1).map(lambda more: [*files, *more])
)


@given(st.lists(st.tuples(NIGHT, st.one_of(st.none(), NIGHT)), min_size=1, max_size=4), st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_nights_leave_what_a_dictionary_would_hold(
    nights: list[tuple[list[File], list[File] | None]], data: st.DataObject
) -> None:
    account, seen = Account(), list[File]()
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        for files, of_killed_run in nights:
            again = data.draw(st.lists(st.sampled_from(seen), max_size=1)) if seen else []
            # A path is read once a night.
            tonight = list({(file.table.name, file.path): file for file in [*files, *again]}.values())
            seen += tonight
            before, version = dict(account.held["events"]), lake.version("events")
            if of_killed_run is not None:
                killed = {(file.table.name, file.path): file for file in of_killed_run}
                touched = set(take_in(lake, *killed.values(), dies=True))
                if touched - {file.table.name for file in new_of(lake, tonight)}:
                    undo_unrecorded(lake)  # landing puts back only the tables it lands
            take_in(lake, *tonight)
            account.take_in(*tonight)
            assert held_in(lake, EVENTS) == account.held["events"]
            assert held_in(lake, MEMBERS) == account.held["members"]
            assert counted_in(lake, "landed") == account.landed
            assert counted_in(lake, "replaced") == account.replaced
            if version >= 0:
                assert lake.days_changed("events", since_version=version) == account.days_apart(before)


def content_in(lake: Lake, table: Table) -> dict[str, Any]:
    return {key: content for key, (content, _) in held_in(lake, table).items()}


@given(st.lists(NIGHT, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_arrivals_that_land_one_after_another_leave_what_landing_them_at_once_leaves(nights: list[list[File]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        at_once, in_turn = Lake(Path(folder) / "at once"), Lake(Path(folder) / "in turn")
        for files in nights:
            tonight = list({(file.table.name, file.path): file for file in files}.values())
            take_in(at_once, *tonight)
            take_in(in_turn, *tonight, in_turn=True)
            for table in (EVENTS, MEMBERS):
                assert content_in(in_turn, table) == content_in(at_once, table)
            assert sum(counted_in(in_turn, "landed").values()) == sum(counted_in(at_once, "landed").values())
            assert sum(counted_in(in_turn, "replaced").values()) == sum(counted_in(at_once, "replaced").values())


def test_of_two_arrivals_with_the_same_record_the_later_has_it_in_turn_as_at_once(tmp_path: Path) -> None:
    first, second = events("a.csv", {"e": (1, "web")}), events("b.csv", {"e": (1, "web")})
    for number, in_turn in enumerate((False, True)):
        landed = take_in(Lake(tmp_path / str(number)), first, second, in_turn=in_turn)["events"]
        assert (landed.landed[second.arrival_id], landed.replaced) == (1, {first.arrival_id: 1})
        assert landed.landed.get(first.arrival_id, 0) == 0


def test_rows_without_a_key_land_once_however_often_their_file_grows(lake: Lake) -> None:
    def export(*lines: str) -> pl.DataFrame:
        source = SourceSettings(path="x.csv", columns={"member_id": "who", "event_type": "what", "occurred_at": "at"})
        content = "\n".join(["who,what,at", *lines]).encode() + b"\n"
        raw = read_export(content, name="events", file_format="csv", settings=source)
        mapped = map_export(raw, table=EVENTS, settings=source, name="events", timezone="UTC")
        records = as_records(with_keys(mapped.rows, table=EVENTS), table=EVENTS, timezone="UTC")
        arrival = str(len(lines))
        stamps = {"source": "events", "source_file": "x.csv", "arrival_id": arrival}
        return records.with_columns(
            ingested_at=pl.lit(NOW).cast(TIMESTAMP),
            sequence=pl.lit(1, dtype=pl.Int64),
            **{k: pl.lit(v) for k, v in stamps.items()},
        )

    def landed(rows: pl.DataFrame) -> tuple[dict[str, int], dict[str, int]]:
        counts = land(lake, EVENTS, rows)
        # As a ledger would: what has landed is to stay.
        lake.replace(ARRIVALS, pl.DataFrame({"n": [1]}), metadata={"versions": {"events": lake.version("events")}})
        return counts.landed, counts.replaced

    twice = ["ann,post,2011-08-01", "ann,post,2011-08-01", "bob,like,2011-08-02"]
    assert landed(export(*twice)) == ({"3": 3}, {})
    assert landed(export("eve,post,2011-08-01", *reversed(twice))) == ({"4": 1}, {"4": 3})
    assert lake.row_count("events") == 4
