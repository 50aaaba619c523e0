"""Repair files: one per table for Excel, and read back however a spreadsheet saves them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lake.errors import ConfigurationError
from pipeline.replay.repair_files import read_repair_files, write_repair_files

ROWS = [
    ("a-1", "orders", '{"amount": "1,5 €", "member_id": "Jürgen; \\"J\\""}'),
    ("a-2", "orders", '{"amount": null, "member_id": "m2"}'),
    ("b-1", "members", '{"member_id": "m3", "joined_at": "0000-00-00"}'),
]
ORDERS = {"a-1": {"member_id": 'Jürgen; "J"', "amount": "1,5 €"}, "a-2": {"member_id": "m2", "amount": None}}
MEMBERS = {"b-1": {"member_id": "m3", "joined_at": "0000-00-00"}}


def waiting(*tables: str) -> pl.DataFrame:
    rows = [row for row in ROWS if row[1] in tables]
    named = pl.DataFrame(rows, schema=["quarantine_id", "table", "values"], orient="row")
    return named.with_columns(source="table", path=pl.lit("x.csv"), row_no=1, rules=pl.lit(["amount_is_a_number"]))


def test_a_folder_gets_a_file_for_each_table_with_only_its_columns_and_reads_back(tmp_path: Path) -> None:
    files = write_repair_files(waiting("orders", "members"), tmp_path / "repair")
    assert [file.name for file in files] == ["members.csv", "orders.csv"]
    assert files[0].read_bytes().startswith(b"\xef\xbb\xbfquarantine_id,")
    assert files[0].read_text("utf-8-sig").splitlines()[0].endswith(",row_no,rules,value.member_id,value.joined_at")
    assert read_repair_files(tmp_path / "repair") == ORDERS | MEMBERS
    assert read_repair_files(files[0]) == MEMBERS


def test_a_file_is_enough_for_one_table_and_refused_for_two(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    assert write_repair_files(waiting("orders"), file) == [file]
    with pytest.raises(ConfigurationError, match=r"2 tables wait \(members, orders\)[\s\S]*--csv \S*/bad/"):
        write_repair_files(waiting("orders", "members"), tmp_path / "bad.csv")
    assert read_repair_files(file) == ORDERS


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_what_a_spreadsheet_saves_is_read_whatever_its_separator_and_encoding(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    (file,) = write_repair_files(waiting("orders"), tmp_path / "bad.csv")
    saved = pl.read_csv(file, infer_schema=False).write_csv(separator=separator, line_terminator="\r\n")
    empty_row = separator * 7 + "\r\n"
    file.write_bytes((saved + empty_row).encode(encoding))
    assert read_repair_files(file) == ORDERS


def test_the_single_file_of_all_tables_that_an_earlier_release_wrote_is_still_read(tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text(
        "quarantine_id,table,value.member_id,value.amount,value.joined_at\na-1,orders,m1,1.5,\nb-1,members,m3,,2024-01-01\n"
    )
    read = read_repair_files(file)
    assert read["a-1"] == {"member_id": "m1", "amount": "1.5", "joined_at": None}
    assert read["b-1"]["joined_at"] == "2024-01-01"


def test_what_is_no_repair_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="lacks quarantine_id"):
        read_repair_files(other)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match="no CSV file"):
        read_repair_files(tmp_path / "empty")
