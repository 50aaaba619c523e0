from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outputs.content_lists import BEST_CONTENT_SCHEMA, UNANSWERED_SCHEMA
from outputs.excel import excel_text
from outputs.lists import (
    CONTACT_SCHEMA,
    MEMBERS_SCHEMA,
    NETWORK_SCHEMA,
    RANGES_SCHEMA,
    SHOWN_COLUMNS,
    as_text,
    conform,
    escape_formulas,
    members_schema,
    write_lists,
)
from outputs.people_lists import PEOPLE_SCHEMAS
from wording.english import ENGLISH

AS_OF = date(2011, 8, 31)
REASONS = [
    {"feature": "recency_orders", "value": 61.0, "contribution": 0.4, "text": "No order for 61 days"},
    {"feature": "trend", "value": None, "contribution": 0.1, "text": "Spends less than before."},
]
DANGEROUS = tuple("=+-@＝＋－＠") + tuple(chr(code) for code in (*range(32), *range(127, 160)))


def members(**columns: object) -> pl.DataFrame:
    frame = {
        "as_of": [AS_OF, AS_OF, AS_OF],
        "member_id": ["b", "=cmd|' /C calc'!A0", "c"],
        "is_eligible": [True, False, None],
        "churn_probability": [0.25, None, 0.9],
        "churn_risk": ["low", None, "high"],
        "expected_value": [-12.5, None, 100.0],
        "tier": ["gold", "regular", None],
        "reasons": [REASONS, [], None],
    }
    return pl.DataFrame(frame | columns, schema_overrides={"reasons": MEMBERS_SCHEMA["reasons"]})


def contacts() -> pl.DataFrame:
    rows = {
        "as_of": [AS_OF, AS_OF],
        "member_id": ["b", "c"],
        "rank": [2, 1],
        "churn_probability": [0.25, None],
        "reason": ["-x", None],
    }
    return pl.DataFrame(rows)


def write(folder: Path, frame: pl.DataFrame | None = None, *, currency: str | None = "GBP") -> dict[str, str]:
    return write_lists(folder, members=members() if frame is None else frame, contacts=contacts(), currency=currency)


def test_the_parquet_list_has_exactly_the_contract_and_the_values_as_they_are(tmp_path: Path) -> None:
    write(tmp_path)
    read = pl.read_parquet(tmp_path / "members.parquet")
    assert dict(read.schema) == dict(MEMBERS_SCHEMA)
    assert read["member_id"].to_list() == ["b", "=cmd|' /C calc'!A0", "c"]
    assert read["reasons"].to_list() == [REASONS, [], None]
    assert read["segment"].to_list() == [None, None, None]


def test_the_member_list_begins_with_the_most_valuable_of_the_scored(tmp_path: Path) -> None:
    write(tmp_path, members(is_eligible=[True, False, True], member_value_score=[20.0, 99.0, 30.0]))
    ids = ["c", "b", "=cmd|' /C calc'!A0"]
    assert pl.read_parquet(tmp_path / "members.parquet")["member_id"].to_list() == ids
    sheet = openpyxl.load_workbook(tmp_path / "members.xlsx")["Members"]
    assert [sheet.cell(row, 2).value for row in (2, 3, 4)] == ["c", "b", "'=cmd|' /C calc'!A0"]


def test_columns_of_the_network_are_there_where_there_is_one_and_stand_beside_influence() -> None:
    frame = members(is_opinion_leader=[True, None, False], influence_low=[1.0, None, 3.0])
    schema = members_schema(frame.columns)
    at = list(schema).index("influence_score")
    assert list(schema)[at : at + 4] == ["influence_score", "influence_low", "is_opinion_leader", "commercial_score"]
    assert conform(frame, schema=schema).columns == list(schema)
    assert members_schema(members().columns) == dict(MEMBERS_SCHEMA)
    # Ranges of scores came later, and stand last.
    assert list(members_schema(["activity_high", "activity_low"]))[-2:] == ["activity_low", "activity_high"]


def test_columns_beyond_the_contract_follow_it() -> None:
    frame = conform(members(network_role=["hub", None, "edge"]), schema=MEMBERS_SCHEMA)
    assert frame.columns == [*MEMBERS_SCHEMA, "network_role"]


def test_the_csv_list_reads_back_with_reasons_as_sentences(tmp_path: Path) -> None:
    write(tmp_path)
    raw = (tmp_path / "members.csv").read_bytes()
    rows = {row["member_id"]: row for row in csv.DictReader(io.StringIO(raw.decode("utf-8-sig")))}
    assert rows["b"]["reasons"] == "No order for 61 days. Spends less than before."
    assert rows["b"]["expected_value"] == "-12.5"
    assert rows["b"]["as_of"] == "2011-08-31"
    assert rows["c"]["reasons"] == ""
    assert "'=cmd|' /C calc'!A0" in rows


def test_csv_lists_begin_with_a_byte_order_mark_unless_it_is_not_wanted_and_nothing_else_differs(tmp_path: Path) -> None:
    marked, plain = tmp_path / "marked", tmp_path / "plain"
    hashes = {}
    for folder, chosen in ((marked, {}), (plain, {"bom": False})):
        folder.mkdir()
        hashes[folder] = write_lists(folder, members=members(), contacts=contacts(), currency=None, **chosen)
    csv_lists = {"members.csv", "contact_list.csv", "changes.csv"}
    for name in csv_lists:
        assert (marked / name).read_bytes() == b"\xef\xbb\xbf" + (plain / name).read_bytes()
        assert hashes[marked][name] == hashlib.sha256((marked / name).read_bytes()).hexdigest()
    assert {name for name in hashes[marked] if hashes[marked][name] != hashes[plain][name]} == csv_lists


def test_the_contact_list_is_sorted_by_rank(tmp_path: Path) -> None:
    write(tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "contact_list.csv").read_text("utf-8-sig"))))
    assert list(rows[0]) == list(CONTACT_SCHEMA)
    assert [row["member_id"] for row in rows] == ["c", "b"]
    assert rows[1]["reason"] == "'-x"


def test_the_same_lists_have_the_same_bytes_whatever_the_order_of_rows(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert write(one) == write(other, members().reverse())


def test_the_excel_list_has_a_frozen_header_filters_formats_and_dates(tmp_path: Path) -> None:
    write(tmp_path)
    workbook = openpyxl.load_workbook(tmp_path / "members.xlsx")
    sheet = workbook["Members"]
    at = {cell.value: cell.column_letter for cell in sheet[1]}
    assert list(at) == list(MEMBERS_SCHEMA)
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(1, len(MEMBERS_SCHEMA)).column_letter}4"
    assert sheet[f"{at['as_of']}2"].value.date() == AS_OF
    assert sheet[f"{at['as_of']}2"].number_format == "yyyy-mm-dd"
    assert sheet[f"{at['churn_probability']}2"].number_format == "0.0%"
    assert sheet[f"{at['expected_value']}2"].number_format == '"£"#,##0.00'
    assert sheet[f"{at['expected_value']}2"].value == -12.5
    assert sheet[f"{at['member_id']}3"].value == "'=cmd|' /C calc'!A0"
    assert sheet[f"{at['member_id']}3"].data_type == "s"
    assert sheet.column_dimensions[at["segment"]].hidden
    assert sheet.column_dimensions[at["reasons"]].width > 40
    assert len(sheet.conditional_formatting) == 2
    explained = {row[0].value: row[1].value for row in workbook["Columns"].iter_rows(min_row=2)}
    assert list(explained) == list(MEMBERS_SCHEMA)
    assert explained["member_id"] == ENGLISH.columns["member_id"]
    assert explained["segment"] == f"{ENGLISH.columns['segment']} Empty tonight, so the column is hidden."


def test_every_column_of_the_lists_is_explained() -> None:
    of_lists = {column for schema in (*PEOPLE_SCHEMAS.values(), UNANSWERED_SCHEMA, BEST_CONTENT_SCHEMA) for column in schema}
    assert ENGLISH.columns.keys() == {
        *MEMBERS_SCHEMA,
        *NETWORK_SCHEMA,
        *RANGES_SCHEMA,
        *CONTACT_SCHEMA,
        *SHOWN_COLUMNS,
        *of_lists,
    }


@pytest.mark.parametrize(("currency", "expected"), [(None, "#,##0.00"), ("CHF", '#,##0.00" CHF"'), ('X"Y', '#,##0.00" XY"')])
def test_a_currency_without_a_symbol_is_named_and_none_is_no_currency(
    tmp_path: Path, currency: str | None, expected: str
) -> None:
    write(tmp_path, currency=currency)
    sheet = openpyxl.load_workbook(tmp_path / "members.xlsx")["Members"]
    at = {cell.value: cell.column_letter for cell in sheet[1]}
    assert sheet[f"{at['expected_value']}2"].number_format == expected


def test_a_list_with_no_members_is_still_a_list(tmp_path: Path) -> None:
    written = write_lists(tmp_path, members=members().clear(), contacts=contacts().clear(), currency=None)
    assert sorted(written) == sorted(path.name for path in tmp_path.iterdir())
    assert pl.read_parquet(tmp_path / "members.parquet").height == 0
    assert openpyxl.load_workbook(tmp_path / "members.xlsx")["Members"].max_row == 1


def test_a_member_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="one row per member"):
        write(tmp_path, pl.concat([members(), members()]))


text = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
risky = st.one_of(text, st.tuples(st.sampled_from((*DANGEROUS, " =", "\ufeff=", "_x0041_")), text).map("".join))


@given(st.lists(risky, min_size=1, max_size=20))
@settings(deadline=None)
def test_no_cell_of_a_csv_begins_like_a_formula_and_nothing_else_changes(values: list[str]) -> None:
    frame = pl.DataFrame({"member_id": values})
    read = list(csv.reader(io.StringIO(as_text(frame).write_csv(), newline="")))
    cells = [row[0] if row else "" for row in read[1:]]
    assert not any(cell.startswith(DANGEROUS) or cell.lstrip().startswith(DANGEROUS) for cell in cells)
    assert all(cell in (value, f"'{value}") for cell, value in zip(cells, values, strict=True))


@given(st.lists(risky, min_size=1, max_size=20, unique=True))
@settings(max_examples=25, deadline=None)
def test_excel_takes_any_text_and_no_cell_begins_like_a_formula(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    frame = pl.DataFrame({"as_of": [AS_OF] * len(values), "member_id": values}).sort("member_id")
    write_lists(folder, members=frame, contacts=contacts().clear(), currency=None)
    sheet = openpyxl.load_workbook(folder / "members.xlsx")["Members"]
    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert all(cell.data_type in ("s", "n", "inlineStr") for cell in cells)
    assert not any(str(cell.value or "").startswith(DANGEROUS) for cell in cells)
    kept = [value for value in frame["member_id"] if value.isascii() and value.isalnum()]
    assert [cell.value for cell in cells if cell.value in kept] == kept


def test_text_longer_than_a_cell_holds_is_cut_in_excel_only(tmp_path: Path) -> None:
    write(tmp_path, members(tier=["x" * 40_000, None, "gold"]))
    sheet = openpyxl.load_workbook(tmp_path / "members.xlsx")["Members"]
    longest = max(len(str(cell.value)) for row in sheet.iter_rows() for cell in row)
    assert longest == 16_383
    assert "x" * 40_000 in (tmp_path / "members.csv").read_text()


def test_numbers_and_nulls_are_left_alone() -> None:
    frame = pl.DataFrame({"a": ["-1", None, "1-2"], "b": [-1.0, None, 2.0]})
    assert as_text(frame).to_dict(as_series=False) == {"a": ["'-1", None, "1-2"], "b": [-1.0, None, 2.0]}
    assert frame.select(escape_formulas(pl.col("a"))).columns == ["a"]


@pytest.mark.parametrize(("characters", "kept"), [(16_382, 16_382), (16_383, 16_383), (16_384, 16_382)])
def test_a_cell_holds_text_of_exactly_its_limit_whole_and_of_longer_text_the_beginning(characters: int, kept: int) -> None:
    text = pl.DataFrame({"text": ["x" * characters]}).select(excel_text(pl.col("text"))).item()
    assert text == "x" * kept + ("…" if kept < characters else "")
