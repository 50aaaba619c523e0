"""Every list of a night is written again without the members: changes and the files of tools that send as well."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl

from outputs.lists import write_lists
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.outputs import erase_from_lists, list_hashes
from runtime.workspace import Workspace

NIGHT = date(2025, 6, 30)
WHO = ["=anna", "ben"]


def erased(folder: Path, *gone: str) -> Path:
    """Publish a night, erase members from it, and return its folder."""
    night = folder / "lists" / NIGHT.isoformat()
    night.mkdir(parents=True)
    known = {"as_of": [NIGHT] * 2, "member_id": WHO}
    contacts = pl.DataFrame(known | {"rank": [1, 2], "handle": ["anna@example.org", None], "message": ["Hello", "-5 %"]})
    changes = pl.DataFrame(known | {"what": ["tier"] * 2, "after": ["gold"] * 2})
    posts = {"content_id": ["p1", "p2", "p3"], "rank": [1, 2, 3], "title": ["-1", None, "x"], "is_newcomer": [True, False, True]}
    unanswered = pl.DataFrame(posts | {"member_id": [*WHO, None], "best_answerer": [None, *WHO]})
    lists = write_lists(
        night,
        members=pl.DataFrame(known),
        contacts=contacts,
        changes=changes,
        currency=None,
        content={"unanswered": unanswered},
        formats=("mautic", "wecom"),
    )
    (night / "receipt.json").write_text(json.dumps({"lists": lists}))
    erase_from_lists(Workspace(folder), IdMatchers.of(gone, known=pl.Series(WHO)), currency=None, certificate="c")
    return night


def test_a_member_is_in_no_list_of_the_night_by_id_or_handle_and_the_receipt_has_the_new_hashes(tmp_path: Path) -> None:
    night = erased(tmp_path, "=anna")
    assert [path.name for path in night.iterdir() if b"anna" in path.read_bytes()] == []
    assert pl.read_csv(night / "changes.csv")["member_id"].to_list() == ["ben"]
    waiting = pl.read_csv(night / "unanswered.csv")
    assert waiting.select("content_id", "title", "member_id", "best_answerer").rows() == [
        ("p2", None, "ben", None),
        ("p3", "x", None, "ben"),
    ]
    receipt = json.loads((night / "receipt.json").read_text())
    assert receipt["lists"] == list_hashes(night, receipt["lists"])
    assert {path.name for path in night.iterdir()} == {*receipt["lists"], "receipt.json"}


def test_what_is_said_to_others_is_sent_as_it_was(tmp_path: Path) -> None:
    night = erased(tmp_path, "=anna")
    assert (night / "contact_list.mautic.csv").read_text() == "email,firstname,tags,member_id,message\nben,,,ben,-5 %\n"
    assert (night / "contact_list.wecom.csv").read_text() == "external_userid,add_tag,text.content\nben,,-5 %\n"
    assert pl.read_csv(night / "contact_list.csv")["message"].to_list() == ["'-5 %"]


def test_lists_of_people_and_the_board_are_made_again_without_the_member(tmp_path: Path) -> None:
    night = tmp_path / "lists" / NIGHT.isoformat()
    night.mkdir(parents=True)
    known = pl.DataFrame({"as_of": [NIGHT] * 2, "member_id": WHO})
    thanks = known.with_columns(
        display_name=pl.Series(["Anna A.", "Ben B."]),
        kind=pl.lit("helper"),
        reason=pl.lit("Helped."),
        on_board=pl.lit(value=True),
    )
    suspects = known.head(1).with_columns(reason=pl.lit("By the clock."), setting=pl.lit("x"))
    people = {"recognition": thanks, "suspected_bots": suspects}
    contacts = known.with_columns(rank=pl.lit(1)).clear()
    lists = write_lists(night, members=known, contacts=contacts, currency=None, people=people, community="Forum")
    assert "Anna A." in (night / "board.html").read_text()
    (night / "receipt.json").write_text(json.dumps({"lists": lists}))
    matchers = IdMatchers.of(("=anna",), known=pl.Series(WHO))
    erase_from_lists(Workspace(tmp_path), matchers, currency=None, certificate="c", community="Forum")
    assert [path.name for path in night.iterdir() if b"anna" in path.read_bytes().lower()] == []
    assert "Ben B." in (night / "board.html").read_text()
    receipt = json.loads((night / "receipt.json").read_text())
    assert receipt["lists"] == list_hashes(night, receipt["lists"])
    # Nobody else was suspected.
    assert {path.name for path in night.iterdir()} == {*receipt["lists"], "receipt.json"}
    assert "suspected_bots.csv" not in receipt["lists"]
