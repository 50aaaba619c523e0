"""The ledger accounts for every row, or nothing is recorded."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.arrivals import ARRIVALS, SCHEMA, CountingError, check_identity, move_counts, read_arrivals, record, undo_unrecorded
from lake.contracts import TABLES
from lake.quarantine import QUARANTINE
from lake.quarantine import SCHEMA as QUARANTINE_SCHEMA
from lake.storage.delta import Lake
from tests.lake.taking_in import FIRST_DAY, NOW


def arrival(name: str, *, sequence: int = 1, **facts: Any) -> pl.DataFrame:
    row = {
        "arrival_id": name, "table": "events", "source": "events", "path": f"{name}.csv", "content_hash": name,
        "size_bytes": 1, "modified_ns": 1, "arrived_at": NOW, "as_of": FIRST_DAY, "sequence": sequence, "rows_read": 10,
        "left_out": 1, "merged": 2, "added": 0, "replaced": 3, "quarantined": 4, "landed": 0, "retired": 0, "key_prefix": None,
    }  # fmt: skip
    return pl.DataFrame([row | facts], schema=dict(SCHEMA))


def held(**rows: int) -> dict[str, int]:
    return dict.fromkeys(TABLES, 0) | rows


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def land(lake: Lake, rows: int) -> None:
    lake.append("members", pl.DataFrame({"member_id": ["x"] * rows}, schema={"member_id": pl.String}))


def test_a_ledger_never_written_is_empty(lake: Lake) -> None:
    assert read_arrivals(lake).equals(pl.DataFrame(schema=dict(SCHEMA)))


def test_arrivals_are_read_in_the_order_they_came(lake: Lake) -> None:
    both = pl.concat([arrival("b", sequence=2), arrival("a", sequence=1)])
    record(lake, both.select(reversed(both.columns)))
    assert read_arrivals(lake).equals(pl.concat([arrival("a", sequence=1), arrival("b", sequence=2)]))


def test_rows_that_add_up_are_recorded() -> None:
    both = pl.concat([arrival("a", landed=7, replaced=-3 + 6, rows_read=17), arrival("b")])
    check_identity(both, record_counts=held(events=7))


@pytest.mark.parametrize("facts", [{"rows_read": 11}, {"landed": 1}, {"merged": None}, {"rows_read": None}])
def test_a_row_lost_or_counted_twice_is_told(facts: dict[str, Any]) -> None:
    wrong = pl.concat([arrival("a"), arrival("b", **facts)])
    with pytest.raises(CountingError, match=r"events \(b\.csv\): \w+ rows read, but left_out 1, merged"):
        check_identity(wrong, record_counts=held())


def test_a_negative_count_is_told_even_where_the_sum_is_right() -> None:
    with pytest.raises(CountingError, match="landed -1"):
        check_identity(arrival("a", landed=-1, replaced=4), record_counts=held())


def test_a_lake_that_holds_more_or_less_than_the_ledger_says_is_told() -> None:
    seven = arrival("a", landed=7, rows_read=17)
    for rows in (6, 8):
        with pytest.raises(CountingError, match=f"events: the ledger says 7 records, the lake holds {rows}"):
            check_identity(seven, record_counts=held(events=rows))
    with pytest.raises(CountingError, match="orders: the ledger says 0 records, the lake holds 1"):
        check_identity(seven, record_counts=held(events=7, orders=1))


def test_nothing_is_recorded_unless_the_lake_agrees(lake: Lake) -> None:
    land(lake, 3)
    with pytest.raises(CountingError, match="members: the ledger says 2 records, the lake holds 3"):
        record(lake, arrival("a", table="members", landed=2, replaced=1))
    assert not lake.exists(ARRIVALS)


def test_counts_are_moved_by_arrival() -> None:
    both = pl.concat([arrival("a"), arrival("b")])
    moved = move_counts(both, count="landed", changes={"b": 5})
    assert moved.select("arrival_id", "landed").rows() == [("a", 0), ("b", 5)]
    assert moved.schema == both.schema
    assert move_counts(moved, count="landed", changes={"b": -5}).equals(both)
    assert move_counts(both, count="landed", changes={}).equals(both)


def test_a_count_of_an_unknown_arrival_is_not_dropped() -> None:
    with pytest.raises(CountingError, match="replaced changed for arrivals that the ledger does not have: z"):
        move_counts(arrival("a"), count="replaced", changes={"z": 1})


def test_what_was_recorded_is_not_undone(lake: Lake) -> None:
    land(lake, 3)
    record(lake, arrival("a", table="members", landed=3, replaced=0))
    assert undo_unrecorded(lake) == []
    assert lake.row_count("members") == 3


def test_what_was_not_recorded_is_undone(lake: Lake) -> None:
    land(lake, 3)
    record(lake, arrival("a", table="members", landed=3, replaced=0))
    land(lake, 2)
    lake.replace(QUARANTINE, pl.DataFrame(schema=dict(QUARANTINE_SCHEMA)))
    lake.append("events", pl.DataFrame({"event_id": ["x"]}))
    assert undo_unrecorded(lake, ["events"]) == ["events"]
    assert (lake.row_count("events"), lake.row_count("members")) == (0, 5)
    assert undo_unrecorded(lake) == ["members"]
    assert lake.row_count("members") == 3


def test_nothing_was_recorded_before_the_first_night(lake: Lake) -> None:
    assert undo_unrecorded(lake) == []
    land(lake, 3)
    assert undo_unrecorded(lake) == ["members"]
    assert lake.row_count("members") == 0


def test_other_tables_are_never_undone(lake: Lake) -> None:
    record(lake, arrival("a"))
    lake.append("scores", pl.DataFrame({"member_id": ["x"]}))
    assert undo_unrecorded(lake) == []
    assert lake.row_count("scores") == 1


def test_a_ledger_that_noted_no_versions_undoes_nothing(lake: Lake) -> None:
    lake.replace(ARRIVALS, arrival("a"))
    land(lake, 3)
    assert undo_unrecorded(lake) == []
    assert lake.row_count("members") == 3
