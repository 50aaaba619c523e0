"""The contact list in the formats of the tools that send: their columns, values as they are, and a tag for each action."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outputs.lists import CONTACT_SCHEMA, conform, write_lists
from outputs.sending import Format, formats_among, write_formats
from runtime.settings import Lists
from tests.paths import ROOT

FORMATS: tuple[Format, ...] = ("braze", "discourse", "mautic", "wecom")
HEADERS = {
    "mautic": ["email", "firstname", "tags", "member_id", "message"],
    "braze": ["external_id", "evenfall_action", "evenfall_as_of", "evenfall_message"],
    "wecom": ["external_userid", "add_tag", "text.content"],
    "discourse": ["email", "groups", "topic_id"],
}
IDS = ["a,b", 'say "x"', "two\nlines", "=1+1", "小明@例.cn", "plain"]


def contacts() -> pl.DataFrame:
    rows = {
        "as_of": [date(2025, 6, 30)] * len(IDS),
        "member_id": IDS,
        "rank": range(1, len(IDS) + 1),
        "action": ["welcome_newcomer", "win_back", None, "win|back;now", "-thank", "谢谢"],
        "display_name": ["Ann", None, "=Bob", "Zoë", "", "O'Neil"],
        "handle": [None, "", "  ", "+49 170", "ann@example.org", None],
        "message": ['Hello, "Ann"', None, "two\r\nlines", "-5 %", "", "欢迎"],
    }
    return conform(pl.DataFrame(rows), schema=CONTACT_SCHEMA)


def read(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_raw(folder, name).decode("utf-8"), newline="")))


def _raw(folder: Path, name: str) -> bytes:
    return (folder / f"contact_list.{name}.csv").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_formats(tmp_path, contacts(), formats=FORMATS)
    return tmp_path


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_has_the_columns_of_its_tool_no_mark_and_a_row_for_each_member(folder: Path, name: str) -> None:
    rows = read(folder, name)
    assert [list(row) for row in rows] == [HEADERS[name]] * len(IDS)
    assert not _raw(folder, name).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", FORMATS)
def test_a_member_is_named_by_the_handle_where_it_is_known_and_values_are_as_they_are(folder: Path, name: str) -> None:
    rows = read(folder, name)
    keys = [row[HEADERS[name][0]] for row in rows]
    assert keys == ["a,b", 'say "x"', "two\nlines", "+49 170", "ann@example.org", "plain"]
    if name != "discourse":
        message = HEADERS[name][-1]
        assert [row[message] for row in rows] == ['Hello, "Ann"', "", "two\r\nlines", "-5 %", "", "欢迎"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_action_is_one_tag_in_every_tool(folder: Path, name: str) -> None:
    column = {"mautic": "tags", "braze": "evenfall_action", "wecom": "add_tag", "discourse": "groups"}[name]
    tags = [row[column] for row in read(folder, name)]
    assert tags == ["welcome_newcomer", "win_back", "", "win_back_now", "_thank", "谢谢"]


def test_braze_learns_of_which_night_an_action_is(folder: Path) -> None:
    assert {row["evenfall_as_of"] for row in read(folder, "braze")} == {"2025-06-30"}


def test_an_empty_list_is_a_header(tmp_path: Path) -> None:
    write_formats(tmp_path, contacts().clear(), formats=FORMATS)
    assert {name: _raw(tmp_path, name).decode() for name in FORMATS} == {
        name: ",".join(header) + "\n" for name, header in HEADERS.items()
    }


def test_the_files_are_among_the_lists_with_their_hashes_and_found_by_their_names(tmp_path: Path) -> None:
    members = pl.DataFrame({"as_of": [date(2025, 6, 30)], "member_id": ["a"]})
    hashes = write_lists(tmp_path, members=members, contacts=contacts(), currency=None, formats=("wecom", "mautic"))
    assert sorted(hashes) == sorted(path.name for path in tmp_path.iterdir())
    for name in ("mautic", "wecom"):
        assert hashes[f"contact_list.{name}.csv"] == hashlib.sha256(_raw(tmp_path, name)).hexdigest()
    assert formats_among(hashes) == ("mautic", "wecom")
    assert formats_among(["contact_list.csv", "mautic", "receipt.json", "contact_list.xlsx"]) == ()


def test_every_tool_has_a_section_that_says_how_to_import() -> None:
    page = (ROOT / "docs" / "sending.md").read_text(encoding="utf-8")
    assert [name for name in FORMATS if f"contact_list.{name}.csv" not in page] == []


def test_a_tool_that_is_not_known_is_refused() -> None:
    assert Lists(formats=["mautic"]).formats == ("mautic",)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="mautic"):
        Lists(formats=["mailchimp"])  # type: ignore[arg-type]


values = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@given(st.lists(values, min_size=1, max_size=10, unique=True))
def test_any_id_and_message_come_back_from_a_file_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("sending")
    frame = conform(pl.DataFrame({"member_id": texts, "message": texts}), schema=CONTACT_SCHEMA)
    write_formats(folder, frame, formats=("mautic",))
    assert [(row["email"], row["message"]) for row in read(folder, "mautic")] == [(text, text) for text in texts]
