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
def test_a_csv_without_records_holds_no_rows(content: bytes) -> None:
    with pytest.raises(DataError, match="holds no rows at all") as error:
        read(content)
    assert error.value.exit_code == 3


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
        (b'a,b\n1,2\n2,"cut of', {}, "csv in utf-8"),
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


@pytest.mark.parametrize("content", ['{"a": 1}\n{"a":', "hello\n", '[{"a": 1}]', "1\n2\n", '{"a": 1}{"a": 2}\n', '{"a": 1} x\n'])
def test_broken_json_lines_are_told(content: str) -> None:
    with pytest.raises(DataError, match="cannot be read as jsonl in utf-8"):
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
def test_an_empty_file_of_any_format_holds_no_rows(file_format: FileFormat) -> None:
    with pytest.raises(DataError, match="holds no rows at all"):
        read(b"", file_format)


def test_a_parquet_without_rows_holds_no_rows() -> None:
    with pytest.raises(DataError, match="holds no rows at all"):
        read(parquet(pl.DataFrame({"a": []})), "parquet")


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
def test_a_sheet_without_records_holds_no_rows(sheets: dict[str, Cells]) -> None:
    with pytest.raises(DataError, match="holds no rows at all"):
        read(excel(**sheets), "xlsx")


@pytest.mark.parametrize("content", [BOOK[: len(BOOK) // 2], BOOK[:-30], b"id,amount\n1,2\n"])
def test_a_broken_workbook_is_told(content: bytes) -> None:
    with pytest.raises(DataError, match="cannot be read as xlsx: "):
        read(content, "xlsx")
