"""An export's bytes are read as they are written, and what cannot be read is told."""

import gzip
import io
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from lake.errors import ConfigurationError, DataError
from lake.sources.source_settings import FileFormat
from tests.lake.sources.reading import NAME, read

TEN_O_CLOCK = datetime(2011, 8, 31, 10, tzinfo=UTC).replace(tzinfo=None)
Cells = list[list[Any]]


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


def test_texts_that_mean_nothing_are_null_in_every_column() -> None:
    assert read("a,b\nN/A,-\n -1 ,n/a\n", null_values=["N/A", "-1"]).rows() == [(None, "-"), (None, "n/a")]
    assert read("a,b\nNULL,-\n").rows() == [("NULL", "-")]
    assert read('{"a": -1, "b": [1]}', "jsonl", null_values=["-1", "1"]).rows() == [(None, [1])]


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


def test_a_column_of_no_one_type_does_not_refuse_the_sheet() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd hh:mm"}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["id", "at", "took"])
        sheet.write_row(1, 0, [7, TEN_O_CLOCK, TEN_O_CLOCK])
        sheet.write_row(2, 0, [8, TEN_O_CLOCK])
        sheet.write_number(2, 2, 1.25, workbook.add_format({"num_format": "[h]:mm"}))
    rows = read(file.getvalue(), "xlsx")
    assert rows.select("id", "at").rows() == [(7.0, TEN_O_CLOCK), (8.0, TEN_O_CLOCK)]
    assert rows["took"].dtype == pl.String
    assert read(file.getvalue(), "xlsx", skip_footer=1)["id"].to_list() == [7.0]


def test_a_formula_that_failed_is_null_and_refuses_no_sheet() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["id", "total"])
        for row, value in enumerate(("#NAME?", "#VALUE!", 5), start=1):
            sheet.write(row, 0, f"m{row}")
            sheet.write_formula(row, 1, "=A1*2", None, value)
    assert read(file.getvalue(), "xlsx")["id"].to_list() == ["m1", "m2", "m3"]
    assert read(file.getvalue(), "xlsx")["total"].cast(pl.Float64).to_list() == [None, None, 5.0]


def test_the_second_of_two_columns_with_one_name_is_called_as_in_csv() -> None:
    assert read(excel(a=[["x", "x", "x_1"], [1, 2, 3]]), "xlsx").columns == ["x", "x_duplicated_0", "x_1"]
    assert read(excel(a=[["Note"], ["x", "x"], [1, 2]]), "xlsx", skip_rows=1).columns == ["x", "x_duplicated_0"]
    assert read(excel(a=[["x", "x_1"], [1, 2]]), "xlsx").columns == ["x", "x_1"]


def test_byte_order_marks_go_wherever_a_line_begins() -> None:
    mark = "\ufeff"
    assert read(f'{mark}{mark}"a",b\n1,2\r\n{mark}3,{mark}4\n').rows() == [("1", "2"), ("3", f"{mark}4")]
    assert read(f'{{"a":1}}\n{mark}{{"a":2}}\n', "jsonl").rows() == [(1,), (2,)]
