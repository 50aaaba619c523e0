"""A mapped column is cast to its contract type, and every value that does not fit is told."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.sources.casting import as_number, as_text, cast_to, numeric_reading, without_blanks
from lake.sources.source_settings import SourceSettings


def cast(values: pl.Series | list[object], dtype: pl.DataType, **said: object) -> tuple[list[object], list[bool]]:
    column = values if isinstance(values, pl.Series) else pl.Series("mapped", values)
    typed, fails = cast_to(
        column.alias("mapped"), dtype, timezone="UTC", settings=SourceSettings.model_validate({"path": "x", **said})
    )
    assert typed.name == "mapped"
    return typed.to_list(), fails.to_list()


def test_ids_that_travelled_as_floats_lose_their_point() -> None:
    assert cast([12345.0, None, 7.5], pl.String()) == (["12345", None, "7.5"], [False] * 3)


def test_ids_that_travelled_as_decimals_lose_their_point() -> None:
    assert as_text(pl.Series([Decimal("12.00"), None])).to_list() == ["12", None]
    assert as_text(pl.Series([Decimal("12.50"), Decimal(100)])).to_list() == ["12.50", "100"]


def test_leading_zeros_of_text_stay() -> None:
    assert cast(["007", " 008 ", None], pl.String()) == (["007", "008", None], [False] * 3)


def test_large_whole_numbers_keep_all_their_digits() -> None:
    assert cast([2**62 + 1, None], pl.String())[0] == [str(2**62 + 1), None]
    assert cast(pl.Series([2**64 - 1], dtype=pl.UInt64), pl.String())[0] == [str(2**64 - 1)]


def test_blank_text_and_nan_are_missing_in_every_type() -> None:
    for dtype in (pl.String(), pl.Float64(), pl.Int32(), pl.Boolean(), pl.Datetime("us", "UTC")):
        assert cast(["", "  \t", None], dtype) == ([None] * 3, [False] * 3)
    for dtype in (pl.String(), pl.Float64(), pl.Int32(), pl.Boolean()):
        assert cast([float("nan"), None], dtype) == ([None, None], [False, False])
    assert without_blanks(pl.Series([" ", "a"])).to_list() == [None, "a"]


def test_text_in_a_number_fails_alone() -> None:
    assert cast([" 12.5 ", "abc", "1e3", None], pl.Float64()) == ([12.5, None, 1000.0, None], [False, True, False, False])


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1,5", "£5", "1_000", "0x10", "5%", "٣"])
def test_text_that_is_not_a_finite_number_fails(text: str) -> None:
    assert cast([text], pl.Float64()) == ([None], [True])


def test_an_infinite_float_fails() -> None:
    assert cast([float("inf"), 1.0], pl.Float64()) == ([None, 1.0], [True, False])


def test_a_whole_number_may_be_written_as_a_float() -> None:
    years = ["1985", "1985.0", "1985.5", "3e10", "young", None]
    assert cast(years, pl.Int32()) == ([1985, 1985, None, None, None, None], [False, False, True, True, True, False])


def test_yes_and_no_are_read_in_the_usual_words() -> None:
    words = ["true", "False", "YES", "no", " t ", "0", "1.0", "perhaps", "2", None]
    expected = [True, False, True, False, True, False, True, None, None, None]
    assert cast(words, pl.Boolean()) == (expected, [False] * 7 + [True, True, False])
    assert cast([1, 0, 2, None], pl.Boolean()) == ([True, False, None, None], [False, False, True, False])
    assert cast([1.0, 0.0, None], pl.Boolean()) == ([True, False, None], [False] * 3)
    assert cast([True, None], pl.Boolean()) == ([True, None], [False, False])


def test_own_words_for_yes_and_no_take_the_place_of_the_usual_ones() -> None:
    words = ["Ja", " NEIN ", "1", "true", None]
    assert cast(words, pl.Boolean(), yes=["ja"], no=["nein"]) == (
        [True, False, None, None, None],
        [False] * 2 + [True] * 2 + [False],
    )
    assert cast([1.0, 2.0], pl.Boolean(), yes=["2"], no=["1"]) == ([False, True], [False] * 2)
    assert cast([True, False], pl.Boolean(), yes=["ja"], no=["nein"]) == ([True, False], [False] * 2)


def test_text_with_a_nul_does_not_cast() -> None:
    assert cast(["a\x00b", "ab", None], pl.String()) == ([None, "ab", None], [True, False, False])
    assert cast([["a\x00"]], pl.String()) == (['["a\\u0000"]'], [False])


def test_a_time_that_cannot_be_read_fails() -> None:
    typed, fails = cast(["2011-08-31", "2011-02-30", None], pl.Datetime("us", "UTC"))
    assert fails == [False, True, False]
    assert typed[1:] == [None, None]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([date(2011, 8, 31), None]),
        pl.Series([timedelta(hours=1), None]),
        pl.Series([[1, 2], None]),
        pl.Series([{"a": 1}, None]),
        pl.Series([b"12", None]),
        pl.Series([object(), None], dtype=pl.Object),
    ],
)
def test_what_can_be_no_number_fails_without_a_crash(values: pl.Series) -> None:
    assert cast(values, pl.Float64()) == ([None, None], [True, False])


def test_lists_and_structs_are_written_as_json() -> None:
    assert as_text(pl.Series([["a", None], None])).to_list() == ['["a", null]', None]
    assert as_text(pl.Series([{"who": "é", "day": date(2011, 8, 31)}])).to_list() == ['{"who": "é", "day": "2011-08-31"}']


def test_bytes_are_text_where_they_can_be() -> None:
    assert as_text(pl.Series([b"ann", None])).to_list() == ["ann", None]
    assert as_text(pl.Series([b"\xff\x00", None])).to_list() == ["ff00", None]


def test_bytes_that_are_no_text_do_not_change_how_their_neighbours_are_written() -> None:
    assert as_text(pl.Series([b"abc", b"\xff", None, "é".encode(), b"a\x00"])).to_list() == ["abc", "ff", None, "é", "6100"]


def test_objects_are_written_as_they_call_themselves() -> None:
    assert as_text(pl.Series([Decimal("NaN"), None], dtype=pl.Object)).to_list() == ["NaN", None]


def test_written_times_read_back_the_same() -> None:
    moment = datetime(2011, 8, 31, 12, 0, 0, 250_000, tzinfo=UTC).replace(tzinfo=None)
    for column in (pl.Series([moment]), pl.Series([moment]).dt.replace_time_zone("Asia/Kolkata"), pl.Series([moment.date()])):
        once = cast(column, pl.Datetime("us", "UTC"))[0]
        assert cast(as_text(column), pl.Datetime("us", "UTC"))[0] == once


@given(st.lists(st.none() | st.floats(allow_nan=False), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_written_numbers_read_back_the_same(numbers: list[float | None]) -> None:
    column = pl.Series("x", numbers, dtype=pl.Float64)
    assert as_number(as_text(column)).to_list() == as_number(column).to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (["1", "2", None, " "], [1, 2, None, None]),
        (["1.5", " 2 ", None], [1.5, 2.0, None]),
        (["1", "2", "3", "4", "x"], [1, 2, 3, 4, None]),
        (["1", "x"], [1, None]),
        (["x", "y", None], None),
        (["1", "2", "x", "y"], None),
        (["007", "8"], None),
        (["-01"], None),
        (["0", "0.5", "-0.5"], [0.0, 0.5, -0.5]),
        ([None, ""], [None, None]),
        ([str(2**62 + 1)], [2**62 + 1]),
    ],
)
def test_a_text_column_is_numeric_when_nearly_all_of_it_is_and_no_code(
    text: list[str | None], expected: list[float | None] | None
) -> None:
    reading = numeric_reading(pl.Series(text, dtype=pl.String))
    assert (None if reading is None else reading.to_list()) == expected


def test_what_is_around_a_text_and_not_seen_is_no_part_of_it() -> None:
    written = ["\ufeffm1", "\u200em1\u200b", "\u202a m1\u202c", "\x1fm1", '="m1"', "m\u200d1", '="', "\u200b", "\u00a0"]
    read = ["m1"] * 5 + ["m\u200d1", '="', None, None]
    assert cast(written, pl.String()) == (read, [False] * 9)
