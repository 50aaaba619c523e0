"""The list of unanswered pieces as files, and without members who are erased."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import fastexcel
import polars as pl

from outputs.content_lists import BEST_CONTENT_SCHEMA, UNANSWERED_SCHEMA, without_members
from outputs.lists import conform, write_lists

AS_OF = date(2025, 6, 30)
MEMBERS = pl.DataFrame({"as_of": [AS_OF], "member_id": ["a"]})
CONTACTS = pl.DataFrame(schema={"as_of": pl.Date, "member_id": pl.String, "rank": pl.Int32})


def listed() -> pl.DataFrame:
    rows = {
        "as_of": [AS_OF] * 3,
        "content_id": ["p2", "p1", "p3"],
        "rank": [2, 1, 3],
        "title": ["=HYPERLINK(1)", "Which yeast?", None],
        "is_newcomer": [False, True, False],
        "waiting_hours": [30.5, 26.0, 400.0],
        "member_id": ["a", "b", None],
        "best_answerer": ["b", None, "c"],
    }
    return conform(pl.DataFrame(rows), schema=UNANSWERED_SCHEMA)


def written(folder: Path, unanswered: pl.DataFrame | None) -> dict[str, str]:
    return write_lists(
        folder,
        members=MEMBERS,
        contacts=CONTACTS,
        currency=None,
        content={} if unanswered is None else {"unanswered": unanswered},
    )


def test_the_list_is_written_in_its_order_and_is_safe_for_a_spreadsheet(tmp_path: Path) -> None:
    hashes = written(tmp_path, listed())
    assert {"unanswered.csv", "unanswered.xlsx"} <= hashes.keys()
    read = pl.read_csv(tmp_path / "unanswered.csv")
    assert read.columns == list(UNANSWERED_SCHEMA)
    assert read["content_id"].to_list() == ["p1", "p2", "p3"]
    assert read["title"].to_list() == ["Which yeast?", "'=HYPERLINK(1)", None]
    sheet = fastexcel.read_excel(tmp_path / "unanswered.xlsx").load_sheet("Unanswered").to_polars()
    assert sheet["content_id"].to_list() == ["p1", "p2", "p3"]


def test_nothing_to_answer_is_a_header_and_no_content_is_no_file(tmp_path: Path) -> None:
    written(tmp_path, listed().clear())
    assert (tmp_path / "unanswered.csv").read_text("utf-8-sig") == ",".join(UNANSWERED_SCHEMA) + "\n"
    (tmp_path / "other").mkdir()
    assert not any(name.startswith("unanswered") for name in written(tmp_path / "other", None))


def test_the_best_content_is_a_list_of_its_own(tmp_path: Path) -> None:
    best = conform(pl.DataFrame({"as_of": [AS_OF], "content_id": ["p1"], "rank": [1]}), schema=BEST_CONTENT_SCHEMA)
    hashes = write_lists(tmp_path, members=MEMBERS, contacts=CONTACTS, currency=None, content={"best_content": best})
    assert {"best_content.csv", "best_content.xlsx"} <= hashes.keys()
    assert pl.read_csv(tmp_path / "best_content.csv").columns == list(BEST_CONTENT_SCHEMA)
    assert without_members(best.with_columns(member_id=pl.lit("a")), pl.col("member_id") == "a").is_empty()


def test_erased_members_are_neither_authors_nor_asked_to_answer() -> None:
    left = without_members(listed(), pl.col("member_id").is_in(["b"]))
    assert left["content_id"].to_list() == ["p2", "p3"]
    assert left["best_answerer"].to_list() == [None, "c"]
