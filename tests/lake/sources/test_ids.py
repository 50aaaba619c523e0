"""What is no id becomes none, and an id that lost its digits is told."""

from typing import Any

import polars as pl
import pytest

from lake.contracts import CONTENT, EVENTS, MEMBERS, ORDERS
from lake.errors import DataError
from lake.sources.ids import is_id, read_ids, stop_where_many_are_rounded
from lake.sources.source_settings import NO_ID, SourceSettings


def ids(values: list[Any] | pl.Series, column: str = "member_id", **said: Any) -> tuple[list[Any], list[bool]]:
    found = values if isinstance(values, pl.Series) else pl.Series(values)
    source = SourceSettings.model_validate({"path": "x", **said})
    read, is_rounded = read_ids(found, found.to_frame("id"), "id", column=column, settings=source)
    return read.to_list(), is_rounded.to_list()


def test_keys_references_and_members_are_ids_and_nothing_else_is() -> None:
    assert [column for column in EVENTS.columns if is_id(EVENTS, column)] == [
        "event_id", "member_id", "content_id", "target_member_id",
    ]  # fmt: skip
    assert [column for column in MEMBERS.columns if is_id(MEMBERS, column)] == ["member_id", "referrer_id"]
    assert [column for column in CONTENT.columns if is_id(CONTENT, column)] == ["content_id", "author_id"]
    assert [column for column in ORDERS.columns if is_id(ORDERS, column)] == ["order_id", "member_id"]


def test_texts_that_stand_for_no_id_are_none_unless_the_source_says_what_means_nothing() -> None:
    written = [*NO_ID, " NULL ", "none", "Null", "ann"]
    kept = [None] * (len(NO_ID) + 1) + ["none", "Null", "ann"]
    assert ids(written)[0] == ids(written, "event_id")[0] == kept
    assert ids(written, null_values=[])[0] == ids(written, null_values=["x"])[0] == written


def test_zero_is_no_member_and_may_be_a_record() -> None:
    for column in ("member_id", "target_member_id", "author_id", "referrer_id"):
        assert ids(["0", "00", "10"], column)[0] == [None, "00", "10"]
    assert ids([0, 10])[0] == ids([0.0, 10.0])[0] == [None, 10]
    assert ids(["0"], "event_id")[0] == ids(["0"], "content_id")[0] == ids(["0"], null_values=[])[0] == ["0"]


@pytest.mark.parametrize("text", ["8.76543E+17", "8,76543E+17", "8.76543e+17", "9E+17", " 8.7E+17"])
def test_a_text_as_a_spreadsheet_writes_long_numbers_is_rounded(text: str) -> None:
    assert ids([text, "ann", None]) == ([None, "ann", None], [True, False, False])
    assert ids([text], null_values=[])[1] == [True]


@pytest.mark.parametrize("text", ["1e5", "12E7", "1e12345", "876543210123456789", "8.5", "E+17", "x8.7E+17"])
def test_other_texts_of_digits_and_letters_are_ids(text: str) -> None:
    assert ids([text]) == ([text], [False])


def test_a_float_that_cannot_tell_a_number_from_the_next_is_rounded() -> None:
    assert ids([2.0**53, 2.0**53 - 1, -(2.0**53), float("nan"), None])[1] == [True, False, True, False, False]
    assert ids(pl.Series([2**24, 2**24 - 1], dtype=pl.Float32))[1] == [True, False]
    assert ids([2**60])[1] == [False]


def test_an_expression_does_not_hide_a_rounded_float() -> None:
    rows = pl.DataFrame({"id": [2.0**60, 7.0]})
    source = SourceSettings(path="x")
    written = pl.Series([str(2**60), "7"])
    read, is_rounded = read_ids(written, rows, "CAST(id AS VARCHAR)", column="member_id", settings=source)
    assert (read.to_list(), is_rounded.to_list()) == ([None, "7"], [True, False])


def test_more_than_one_in_a_hundred_stops_and_one_alone_does_not() -> None:
    stop_where_many_are_rounded({"member_id": 1, "event_id": 0}, rows=1, name="events")
    stop_where_many_are_rounded({"member_id": 10}, rows=1_000, name="events")
    for count, rows in ((2, 2), (11, 1_000)):
        with pytest.raises(DataError, match=rf"events \(x\), column member_id: {count} of {rows:,} ids were rounded") as error:
            stop_where_many_are_rounded({"member_id": count}, rows=rows, name="events (x)")
        assert error.value.exit_code == 3


def test_long_ids_that_javascript_rounded_are_told() -> None:
    exact = [738529527931269425 + 7_919_113 * number for number in range(20)]
    rounded = [round(number, -2) for number in exact]
    assert sum(number % 1000 == 0 for number in rounded) < 10
    for written in (rounded, list(map(str, rounded))):
        assert ids(written) == ([None] * 20, [True] * 20)
    nanoseconds = [1_706_693_400_000_000_000 + 1_000 * number for number in range(20)]
    for written in (exact, nanoseconds, rounded[:4]):
        assert ids(written) == (written, [False] * len(written))
