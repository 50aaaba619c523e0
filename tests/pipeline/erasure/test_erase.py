"""Erasing a member: nothing of them is left, nothing of anybody else is lost, nothing comes back, whatever kills it."""

from __future__ import annotations

import io
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import check_identity, read_arrivals
from lake.contracts import TABLES
from lake.errors import ConfigurationError, WorkspaceBusyError
from lake.storage.delta import Lake
from outputs.lists import write_lists
from pipeline.erasure.certificate import Certificate, read_certificate
from pipeline.erasure.erase import erase
from pipeline.erasure.file_search import files_below, search
from pipeline.erasure.id_matcher import IdMatcher
from pipeline.history.daily_rollups import roll_up
from pipeline.replay.replay import list_open, replay
from runtime.workspace import Workspace
from tests.forum import DAYS, NIGHT, WHO, day, landed, take_in, write_events, write_forum
from tests.nights import evenfall

GONE = WHO[0]
OTHERS = frozenset({"anna-k-2"})


@pytest.fixture(scope="module")
def made_forum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A forum with a night's lists, a page and a cache that name the member, and a night before it."""
    tmp_path = tmp_path_factory.mktemp("forum")
    write_forum(tmp_path)
    take_in(tmp_path, night=NIGHT - timedelta(days=1))
    write_events(tmp_path, "events-more.csv", range(DAYS * 6, DAYS * 6 + 9))
    take_in(tmp_path)
    folder = tmp_path / "lists" / NIGHT.isoformat()
    folder.mkdir(parents=True)
    members = pl.DataFrame({"as_of": [NIGHT] * len(WHO), "member_id": WHO, "is_eligible": [True] * len(WHO)})
    contacts = pl.DataFrame({"as_of": [NIGHT] * 2, "member_id": WHO[:2], "rank": [1, 2], "reason": ["=1+1", "quiet"]})
    hashes = write_lists(folder, members=members, contacts=contacts, currency=None)
    (folder / "receipt.json").write_text(json.dumps({"lists": hashes, "tables": {}}))
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "page.html").write_text(f"<p>{GONE} and anna-k-2</p>")
    cache = sqlite3.connect(tmp_path / "mlflow.db")
    cache.execute("CREATE TABLE tags (value TEXT)")
    cache.executemany("INSERT INTO tags VALUES (?)", [(f"about {GONE}",), ("about anna-k-2",)])
    cache.commit()
    cache.close()
    return tmp_path


@pytest.fixture
def forum(made_forum: Path, tmp_path: Path) -> Path:
    """A copy of it; the times of files stay, so that nothing looks new."""
    shutil.copytree(made_forum, tmp_path / "forum")
    return tmp_path / "forum"


@dataclass(frozen=True)
class Erased:
    """The forum after the member was erased.

    Args:
        folder: The workspace.
        before: What had landed.
        told: What the erasure said.
    """

    folder: Path
    before: dict[str, pl.DataFrame]
    told: list[str]


@pytest.fixture(scope="module")
def without_member(made_forum: Path, tmp_path_factory: pytest.TempPathFactory) -> Erased:
    """The forum without the member; nobody changes it."""
    folder = tmp_path_factory.mktemp("without_member") / "forum"
    shutil.copytree(made_forum, folder)
    return Erased(folder, landed(folder), erase(folder, GONE))


@pytest.fixture
def erased(without_member: Erased, tmp_path: Path) -> Path:
    """A copy of it, to go on from."""
    shutil.copytree(without_member.folder, tmp_path / "erased")
    return tmp_path / "erased"


def holding(folder: Path, member: str = GONE, others: frozenset[str] = OTHERS) -> list[str]:
    """What still names the member, the community's own files left aside."""
    own = [path for path in files_below(folder) if "landing" not in path.parts]
    return [str(path.relative_to(folder)) for path in search(own, IdMatcher(member, others)).holding]


def check_counts(folder: Path) -> None:
    lake = Lake(folder / "lake")
    check_identity(read_arrivals(lake), record_counts={name: lake.row_count(name) for name in TABLES})


def expected(before: dict[str, pl.DataFrame]) -> dict[str, list[dict[str, object]]]:
    """What must be left, said row by row in plain Python."""
    left = {}
    for table, frame in before.items():
        rows = []
        for row in frame.to_dicts():
            if row.get("member_id") == GONE:
                continue
            for reference in ("referrer_id", "target_member_id"):
                if row.get(reference) == GONE:
                    row[reference] = None
            if row.get("author_id") == GONE:
                row |= {"author_id": None, "title": None}
            if GONE in (row.get("text") or ""):
                row["text"] = None
            rows.append(row)
        left[table] = rows
    return left


def test_nothing_of_the_member_is_left_and_nothing_of_anybody_else_is_lost(without_member: Erased) -> None:
    forum, before, told = without_member.folder, without_member.before, without_member.told
    assert holding(forum) == []
    after = landed(forum)
    assert {table: frame.to_dicts() for table, frame in after.items()} == expected(before)
    check_counts(forum)
    lists = forum / "lists" / NIGHT.isoformat()
    assert pl.read_parquet(lists / "members.parquet")["member_id"].to_list() == sorted(WHO[1:])
    assert pl.read_csv(lists / "contact_list.csv")["member_id"].to_list() == ["anna-k-2"]
    assert (lists / "contact_list.csv").read_bytes().startswith(b"\xef\xbb\xbfas_of,")
    assert (forum / "reports" / "page.html").read_text() == "<p>(erased) and anna-k-2</p>"
    assert "landing/members.csv" in "".join(told)
    assert GONE not in "".join(told)


def test_the_certificate_says_what_was_done_and_names_nobody(without_member: Erased) -> None:
    forum, before = without_member.folder, without_member.before
    (path,) = (path for path in (forum / "erasures").glob("*.json") if path.name != "register.json")
    certificate = json.loads(path.read_text())
    taken = {one["table"]: one["rows"] for one in certificate["taken"]}
    assert taken["events"] == before["events"].filter(pl.col("member_id") == GONE).height
    assert taken["quarantine"] == 1
    assert certificate["finished_at"]
    assert certificate["still_found"] == []
    assert certificate["bytes_unpacked"] > certificate["bytes_on_disk"] > 0
    assert {"landing/members.csv", "landing/content.csv", "landing/events.csv"} <= set(certificate["exports_holding"])
    assert "nothing left" in path.with_suffix(".txt").read_text()
    assert (forum / ".evenfall" / "erasure.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("member", [GONE, pytest.param("12347", marks=pytest.mark.soak)])
def test_an_export_that_comes_again_brings_nobody_back_and_every_row_is_counted(forum: Path, member: str) -> None:
    erase(forum, member)
    kept = landed(forum)
    for name in ("members.csv", "content.csv", "events.csv", "feedback.csv"):
        export = forum / "landing" / name
        export.write_text(export.read_text() + "\n")
    write_events(forum, "events-again.csv", range(DAYS * 6 + 9, DAYS * 6 + 40))
    tonight = take_in(forum, night=NIGHT + timedelta(days=1))
    others = OTHERS if member == GONE else frozenset()
    assert holding(forum, member, others) == []
    check_counts(forum)
    assert tonight["left_out"].sum() > 0
    assert tonight.filter(pl.col("table") != "feedback")["quarantined"].sum() == 0
    again = landed(forum)
    assert again["members"].equals(kept["members"])
    assert again["content"].equals(kept["content"])
    assert kept["events"].join(again["events"], on="event_id", how="anti").is_empty()
    new = [number for number in range(DAYS * 6 + 9, DAYS * 6 + 40) if WHO[number % 6] != member]
    assert again["events"].height == kept["events"].height + len(new)


def test_a_repaired_row_brings_nobody_back(forum: Path) -> None:
    export = forum / "landing" / "feedback.csv"
    more = [f"bo_1,{day(4)},5,fine" for _ in range(9)]
    export.write_text(export.read_text() + "\n".join(["carl,not a time,3,fine", *more]) + "\n")
    take_in(forum, night=NIGHT + timedelta(days=1))
    erase(forum, GONE)
    repair = forum / "landing" / "repair.csv"
    list_open(forum, repair_path=repair)
    values = {"value.member_id": GONE, "value.answered_at": day(3)}
    waiting = pl.read_csv(repair, infer_schema=False)
    waiting.with_columns(pl.lit(value).alias(name) for name, value in values.items()).write_csv(repair)
    assert replay(forum, repair_path=repair).startswith("0 rows re-admitted, 1 still")
    assert holding(forum) == []
    check_counts(forum)


def test_many_are_erased_as_one_after_another_with_one_search_and_one_certificate(
    forum: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, asked = tmp_path_factory.mktemp("alone") / "forum", ("bo_1", GONE, "carl")
    shutil.copytree(forum, alone)
    read: Counter[str] = Counter()
    as_ever = Path.read_bytes

    def counting(path: Path) -> bytes:
        read[path.name] += 1
        return as_ever(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", counting)
        told = erase(forum, {member: f"line {number}" for number, member in enumerate((*asked, "nobody-ever"), start=1)})
    assert told[0] == "Not known here: line 4."
    assert told[1].startswith("Erased: 3 members, ")
    # Before and after, and once more for its mapping: however many are asked for.
    assert (read["mlflow.db"], read["page.html"]) == (3, 4)
    for member in asked:
        erase(alone, member)
        assert holding(forum, member) == []
    assert {name: frame.to_dicts() for name, frame in landed(forum).items()} == {
        name: frame.to_dicts() for name, frame in landed(alone).items()
    }
    check_counts(forum)
    (page,) = (forum / "erasures").glob("*.txt")
    certificate = json.loads(page.with_suffix(".json").read_text())
    register = json.loads((forum / "erasures" / "register.json").read_text())
    assert sorted(line["member_hash"] for line in register["erasures"]) == certificate["member_hashes"]
    assert [line["finished_at"] for line in register["erasures"]] == [certificate["finished_at"]] * 3
    assert all(member_hash in page.read_text() for member_hash in certificate["member_hashes"])
    again = erase(forum, {"dörte": "line 1", GONE: "line 2"})
    assert "nothing has come back: line 2." in again[0]
    assert again[1].startswith("Erased: ")


def test_a_certificate_begun_by_an_earlier_release_is_gone_on_with(tmp_path: Path) -> None:
    begun = {
        "format_version": 1,
        "name": "n",
        "member_hash": "ab",
        "asked_at": "2025",
        "looked_for": None,
        "taken": [],
        "past": {},
    }
    (tmp_path / "erasures").mkdir()
    (tmp_path / "erasures" / "n.json").write_text(json.dumps(begun))
    assert read_certificate(tmp_path, "n") == Certificate("n", ("ab",), "2025")


def test_nobody_is_erased_before_somebody_said_yes(forum: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone.txt").write_text(f"{GONE}\n")
    one, many = ("erase", GONE, "--workspace", forum), ("erase", "--from", tmp_path / "gone.txt", "--workspace", forum)
    with monkeypatch.context() as patch:
        # Nobody is there.
        patch.setattr("sys.stdin", io.StringIO())
        for command in (one, many):
            done = evenfall(*command)
            assert (done.code, "--yes" in done.err) == (2, True), done
        assert evenfall(*one, "--from", tmp_path / "gone.txt").code == 2
        assert evenfall("erase", "--workspace", forum).code == 2
    code, said = at_a_terminal("n\n", *many)
    assert (code, "Nothing was erased." in said) == (0, True), said
    events = landed(forum)["events"].filter((pl.col("member_id") == GONE) | (pl.col("target_member_id") == GONE)).height
    assert f"{events} rows are theirs or name them" in said
    assert holding(forum)
    code, said = at_a_terminal("y\n", *one)
    assert (code, "Erased: " in said) == (0, True), said
    assert holding(forum) == []


def at_a_terminal(answer: str, *command: str | Path) -> tuple[int, str]:
    """Run `evenfall …` at a terminal where somebody answers."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *command], stdin=theirs, capture_output=True, text=True, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stdout + done.stderr


class Killed(BaseException):
    """What a killed process looks like from inside."""


@pytest.mark.parametrize("chosen", [slice(0, 1), pytest.param(slice(None), marks=pytest.mark.soak)], ids=["the first", "every"])
def test_killed_after_a_step_and_run_again_it_ends_the_same(
    forum: Path, tmp_path_factory: pytest.TempPathFactory, chosen: slice
) -> None:
    steps: list[str] = []
    whole = tmp_path_factory.mktemp("whole") / "forum"
    shutil.copytree(forum, whole)
    erase(whole, GONE, after_step=steps.append)
    assert len(steps) > 5
    for step in steps[chosen]:
        broken = tmp_path_factory.mktemp("broken") / "forum"
        shutil.copytree(forum, broken)

        def kill(done: str, step: str = step) -> None:
            if done == step:
                raise Killed

        with pytest.raises(Killed):
            erase(broken, GONE, after_step=kill)
        take_in(broken)
        check_counts(broken)
        erase(broken, GONE)
        assert holding(broken) == [], step
        for table, frame in landed(whole).items():
            assert landed(broken)[table].equals(frame), (step, table)
        register = json.loads((broken / "erasures" / "register.json").read_text())
        assert [line["finished_at"] is not None for line in register["erasures"]] == [True]


def test_killed_before_the_landed_tables_are_recorded_a_night_takes_it_back(forum: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = landed(forum)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.erasure.tables.record", die)
        with pytest.raises(Killed):
            erase(forum, GONE)
    take_in(forum)
    for table, frame in landed(forum).items():
        assert frame.equals(before[table]), table
    check_counts(forum)
    erase(forum, GONE)
    assert holding(forum) == []


def test_the_rollups_are_as_if_the_member_had_never_been_there(erased: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    lake = Lake(erased / "lake")
    kept = {name: lake.scan(name).collect() for name in ("daily", "ties")}
    anew = tmp_path_factory.mktemp("anew")
    shutil.copytree(erased / "lake", anew / "lake")
    for name in kept:
        shutil.rmtree(anew / "lake" / name)
    roll_up(Lake(anew / "lake"), timezone="UTC", now_date=NIGHT)
    for name, frame in kept.items():
        assert Lake(anew / "lake").scan(name).collect().sort(frame.columns).equals(frame.sort(frame.columns)), name
    assert roll_up(lake, timezone="UTC", now_date=NIGHT) == []


def test_erasing_twice_changes_nothing_and_a_stranger_is_refused(erased: Path) -> None:
    files = {path: path.read_bytes() for path in files_below(erased) if path.name != "holder.json"}
    assert "nothing has come back: this member" in erase(erased, GONE)[0]
    with pytest.raises(ConfigurationError, match="nobody of that id"):
        erase(erased, "nobody-ever")
    assert {path: path.read_bytes() for path in files_below(erased) if path.name != "holder.json"} == files


def test_a_run_that_holds_the_workspace_is_not_disturbed(forum: Path) -> None:
    with Workspace(forum).locked("nightly"), pytest.raises(WorkspaceBusyError):
        erase(forum, GONE)
    assert holding(forum)


def test_a_member_known_from_the_quarantine_or_old_versions_alone_is_erased_too(forum: Path) -> None:
    lake = Lake(forum / "lake")
    export = forum / "landing" / "members.csv"
    export.write_text(export.read_text().replace("carl,", "carl-the-second,"))
    assert "carl-once" not in str(landed(forum))
    lake.replace("notes", pl.DataFrame({"said": ["hello carl-once"]}))
    lake.replace("notes", pl.DataFrame({"said": ["hello"]}))
    assert holding(forum, "carl-once")
    erase(forum, "carl-once")
    assert holding(forum, "carl-once") == []


def test_without_its_key_no_night_runs(erased: Path) -> None:
    (erased / ".evenfall" / "erasure.key").unlink()
    with pytest.raises(ConfigurationError, match="key"):
        take_in(erased)
    (erased / ".evenfall" / "erasure.key").write_text("00" * 32)
    with pytest.raises(ConfigurationError, match="another one"):
        take_in(erased)


def test_an_export_named_after_the_member_is_not_named_in_the_lake(tmp_path: Path) -> None:
    write_forum(tmp_path)
    write_events(tmp_path, f"events-{GONE}.csv", range(DAYS * 6, DAYS * 6 + 9))
    take_in(tmp_path)
    erase(tmp_path, GONE)
    assert holding(tmp_path) == []
    read_before = read_arrivals(Lake(tmp_path / "lake")).height
    take_in(tmp_path, night=NIGHT + timedelta(days=1))
    assert read_arrivals(Lake(tmp_path / "lake")).height == read_before
    assert holding(tmp_path) == []
