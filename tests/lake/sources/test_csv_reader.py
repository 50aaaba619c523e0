"""CSV is read as Python reads it, with any header and any lines around the data, or refused."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.errors import DataError
from tests.lake.sources.reading import read


def test_quoted_fields_may_hold_newlines_separators_and_quotes() -> None:
    assert read('a,b\n"x\ny","1,5"\n"say ""hi""",2\n').rows() == [("x\ny", "1,5"), ('say "hi"', "2")]


def test_a_quote_that_opens_no_field_is_a_character() -> None:
    assert read('a,b\n1,5" pipe\n2,y"\n').rows() == [("1", '5" pipe'), ("2", 'y"')]


def test_a_quote_inside_an_unquoted_field_may_stand_beside_a_quoted_field() -> None:
    assert read('a,b\n1,5" pipe\n2,"x, ""y"""\n').rows() == [("1", '5" pipe'), ("2", 'x, "y"')]


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        ("a,b\n1,2,\n3,4,\n", {}),
        ("a,b\r\n1,2,\r\n3,4,\r\n", {}),
        ("a,b,\n1,2\n3,4", {}),
        ('a,b\n1,2,\n"3",4,\n', {}),
        ("1,2,\n3,4,\n", {"column_names": ["a", "b"]}),
        ("Report of May\n\na,b\n1,2\n3,4\nTotal,6\n\n", {"skip_rows": 2, "skip_footer": 1}),
        ('no "quotes\na,b\n1,2\n3,4\n', {"skip_rows": 1}),
        ("1,2\n3,4\n", {"column_names": ["a", "b"]}),
        ("x\n1,2\n3,4\n", {"column_names": ["a", "b"], "header": True}),
        ("\nx,y\n1,2\n3,4\n", {"column_names": ["a", "b"], "header": True}),
        (" 1  2\n3 4", {"column_names": ["a", "b"], "separator": "whitespace"}),
    ],
)
def test_lines_around_the_data_and_the_header_may_be_of_any_kind(content: str, settings: dict[str, Any]) -> None:
    rows = read(content, **settings)
    assert (rows.columns, rows.rows()) == (["a", "b"], [("1", "2"), ("3", "4")])


def test_without_a_header_no_record_is_lost_and_columns_are_numbered() -> None:
    rows = read("1,2\n3,4\n", header=False)
    assert (rows.columns, rows.rows()) == (["column_1", "column_2"], [("1", "2"), ("3", "4")])
    ragged = read("1\n3,4\n", header=False)
    assert (ragged.columns, ragged.rows()) == (["column_1", "column_2"], [("1", None), ("3", "4")])


def test_a_last_column_without_a_name_stays_where_it_has_values() -> None:
    assert read("a,b,\n1,2,\n3,4,x\n").rows() == [("1", "2", None), ("3", "4", "x")]


def test_whitespace_columns_may_hold_commas_and_quotes() -> None:
    assert read('id  name\n1   O"Hara,J\n', separator="whitespace").rows() == [("1", 'O"Hara,J')]


def test_empty_lines_are_no_records() -> None:
    assert read("a,b\n1,2\n\n,\n3,4\n\n").rows() == [("1", "2"), ("3", "4")]
    assert read("a\n1\n\n3\n").rows() == [("1",), ("3",)]


def test_a_short_line_lacks_its_last_values() -> None:
    assert read("a,b,c\n1\n4,5,6\n").rows() == [("1", None, None), ("4", "5", "6")]


def test_a_column_named_twice_is_there_twice() -> None:
    assert read("a,a,b\n1,2,3\n").columns == ["a", "a_duplicated_0", "b"]


@pytest.mark.parametrize("end", ["4,", '4,""', "4,5", "4,\n", "4\n"])
def test_a_last_line_that_is_whole_is_not_taken_for_cut(end: str) -> None:
    assert read("a,b\n1,2\n" + end).height == 2


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]), st.sampled_from(",;\t|"))
@settings(max_examples=100, deadline=None)
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, ...]], end: str, separator: str) -> None:
    if end == "\n":
        # Before Python 3.13 the writer puts no quotes around a lone carriage return here, and so ends the line with it.
        rows = [tuple(cell.replace("\r", "\n") for cell in row) for row in rows]
    file = io.StringIO()
    csv.writer(file, lineterminator=end, delimiter=separator).writerows([("a", "b", "c"), *rows, ("z", "z", "z")])
    kept = [tuple(cell or None for cell in row) for row in rows if any(row)]
    assert read(file.getvalue(), separator=separator).rows() == [*kept, ("z", "z", "z")]


LAYOUTS = st.fixed_dictionaries(
    {
        "header": st.booleans(),
        "column_names": st.sampled_from([None, ["x", "y", "z"]]),
        "skip_rows": st.integers(0, 2),
        "skip_footer": st.integers(0, 2),
    }
)


@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5), LAYOUTS, st.sampled_from(",;\t"), st.booleans(), st.booleans()
)
@settings(max_examples=100, deadline=None)
def test_what_a_csv_writer_writes_is_read_back_in_every_layout(
    rows: list[tuple[str, ...]], layout: dict[str, Any], separator: str, end: bool, every: bool
) -> None:
    file = io.StringIO()
    file.write('a title, with a "quote\r\n' * layout["skip_rows"])
    data = [*rows, ("z", "z", "z")]
    quoting = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    lines = [("a", "b", "c"), *data] if layout["header"] else data
    # A separator behind the last field makes an empty one.
    csv.writer(file, delimiter=separator, quoting=quoting).writerows([*line, ""] if end else line for line in lines)
    file.write('Total, "9\r\n' * layout["skip_footer"])
    named = {"column_names": layout["column_names"]} if layout["column_names"] else {}
    found = read(
        file.getvalue(), separator=separator, **{key: layout[key] for key in ("header", "skip_rows", "skip_footer")}, **named
    )
    expected = [tuple(cell or None for cell in row) for row in data if any(row)]
    names = layout["column_names"] or (["a", "b", "c"] if layout["header"] else ["column_1", "column_2", "column_3"])
    assert found.columns[:3] == names
    assert found.select(names).rows() == expected
    assert all(found[name].is_null().all() for name in found.columns[3:])


@given(st.lists(st.sampled_from(["a", "7", " ", '"', '""', '"x"', ",", ",", "\n", "\r\n", '","']), max_size=25).map("".join))
@settings(max_examples=300, deadline=None)
def test_a_csv_is_read_as_pythons_reader_does_or_refused(body: str) -> None:
    text = f"h,k\n{body}"
    try:
        found = read(text).rows()
    except DataError:
        return
    records = [fields for fields in csv.reader(io.StringIO(text, newline=""), strict=True) if fields][1:]
    padded = [tuple(cell or None for cell in (*fields, "", "")[:2]) for fields in records]
    assert found == [row for row in padded if any(row)]


def test_a_header_that_comes_again_is_no_record() -> None:
    assert read("a,b\n1,2\na,b\n3,4\na,4\n").rows() == [("1", "2"), ("3", "4"), ("a", "4")]
    assert read("a,a\n1,2\na,a\n").rows() == [("1", "2")]
    assert read("a\n1\na\n").rows() == [("1",), ("a",)]
    assert read("a,b\n1,2\na,b\n", header=False).height == 3
