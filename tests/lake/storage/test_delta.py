"""The lake replaces exactly the days it is told to, in one commit each."""

import tempfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.contracts import ADDED_COLUMNS, MEMBERS
from lake.errors import ConfigurationError
from lake.storage.delta import Lake

DAY_1 = date(2011, 8, 30)
DAY_2 = date(2011, 8, 31)
DAY_3 = date(2011, 9, 1)
SCHEMA = {"id": pl.String, "event_date": pl.Date, "amount": pl.Int64}


def rows(*cells: tuple[str, date, int | None]) -> pl.DataFrame:
    return pl.DataFrame(cells, schema=SCHEMA, orient="row")


TWO_DAYS = rows(("a", DAY_1, 1), ("b", DAY_1, None), ("c", DAY_2, 3))


@pytest.fixture(params=["lake", "a lake (1) é %, 100% & more"])
def lake(tmp_path: Path, request: pytest.FixtureRequest) -> Lake:
    return Lake(tmp_path / request.param)


def held(lake: Lake, table: str = "events") -> list[tuple[object, ...]]:
    return lake.scan(table).collect().sort("event_date", "id").rows()


def files(lake: Lake, table: str = "events") -> dict[str, set[str]]:
    """The data files of the newest version by their day's folder."""
    found: dict[str, set[str]] = {}
    for _, path in lake._files(table, None):
        found.setdefault(path.split("/")[0], set()).add(path)
    return found


def test_a_table_never_written_is_empty_and_has_no_version(lake: Lake) -> None:
    assert not lake.exists("events")
    assert lake.version("events") == -1
    assert lake.scan_or_empty("events", SCHEMA).collect().equals(rows())
    assert lake.days("events") == set()
    assert lake.row_count("events") == 0
    assert lake.rows_by_day("events").rows() == []
    assert lake.metadata("events") == {}
    assert not lake.root.exists()


def test_what_is_written_is_read_back_in_its_types(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    assert held(lake) == TWO_DAYS.rows()
    assert lake.scan("events").collect_schema() == pl.Schema(SCHEMA)
    assert lake.scan("events").filter(pl.col("event_date") == DAY_2).collect().rows() == [("c", DAY_2, 3)]
    assert lake.version("events") == 0


def test_the_log_tells_days_and_rows(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    assert lake.days("events") == {DAY_1, DAY_2}
    assert lake.row_count("events") == 3
    assert lake.rows_by_day("events").rows() == [(DAY_1, 2), (DAY_2, 1)]


def test_replacing_days_touches_only_those_days(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    before = files(lake)
    lake.replace_days("events", rows(("d", DAY_2, 4), ("e", DAY_3, 5)), days={DAY_2, DAY_3})
    after = files(lake)
    assert held(lake) == [("a", DAY_1, 1), ("b", DAY_1, None), ("d", DAY_2, 4), ("e", DAY_3, 5)]
    assert after[f"event_date={DAY_1}"] == before[f"event_date={DAY_1}"]
    assert after[f"event_date={DAY_2}"] != before[f"event_date={DAY_2}"]
    assert lake.version("events") == 1


def test_a_day_replaced_by_nothing_is_gone(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    lake.replace_days("events", rows(), days={DAY_1, DAY_3})
    assert held(lake) == [("c", DAY_2, 3)]
    lake.replace_days("events", rows(), days={DAY_2})
    assert held(lake) == []
    assert (lake.days("events"), lake.row_count("events"), lake.rows_by_day("events").height) == (set(), 0, 0)
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    assert held(lake) == TWO_DAYS.rows()


def test_no_days_change_nothing_but_make_the_table(lake: Lake) -> None:
    lake.replace_days("events", rows(), days=())
    assert (lake.exists("events"), lake.version("events"), held(lake)) == (True, 0, [])
    lake.replace_days("events", rows(), days=())
    assert lake.version("events") == 0


def test_rows_of_other_days_are_refused(lake: Lake) -> None:
    with pytest.raises(AssertionError, match="rows of days that are not being replaced"):
        lake.replace_days("events", TWO_DAYS, days={DAY_1})
    with pytest.raises(AssertionError, match="rows of days that are not being replaced"):
        lake.replace_days("events", rows(("a", None, 1)), days={DAY_1})  # type: ignore[arg-type]
    assert not lake.exists("events")


def test_the_day_may_be_in_any_column(lake: Lake) -> None:
    nights = TWO_DAYS.rename({"event_date": "as_of"})
    lake.replace_days("scores", nights, days={DAY_1, DAY_2}, column="as_of")
    lake.replace_days("scores", nights.head(1), days={DAY_1}, column="as_of")
    assert lake.days("scores", column="as_of") == {DAY_1, DAY_2}
    assert lake.row_count("scores") == 2


def test_replacing_a_table_replaces_all_of_it_and_its_columns(lake: Lake) -> None:
    lake.replace("members", pl.DataFrame({"id": ["a", "b"]}))
    lake.replace("members", pl.DataFrame({"id": ["c"], "since": [DAY_1]}))
    assert lake.scan("members").collect().rows() == [("c", DAY_1)]
    lake.replace("members", pl.DataFrame(schema={"id": pl.String, "since": pl.Date}))
    assert lake.row_count("members") == 0


def test_appending_adds(lake: Lake) -> None:
    lake.append("members", pl.DataFrame({"id": ["a"]}))
    lake.append("members", pl.DataFrame({"id": ["b"]}))
    assert sorted(lake.scan("members").collect()["id"]) == ["a", "b"]
    lake.append("members", pl.DataFrame(schema={"id": pl.String}))
    assert lake.version("members") == 1
    lake.append("others", pl.DataFrame(schema={"id": pl.String}))
    assert lake.exists("others")


def test_a_past_version_can_be_read(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    lake.replace_days("events", rows(), days={DAY_1})
    assert lake.scan("events", version=0).collect().height == 3
    assert lake.scan("events").collect().height == 1


def test_facts_are_kept_with_the_newest_commit_that_has_any(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    assert lake.metadata("events") == {}
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2}, metadata={"versions": {"orders": 3}, "night": DAY_1})
    lake.replace_days("events", rows(), days={DAY_1})
    assert lake.metadata("events") == {"versions": {"orders": 3}, "night": "2011-08-30"}
    lake.replace("members", pl.DataFrame({"id": ["a"]}), metadata={"n": 1})
    lake.append("members", pl.DataFrame({"id": ["b"]}), metadata={"n": 2})
    assert lake.metadata("members") == {"n": 2}


def test_the_days_that_changed_are_told_between_any_two_versions(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    lake.replace_days("events", rows(("d", DAY_2, 4)), days={DAY_2})
    lake.replace_days("events", rows(("e", DAY_3, 5)), days={DAY_1, DAY_3})
    changed = {since: lake.days_changed("events", since_version=since) for since in (-1, 0, 1, 2)}
    assert changed == {-1: {DAY_2, DAY_3}, 0: {DAY_1, DAY_2, DAY_3}, 1: {DAY_1, DAY_3}, 2: set()}


def test_every_day_changed_since_a_version_that_is_gone(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    assert lake.days_changed("events", since_version=99) == {DAY_1, DAY_2}


def test_later_commits_can_be_undone(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    lake.replace_days("events", rows(("d", DAY_3, 4)), days={DAY_1, DAY_3})
    assert lake.restore("events", version=0)
    assert held(lake) == TWO_DAYS.rows()
    assert lake.days_changed("events", since_version=0) == set()
    assert not lake.restore("events", version=0)
    assert lake.version("events") == 2


@pytest.mark.parametrize(("version", "facts"), [(0, {"order": ["a"]}), (-1, {})])
def test_what_an_undone_commit_noted_is_undone_with_it(lake: Lake, version: int, facts: dict[str, object]) -> None:
    lake.replace("members_parts", TWO_DAYS, metadata={"order": ["a"]})
    lake.replace("members_parts", TWO_DAYS.head(1), metadata={"order": ["b"]})
    assert lake.restore("members_parts", version=version)
    assert lake.metadata("members_parts") == facts


def test_a_table_can_be_undone_wholly(lake: Lake) -> None:
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    assert lake.restore("events", version=-1)
    assert (lake.exists("events"), held(lake)) == (True, [])
    assert not lake.restore("events", version=-1)
    lake.replace_days("events", TWO_DAYS, days={DAY_1, DAY_2})
    assert held(lake) == TWO_DAYS.rows()


@pytest.mark.parametrize("name", ["[old]", "a%20b", "x^", "a|b", "back\\slash"])
def test_a_folder_that_delta_lake_cannot_work_in_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="Delta Lake cannot keep tables in"):
        Lake(tmp_path / name / "lake")
    assert not list(tmp_path.iterdir())


def test_two_years_of_days_are_replaced_in_one_commit(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    days = [DAY_1 + timedelta(days=n) for n in range(700)]
    many = rows(*((str(n), day, n) for n, day in enumerate(days)))
    lake.replace_days("events", many, days=days)
    lake.replace_days("events", many.with_columns(amount=pl.col("amount") + 1), days=days)
    assert lake.version("events") == 1
    assert lake.row_count("events") == 700
    assert lake.scan("events").select(pl.col("amount").sum()).collect().item() == sum(range(700)) + 700


CELL = st.tuples(st.text("abß→𝄞", max_size=3), st.sampled_from([DAY_1, DAY_2, DAY_3]), st.none() | st.integers(0, 9))
LONG = "m" * 200


@given(st.lists(CELL, min_size=1, max_size=6), st.lists(st.text("abß→𝄞", max_size=3), max_size=3))
@settings(max_examples=25)
@example([(LONG + "b", DAY_1, 1), ("z", DAY_2, 1)], [LONG + "a", LONG + "c"])
def test_the_log_tells_which_columns_are_filled_and_never_misses_a_day_that_holds_a_key(
    cells: list[tuple[str, date, int | None]], keys: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, written = Lake(Path(folder)), rows(*cells)
        lake.replace_days("events", written, days={day for _, day, _ in cells})
        for until in (DAY_1, DAY_3, None):
            seen = written if until is None else written.filter(pl.col("event_date") <= until)
            filled = {name for name in ("id", "amount") if seen[name].is_not_null().any()}
            assert lake.filled_columns("events", until=until) == filled
        held_keys = [key for key, _, _ in cells]
        for wanted in (keys, held_keys):
            holding = {day for key, day, _ in cells if key in wanted}
            assert holding <= lake.days_that_may_hold("events", pl.Series(wanted, dtype=pl.String), column="id")


def test_days_whose_keys_lie_elsewhere_are_known_from_the_log(lake: Lake) -> None:
    lake.replace_days("events", rows(("e1", DAY_1, 1), ("e3", DAY_1, 1), ("e4", DAY_2, 1), ("e6", DAY_2, 1)), days={DAY_1, DAY_2})
    assert lake.days_that_may_hold("events", pl.Series(["e5", "e7"]), column="id") == {DAY_2}
    assert lake.days_that_may_hold("events", pl.Series(["e35"]), column="id") == set()


@pytest.mark.parametrize("missing", range(len(ADDED_COLUMNS["members"]) + 1))
def test_a_table_of_an_earlier_release_is_read_in_the_columns_of_today(tmp_path: Path, missing: int) -> None:
    lake, today = Lake(tmp_path), MEMBERS.landed_schema
    lacks = list(ADDED_COLUMNS["members"])[len(ADDED_COLUMNS["members"]) - missing :]
    stored = pl.DataFrame({"member_id": ["a"]}).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in today.items() if name != "member_id"
    )
    lake.replace("members", stored.select(list(today)).drop(lacks))
    read = lake.scan("members").collect()
    assert dict(read.schema) == today
    assert read.columns == list(today)
    assert read["member_id"].to_list() == ["a"]
