"""An export's bytes are read as they are written, and what cannot be read is told."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.errors import ConfigurationError, DataError
from lake.readers import read_export
from lake.source_settings import FileFormat, SourceSettings

NAME = "orders (landing/x)"
TEN_O_CLOCK = datetime(2011, 8, 31, 10, tzinfo=UTC).replace(tzinfo=None)
Cells = list[list[Any]]


def read(content: bytes | str, file_format: FileFormat = "csv", **settings: Any) -> pl.DataFrame:
    source = SourceSettings.model_validate({"path": "x", **settings})
    raw = content if isinstance(content, bytes) else content.encode()
    return read_export(raw, name=NAME, file_format=file_format, settings=source)


def excel(**sheets: Cells) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd hh:mm"}) as workbook:
        for title, rows in sheets.items():
            sheet = workbook.add_worksheet(title)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return file.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def test_csv_is_all_text() -> None:
    rows = read("id,amount,note\n007,1.50,\n8,x,hello\n")
    assert rows.columns == ["id", "amount", "note"]
    assert rows.rows() == [("007", "1.50", None), ("8", "x", "hello")]


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (gzip.compress("a,b\né,1\n".encode(), mtime=0), {}),
        ("\ufeffa,b\né,1\n".encode(), {}),
        (gzip.compress("\ufeffa,b\né,1\n".encode(), mtime=0), {"encoding": "UTF-8"}),
        ("a,b\né,1\n".encode("latin-1"), {"encoding": "latin-1"}),
        ("a,b\né,1\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("a,b\né,1\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("\ufeffa,b\né,1\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
        ("a\tb\né\t1\n", {"separator": "\t"}),
        ("a;b\né;1\n", {"separator": ";"}),
        ("a,b\r\né,1\r\n", {}),
        ("a,b\ré,1\r", {}),
        ("a,b\né,1", {}),
        ("\n\na,b\né,1\n\n\n", {}),
        ('"a","b"\n"é","1"\n', {}),
        ("a  b\n é   1 \n\n", {"separator": "whitespace"}),
        ("a\tb\r\né\t \t1\r\n", {"separator": "whitespace"}),
    ],
)
def test_csv_is_read_in_every_dress(content: bytes | str, settings: dict[str, Any]) -> None:
    rows = read(content, **settings)
    assert (rows.columns, rows.rows()) == (["a", "b"], [("é", "1")])


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


def test_texts_that_mean_nothing_are_null_in_every_column() -> None:
    assert read("a,b\nN/A,-\n -1 ,n/a\n", null_values=["N/A", "-1"]).rows() == [(None, "-"), (None, "n/a")]
    assert read("a,b\nNULL,-\n").rows() == [("NULL", "-")]
    assert read('{"a": -1, "b": [1]}', "jsonl", null_values=["-1", "1"]).rows() == [(None, [1])]


def test_decimal_commas_are_read_where_a_number_is_computed_and_nowhere_else() -> None:
    columns = {"amount": "price * n", "order_id": "id", "kind": "CASE WHEN size > 1 THEN 'big' ELSE note END"}
    content = "id;price;n;size;note\n1.234;1.234,50;1.000;2,5;1,5\n1.235;-,5;2;0,5;x\n1.236;1.5;;;\n"
    rows = read(content, separator=";", decimal=",", thousands=".", columns=columns)
    assert rows.rows() == [
        ("1.234", "1234.50", "1000", "2.5", "1,5"),
        ("1.235", "-.5", "2", "0.5", "x"),
        ("1.236", "1.5 (decimal mark is ,)", None, None, None),
    ]


@pytest.mark.parametrize(
    ("written", "thousands"),
    [("1 234,5", " "), ("1\u00a0234,5", " "), ("1\u202f234,5", " "), ("1'234,5", "'"), ("1\u2019234,5", "'")],
)
def test_thousands_may_be_set_apart_by_any_blank_or_apostrophe(written: str, thousands: str) -> None:
    assert read(f"amount;n\n{written};1\n", separator=";", decimal=",", thousands=thousands)["amount"].item() == "1234.5"


def test_whitespace_columns_may_hold_commas_and_quotes() -> None:
    assert read('id  name\n1   O"Hara,J\n', separator="whitespace").rows() == [("1", 'O"Hara,J')]


def test_empty_lines_are_no_records() -> None:
    assert read("a,b\n1,2\n\n,\n3,4\n\n").rows() == [("1", "2"), ("3", "4")]
    assert read("a\n1\n\n3\n").rows() == [("1",), ("3",)]


def test_a_short_line_lacks_its_last_values() -> None:
    assert read("a,b,c\n1\n4,5,6\n").rows() == [("1", None, None), ("4", "5", "6")]


def test_a_column_named_twice_is_there_twice() -> None:
    assert read("a,a,b\n1,2,3\n").columns == ["a", "a_duplicated_0", "b"]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"  ", b"a,b\n", b"a,b", b"a,b\n,\n\n", gzip.compress(b"", mtime=0), "\ufeff".encode()]
)
def test_a_csv_without_records_is_no_rows(content: bytes) -> None:
    assert read(content).height == 0


@pytest.mark.parametrize(
    ("content", "settings", "complaint"),
    [
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], {}, "csv in utf-8"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-1] + b"x", {}, "csv in utf-8"),
        (b"\x1f\x8bnot gzip", {}, "csv in utf-8"),
        ("a,b\né,1\n".encode("latin-1"), {}, "csv in utf-8: 'utf-8' codec can't decode"),
        ("a,b\né,1\n".encode("utf-16"), {}, "csv in utf-8"),
        ("a,b\nx,1\n".encode("utf-16-le"), {}, "NUL bytes"),
        (b"a,b\nx\x00,1\n", {}, "NUL bytes"),
        (b"a,b\n1,22\n", {"encoding": "utf-16"}, "csv in utf-16"),
        (b"a,b\n1,2,3\n4,5\n", {}, "line 2 has 3 fields, the header 2"),
        (b'a,b\n1,"x\n2,y\n3,z\n', {}, "csv in utf-8"),
        (b"a,b,c\n1,2,3\n4,5", {}, "ends in the middle of a line"),
        (b'a,b\n1,2\n2,"cut of', {}, "line 3: a quoted field is not closed"),
        (b'a,b\n1,2\n2,"', {}, "line 3: a quoted field is not closed"),
        (b'a,b\n1,"say ""\n', {}, "a quoted field is not closed"),
        (b'a,b\n1,"x"y\n2,"z"\n', {}, "line 2: a quote stands inside a quoted field; write it twice"),
        (b'a,b\n1,"x"y"z"\n', {}, "line 2: a quote stands inside a quoted field"),
        (b"a,b\n1,2,\n3,4\n", {}, "line 2 has 3 fields, the header 2"),
        (b"t\na,b\n1,2\n3,4,5\n", {"skip_rows": 1}, "line 4 has 3 fields, the header 2"),
        (b"1,2\n3,4,5\n", {"column_names": ["a", "b"]}, "line 2 has 3 fields, `column_names` 2"),
        (b"PK\x03\x04", {}, "this is a zip archive; archives come with a later release"),
    ],
)
def test_a_csv_that_is_cut_or_not_text_is_told(content: bytes, settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint) as error:
        read(content, **settings)
    assert str(error.value).startswith(NAME)
    assert "Nothing of it landed" in error.value.remedy


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


def test_json_lines_keep_their_types() -> None:
    lines = [{"id": 1, "at": "2011-08-31", "ok": True}, {"id": 2, "x": 1.5}]
    rows = read("\n".join(map(json.dumps, lines)) + "\n\n", "jsonl")
    assert rows.to_dicts() == [
        {"id": 1, "at": "2011-08-31", "ok": True, "x": None},
        {"id": 2, "at": None, "ok": None, "x": 1.5},
    ]


def test_json_lines_with_a_value_only_at_the_end_keep_it() -> None:
    rows = read('{"a": null}\n' * 3000 + '{"a": "z", "b": 5}\n', "jsonl")
    assert rows.height == 3001
    assert rows.row(-1) == ("z", 5)


def test_json_lines_of_mixed_types_become_text() -> None:
    rows = read('{"a": 1, "b": 1}\n{"a": "x", "b": 2.5}\n{"a": true, "b": null}\n', "jsonl")
    assert rows.to_dicts() == [{"a": "1", "b": 1.0}, {"a": "x", "b": 2.5}, {"a": "true", "b": None}]


def test_json_lines_may_be_compressed_or_in_another_encoding() -> None:
    assert read(gzip.compress(b'{"a": "x"}\n'), "jsonl").rows() == [("x",)]
    assert read('{"a": "é"}\n'.encode("utf-16"), "jsonl", encoding="utf-16").rows() == [("é",)]


def test_a_key_of_no_one_type_becomes_text_and_spoils_no_other() -> None:
    rows = read('{"id": 1, "x": [], "v": 1}\n{"id": 2, "x": {"é": 1}, "v": 2.5}\n\n{"id": 3, "x": "t"}\n', "jsonl")
    assert rows.to_dicts() == [
        {"id": 1, "x": "[]", "v": 1.0},
        {"id": 2, "x": '{"é": 1}', "v": 2.5},
        {"id": 3, "x": "t", "v": None},
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"a": 1}\n{"a":', "line 2 is not JSON"),
        ("hello\n", "line 1 is not JSON"),
        ("1\n2\n", "line 1 is not a JSON object"),
        ('{"a": 1}{"a": 2}\n', "line 1 is not JSON: Extra data"),
        ('{"a": 1} x\n', "line 1 is not JSON"),
        ('[{"a": 1}]', r"this is a JSON document, .* later release.*jq -c '\.\[\]' FILE"),
        ('[\n{"a": 1},\n{"a": 2}\n]\n', "this is a JSON document"),
        ('{\n"rows": [{"a": 1}]\n}\n', "this is a JSON document"),
    ],
)
def test_broken_json_lines_are_told(content: str, complaint: str) -> None:
    with pytest.raises(DataError, match=f"cannot be read as jsonl in utf-8: {complaint}"):
        read(content, "jsonl")


def test_parquet_keeps_its_types() -> None:
    frame = pl.DataFrame({"id": [1, None], "at": [datetime(2011, 8, 31, tzinfo=UTC), None], "tags": [["a"], None]})
    assert read(parquet(frame), "parquet").equals(frame)


def test_a_parquet_cut_anywhere_is_told() -> None:
    content = parquet(pl.DataFrame({"a": range(1000), "b": ["x"] * 1000}))
    for length in (1, 4, 12, len(content) // 2, len(content) - 8, len(content) - 1):
        with pytest.raises(DataError, match="cannot be read as parquet: "):
            read(content[:length], "parquet")


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet", "xlsx"])
def test_an_empty_file_of_any_format_is_no_rows(file_format: FileFormat) -> None:
    assert read(b"", file_format).shape == (0, 0)


def test_a_parquet_without_rows_is_no_rows() -> None:
    assert read(parquet(pl.DataFrame({"a": []})), "parquet").shape == (0, 1)


BOOK = excel(
    notes=[["read the other sheet"]],
    orders=[["id", "amount", "at"], [536365, 2.5, TEN_O_CLOCK], ["C5", "abc", TEN_O_CLOCK]],
)


def test_the_first_sheet_of_a_workbook_is_read() -> None:
    rows = read(excel(a=[["id", "at"], [7, TEN_O_CLOCK]], b=[["x"], [1]]), "xlsx")
    assert rows.rows() == [(7.0, TEN_O_CLOCK)]


def test_a_named_sheet_is_read_with_mixed_columns_as_text() -> None:
    rows = read(BOOK, "xlsx", sheet="orders")
    assert rows.select("id", "amount").rows() == [("536365", "2.5"), ("C5", "abc")]
    assert rows["at"].to_list() == [TEN_O_CLOCK, TEN_O_CLOCK]


def test_empty_rows_of_a_sheet_are_no_records() -> None:
    assert read(excel(a=[["id", "x"], [1, 2], [], [None, None], [3, None]]), "xlsx").rows() == [(1.0, 2.0), (3.0, None)]


def test_a_sheet_that_is_not_there_is_the_configurations_fault() -> None:
    with pytest.raises(ConfigurationError, match="has no sheet 'order'; it has notes, orders") as error:
        read(BOOK, "xlsx", sheet="order")
    assert error.value.exit_code == 2


@pytest.mark.parametrize("sheets", [{"a": []}, {"a": [["id", "x"]]}, {"a": [["id"], [None]]}])
def test_a_sheet_without_records_is_no_rows(sheets: dict[str, Cells]) -> None:
    assert read(excel(**sheets), "xlsx").height == 0


TITLED: Cells = [["Report of May"], [], ["id", "n"], [1, 2], [], [3, 4], ["Total", 6], []]


@pytest.mark.parametrize(
    ("rows", "settings", "names"),
    [
        (TITLED, {"skip_rows": 2, "skip_footer": 1}, ["id", "n"]),
        (TITLED, {"skip_rows": 3, "skip_footer": 1, "header": False}, ["column_1", "column_2"]),
        (TITLED, {"skip_rows": 3, "skip_footer": 1, "column_names": ["a", "b"]}, ["a", "b"]),
        (TITLED, {"skip_rows": 2, "skip_footer": 1, "header": True, "column_names": ["a", "b"]}, ["a", "b"]),
        ([[], [], ["id", "n"], [1, 2], [3, 4]], {"skip_rows": 2}, ["id", "n"]),
        ([[], [1, 2], [3, 4]], {"column_names": ["a", "b"]}, ["a", "b"]),
    ],
)
def test_rows_around_the_data_of_a_sheet_change_no_type(rows: Cells, settings: dict[str, Any], names: list[str]) -> None:
    found = read(excel(a=rows), "xlsx", **settings)
    assert (found.columns, found.rows()) == (names, [(1.0, 2.0), (3.0, 4.0)])


def test_names_of_columns_that_a_sheet_lacks_are_empty_and_too_few_names_are_told() -> None:
    book = excel(a=[[1, 2]])
    assert read(book, "xlsx", column_names=["a", "b", "c"]).rows() == [(1.0, 2.0, None)]
    with pytest.raises(DataError, match="the sheet has 2 columns, `column_names` 1"):
        read(book, "xlsx", column_names=["a"])
    assert read(book, "xlsx", skip_footer=1).height == read(book, "xlsx", skip_rows=5).height == 0


@pytest.mark.parametrize("content", [BOOK[: len(BOOK) // 2], BOOK[:-30], b"id,amount\n1,2\n"])
def test_a_broken_workbook_is_told(content: bytes) -> None:
    with pytest.raises(DataError, match="cannot be read as xlsx: "):
        read(content, "xlsx")
