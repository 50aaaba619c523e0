"""Every id ever seen has one number, and keeps it."""

from pathlib import Path

import polars as pl
import pytest

from lake.contracts import TABLES_OF_MEMBERS
from lake.member_index import number_new_members, scan_member_index
from lake.storage.delta import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def ids(**columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def index(lake: Lake) -> dict[str, int]:
    frame = scan_member_index(lake).collect()
    assert frame.schema == {"member_no": pl.Int32, "member_id": pl.String}
    assert frame["member_no"].is_unique().all()
    return {member_id: number for number, member_id in frame.sort("member_no").iter_rows()}


def test_an_index_never_written_is_empty(lake: Lake) -> None:
    assert index(lake) == {}


def test_new_ids_are_numbered_in_their_order(lake: Lake) -> None:
    assert number_new_members(lake, {"orders": ids(member_id=["b", "a", "b", None])}) == 2
    assert index(lake) == {"a": 1, "b": 2}


def test_a_known_id_keeps_its_number(lake: Lake) -> None:
    number_new_members(lake, {"orders": ids(member_id=["m", "z"])})
    assert number_new_members(lake, {"orders": ids(member_id=["a", "m"])}) == 1
    assert index(lake) == {"m": 1, "z": 2, "a": 3}


def test_numbering_again_after_a_crash_changes_nothing(lake: Lake) -> None:
    arrived = {"orders": ids(member_id=["m", "z"])}
    number_new_members(lake, arrived)
    version = lake.version("member_index")
    assert number_new_members(lake, arrived) == 0
    assert lake.version("member_index") == version


def test_ids_of_every_table_and_role_are_numbered(lake: Lake) -> None:
    arrived = {
        "members": ids(member_id=["a"], referrer_id=["b"]),
        "content": ids(author_id=["c"], content_id=["no member"]),
        "events": ids(member_id=["d"], target_member_id=["e"]),
        "orders": ids(member_id=["f"]),
        "contacts": ids(member_id=["g"]),
        "feedback": ids(member_id=["h"]),
    }
    assert set(arrived) == set(TABLES_OF_MEMBERS)
    assert number_new_members(lake, arrived) == 8
    assert index(lake) == {member_id: number for number, member_id in enumerate("abcdefgh", start=1)}


def test_nothing_that_arrived_numbers_nobody(lake: Lake) -> None:
    assert number_new_members(lake, {}) == 0
    assert number_new_members(lake, {"orders": ids(member_id=[])}) == 0
    assert index(lake) == {}
