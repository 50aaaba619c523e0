"""The lists about people, and the board that may be published: only who agreed is on it, and nothing of it is markup."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from outputs.lists import write_lists
from outputs.people_lists import BADGES_LIST, BOARD, PEOPLE_SCHEMAS, RECOGNITION, SUSPECTED_BOTS

AS_OF = date(2025, 6, 30)
HOSTILE = "<script>alert(1)</script>"


def recognition() -> pl.DataFrame:
    rows = [
        (AS_OF, "secret-1", "Anna", "contributor", "9 contributions this week.", True),
        (AS_OF, "secret-2", "Ben", "contributor", "3 contributions this week.", False),
        (AS_OF, "secret-3", HOSTILE, "helper", "=2 newcomers", True),
        (AS_OF, "secret-4", "Cleo", "badge", "Earned it.", None),
    ]
    return pl.DataFrame(rows, schema=dict(PEOPLE_SCHEMAS[RECOGNITION]), orient="row")


def write(folder: Path, people: dict[str, pl.DataFrame], *, community: str | None = "Our <forum>") -> dict[str, str]:
    known = pl.DataFrame({"as_of": [AS_OF], "member_id": ["a"]})
    contacts = known.with_columns(rank=pl.lit(1)).clear()
    return write_lists(folder, members=known, contacts=contacts, currency=None, people=people, community=community)


def test_a_list_with_rows_is_written_as_csv_and_excel_and_vouched_for(tmp_path: Path) -> None:
    badges = pl.DataFrame({"as_of": [AS_OF], "member_id": ["-x"], "points": [5], "badges": ["Writer"]})
    hashes = write(
        tmp_path,
        {
            RECOGNITION: recognition(),
            BADGES_LIST: badges,
            SUSPECTED_BOTS: pl.DataFrame(schema=dict(PEOPLE_SCHEMAS[SUSPECTED_BOTS])),
        },
    )
    written = {path.name for path in tmp_path.iterdir()}
    assert written == set(hashes)
    assert {"recognition.csv", "recognition.xlsx", "badges.csv", "badges.xlsx", BOARD} <= written
    assert not any(name.startswith(SUSPECTED_BOTS) for name in written)
    assert pl.read_csv(tmp_path / "badges.csv")["member_id"].to_list() == ["'-x"]
    assert pl.read_csv(tmp_path / "recognition.csv")["member_id"].to_list() == recognition()["member_id"].to_list()


def test_the_board_names_who_agreed_and_nobody_else_and_holds_no_id(tmp_path: Path) -> None:
    write(tmp_path, {RECOGNITION: recognition()})
    page = (tmp_path / BOARD).read_text(encoding="utf-8")
    assert "Anna: 9 contributions this week." in page
    assert "Ben" not in page
    assert "Cleo" not in page
    assert "secret" not in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "Our &lt;forum&gt;" in page
    # The apostrophe against formulas is for spreadsheets alone.
    assert ": =2 newcomers" in page


def test_without_anybody_who_agreed_or_without_a_name_of_the_community_there_is_no_board(tmp_path: Path) -> None:
    nobody = recognition().with_columns(on_board=pl.lit(value=False))
    for position, (rows, community) in enumerate([(nobody, "Forum"), (recognition(), None), (recognition().clear(), "Forum")]):
        folder = tmp_path / str(position)
        folder.mkdir()
        assert BOARD not in write(folder, {RECOGNITION: rows}, community=community)
        assert not (folder / BOARD).exists()
