"""The contact list as an operator opens it in Excel: a sheet for everybody, then one for each action."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outputs.excel import sheet_names
from outputs.lists import CHANGES_SCHEMA, CONTACT_SCHEMA, write_lists

AS_OF = date(2025, 6, 30)
MESSAGE = (
    "Hello Ann, it has been 41 days since we last saw you here. Two of the questions you follow have new answers: have a look!"
)


def contacts() -> pl.DataFrame:
    rows = {
        "as_of": [AS_OF] * 4,
        "member_id": ["m1", "m2", "m3", "m4"],
        "rank": [2, 1, 3, 4],
        "action": ["welcome_newcomer", "win_back", "win_back", None],
        "channel": ["mail", "mail", "phone", None],
        "churn_probability": [0.125, 0.75, 0.5, None],
        "expected_gain": [3.5, 1204.0, 10.0, None],
        "reason": ["Joined 3 days ago.", "No order for 61 days.", None, None],
        "message": ["=Hello", MESSAGE, None, None],
        "churn_risk": ["low", "high", "medium", None],
        "display_name": ["Ann", None, "Zoë", None],
        "is_new": [True, False, None, None],
        "nights_listed": [1, 12, 1, None],
        "last_contacted_on": [None, date(2025, 6, 1), None, None],
        "suggested_hour": [9, 18, None, None],
    }
    return pl.DataFrame(rows)


def write(folder: Path, frame: pl.DataFrame | None = None) -> Any:
    members = pl.DataFrame({"as_of": [AS_OF], "member_id": ["m1"]})
    write_lists(folder, members=members, contacts=contacts() if frame is None else frame, currency="GBP")
    return openpyxl.load_workbook(folder / "contact_list.xlsx")


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    header, *rows = ([cell.value for cell in row] for row in sheet.iter_rows())
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_everybody_is_on_the_first_sheet_and_each_action_with_members_has_its_own(tmp_path: Path) -> None:
    workbook = write(tmp_path)
    assert workbook.sheetnames == ["All", "Welcome newcomer", "Win back", "Columns"]
    listed = {name: [row["member_id"] for row in rows_of(workbook[name])] for name in workbook.sheetnames[:3]}
    assert listed == {"All": ["m2", "m1", "m3", "m4"], "Welcome newcomer": ["m1"], "Win back": ["m2", "m3"]}
    assert {tuple(cell.value for cell in workbook[name][1]) for name in listed} == {tuple(CONTACT_SCHEMA)}
    assert workbook.properties.title == "Contact list"


def test_a_row_reads_as_an_operator_needs_it(tmp_path: Path) -> None:
    sheet = write(tmp_path)["Win back"]
    row = rows_of(sheet)[0]
    at = {cell.value: cell.column_letter for cell in sheet[1]}
    assert [row[name] for name in ("rank", "action", "is_new", "nights_listed", "suggested_hour")] == [
        1,
        "win_back",
        "no",
        12,
        18,
    ]
    assert row["last_contacted_on"].date() == date(2025, 6, 1)
    assert row["message"] == MESSAGE
    assert sheet.freeze_panes == "D2"
    assert sheet[f"{at['expected_gain']}2"].number_format == '"£"#,##0.00'
    assert sheet[f"{at['churn_probability']}2"].number_format == "0.0%"
    assert sheet[f"{at['message']}2"].alignment.wrap_text
    assert not sheet[f"{at['member_id']}2"].alignment.wrap_text
    assert sheet.column_dimensions[at["message"]].width == pytest.approx(45, abs=1)


def test_sheets_look_alike_whatever_an_action_lacks(tmp_path: Path) -> None:
    workbook = write(tmp_path)
    at = {cell.value: cell.column_letter for cell in workbook["All"][1]}
    for name in ("All", "Welcome newcomer", "Win back"):
        dimensions = workbook[name].column_dimensions
        assert [dimensions[at[column]].hidden for column in ("last_contacted_on", "handle", "rank")] == [False, True, False]


def test_no_message_is_run_as_a_formula(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path)["Welcome newcomer"])[0]["message"] == "'=Hello"


def test_a_list_without_actions_or_without_members_is_one_sheet(tmp_path: Path) -> None:
    assert write(tmp_path, contacts().drop("action")).sheetnames == ["All", "Columns"]
    workbook = write(tmp_path, contacts().clear())
    assert workbook.sheetnames == ["All", "Columns"]
    assert workbook["All"].max_row == 1
    assert (tmp_path / "contact_list.csv").read_text("utf-8-sig") == ",".join(CONTACT_SCHEMA) + "\n"


def test_the_same_list_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    first = (tmp_path / "contact_list.xlsx").read_bytes()
    write(tmp_path, contacts().sort("member_id", descending=True))
    assert (tmp_path / "contact_list.xlsx").read_bytes() == first
    assert zipfile.is_zipfile(tmp_path / "contact_list.xlsx")


def test_changes_are_written_in_order_with_formulas_escaped_and_without_a_night_before_as_a_header(tmp_path: Path) -> None:
    rows = {
        "as_of": [AS_OF] * 3,
        "member_id": ["b", "=a", "b"],
        "what": ["tier", "tier", "churn_risk"],
        "before": ["gold", None, "low"],
        "after": ["silver", "regular", None],
        "reason": ["Value score down from 72 to 61.", "+1, new", None],
    }
    everybody = {"members": contacts().select("as_of", "member_id"), "contacts": contacts(), "currency": None}
    write_lists(tmp_path, **everybody, changes=pl.DataFrame(rows), bom=False)  # type: ignore[arg-type]
    assert (tmp_path / "changes.csv").read_text() == (
        ",".join(CHANGES_SCHEMA) + "\n"
        "2025-06-30,b,churn_risk,low,,\n"
        "2025-06-30,'=a,tier,,regular,\"'+1, new\"\n"
        "2025-06-30,b,tier,gold,silver,Value score down from 72 to 61.\n"
    )
    write_lists(tmp_path, **everybody, bom=False)  # type: ignore[arg-type]
    assert (tmp_path / "changes.csv").read_text() == ",".join(CHANGES_SCHEMA) + "\n"


def test_a_sheet_is_named_as_people_read_an_action() -> None:
    assert sheet_names(["welcome_newcomer", "thank", "a/b[c]", "'quoted'", "history", "all", "  "]) == {
        "welcome_newcomer": "Welcome newcomer",
        "thank": "Thank",
        "a/b[c]": "A b c",
        "'quoted'": "Quoted",
        "history": "History 2",
        "all": "All 2",
        "  ": "Sheet",
    }


def test_long_names_stay_apart() -> None:
    long = "invite_the_most_influential_leaders"
    assert list(sheet_names([long, f"{long}_again", long.upper()]).values()) == [
        "Invite the most influential lea",
        "Invite the most influential l 2",
        "INVITE THE MOST INFLUENTIAL L 3",
    ]


@given(st.lists(st.text(max_size=40), unique=True, max_size=12))
def test_any_names_are_names_that_excel_takes(values: list[str]) -> None:
    names = list(sheet_names(values).values())
    assert len({name.casefold() for name in (*names, "All", "Columns", "History")}) == len(values) + 3
    for name in names:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\\x00")
        assert name.strip("'") == name
