"""Bad rows are kept until they are repaired or a newer file shows that they were."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake.quarantine import (
    OPEN,
    READMITTED,
    SCHEMA,
    SUPERSEDED,
    add,
    read_quarantine,
    set_status,
    supersede,
    supersede_repeated,
    write_quarantine,
)
from lake.storage.delta import Lake

NOW = datetime(2011, 9, 1, 2, 30, tzinfo=UTC)


def bad(arrival: str, *row_nos: int, path: str = "a.csv", source: str = "orders", status: str = OPEN) -> pl.DataFrame:
    cells = [
        {
            "quarantine_id": f"{arrival}-{row_no}", "arrival_id": arrival, "table": "orders", "source": source, "path": path,
            "row_no": row_no, "rules": ["amount_is_a_number"], "values": '{"amount":null}', "as_of": date(2011, 8, 31),
            "quarantined_at": NOW, "status": status,
        }
        for row_no in row_nos
    ]  # fmt: skip
    return pl.DataFrame(cells, schema=dict(SCHEMA))


def arrivals(*cells: tuple[str, str], source: str = "orders") -> pl.DataFrame:
    rows = [("orders", source, path, arrival) for arrival, path in cells]
    return pl.DataFrame(rows, schema=["table", "source", "path", "arrival_id"], orient="row")


def statuses(quarantine: pl.DataFrame) -> dict[str, str]:
    assert quarantine.schema == SCHEMA
    assert quarantine["quarantine_id"].is_unique().all()
    return dict(quarantine.sort("quarantine_id").select("quarantine_id", "status").iter_rows())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def test_a_quarantine_never_written_is_empty(lake: Lake) -> None:
    assert read_quarantine(lake).equals(pl.DataFrame(schema=dict(SCHEMA)))


def test_what_is_written_is_read_back_in_order(lake: Lake) -> None:
    rows = pl.concat([bad("b", 1), bad("a", 2, 1)])
    write_quarantine(lake, rows.select(reversed(rows.columns)))
    assert read_quarantine(lake).equals(pl.concat([bad("a", 1, 2), bad("b", 1)]))


def test_tonights_rows_are_added() -> None:
    assert statuses(add(bad("a", 1), bad("b", 1, 2))) == {"a-1": OPEN, "b-1": OPEN, "b-2": OPEN}


def test_adding_the_same_arrival_twice_adds_nothing() -> None:
    once = add(bad("a", 1), bad("b", 1, 2))
    assert add(once, bad("b", 1, 2)).equals(once)
    assert add(once, bad("c")).equals(once)


def test_a_newer_file_closes_the_open_rows_of_the_older() -> None:
    both = add(bad("old", 1, 2), bad("new", 1))
    closed = supersede(both, arrivals(("new", "a.csv")))
    assert statuses(closed) == {"old-1": SUPERSEDED, "old-2": SUPERSEDED, "new-1": OPEN}
    assert statuses(supersede(closed, arrivals(("new", "a.csv")))) == statuses(closed)


def test_only_the_same_file_of_the_same_source_is_closed() -> None:
    quarantine = pl.concat([bad("a", 1), bad("b", 1, path="b.csv"), bad("c", 1, source="orders[2]")])
    closed = supersede(quarantine, arrivals(("new", "b.csv"), ("other", "c.csv")))
    assert statuses(closed) == {"a-1": OPEN, "b-1": SUPERSEDED, "c-1": OPEN}


def test_rows_that_were_readmitted_stay_so() -> None:
    quarantine = pl.concat([bad("old", 1, status=READMITTED), bad("old", 2)])
    assert statuses(supersede(quarantine, arrivals(("new", "a.csv")))) == {"old-1": READMITTED, "old-2": SUPERSEDED}


def test_the_last_of_two_versions_in_one_night_counts() -> None:
    both = add(bad("first", 1), bad("second", 1))
    closed = supersede(both, arrivals(("first", "a.csv"), ("second", "a.csv")))
    assert statuses(closed) == {"first-1": SUPERSEDED, "second-1": OPEN}


def test_the_status_of_chosen_rows_is_changed() -> None:
    changed = set_status(bad("a", 1, 2, 3), pl.Series(["a-1", "a-3"]), READMITTED)
    assert statuses(changed) == {"a-1": READMITTED, "a-2": OPEN, "a-3": READMITTED}
    assert set_status(changed, pl.Series(["a-1", "a-3"]), READMITTED).equals(changed)
    assert set_status(changed, pl.Series([], dtype=pl.String), OPEN).equals(changed)


def test_a_query_closes_only_the_open_rows_that_it_gave_again() -> None:
    earlier, let_in = bad("old", 1), bad("older", 2, status=READMITTED)
    otherwise = bad("old", 3).with_columns(values=pl.lit('{"amount":"x"}'))
    held = pl.concat([earlier, let_in, otherwise, bad("new", 1)])
    closed = statuses(supersede_repeated(held, arrivals(("new", "a.csv"))))
    assert closed == {"old-1": SUPERSEDED, "older-2": READMITTED, "old-3": OPEN, "new-1": OPEN}
