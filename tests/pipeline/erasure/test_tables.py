"""An id is found wherever our files can hide it, never mistaken for another member's, and hashes remember nobody by name."""

from __future__ import annotations

import gzip
import html
import json
import sqlite3
import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.contracts import CONTENT, EVENTS
from lake.errors import ConfigurationError
from lake.record_keys import with_keys
from lake.sources.mapping import ROW_NO, Mapped
from lake.storage.delta import Lake
from outputs.excel import write_excel
from pipeline.erasure.file_search import search
from pipeline.erasure.id_matcher import IdMatcher
from pipeline.erasure.register import (
    KEY_FILE,
    KEY_VARIABLE,
    Erasure,
    ErasureRegister,
    leave_out,
    mask_of,
    read_register,
    with_key,
    without_names,
    write_register,
)

MEMBER = "m-1042/ä"
KEY = b"0123456789abcdef"


def found_in(path: Path, member: str = MEMBER) -> bool:
    return bool(search([path], IdMatcher(member)).holding)


def hide(folder: Path, how: str, member: str) -> Path:
    """Write a file that names a member, in one of the ways of ours."""
    path = folder / f"it.{how}"
    if how == "parquet":
        pl.DataFrame({"a": [1, 2], "member_id": ["x", member]}).write_parquet(path)
    elif how == "nested.parquet":
        pl.DataFrame({"reasons": [None, [{"n": 1, "text": f"as {member} did"}]]}).write_parquet(path)
    elif how == "dictionary.parquet":
        pl.DataFrame({"who": ["x", member] * 50}, schema={"who": pl.Categorical}).write_parquet(path)
    elif how == "csv.gz":
        path.write_bytes(gzip.compress(f"member_id\n{member}\n".encode()))
    elif how == "xlsx":
        write_excel(path, pl.DataFrame({"member_id": ["x", member]}), title="Members", currency=None)
    elif how == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("inside/it.csv", f"a,{member},b")
    elif how == "json":
        path.write_text(json.dumps({"values": json.dumps({"member_id": member})}))
    elif how == "html":
        path.write_text(f"<td>{html.escape(member)}</td>")
    elif how == "db":
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (note TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", [f"about {member}."])
        connection.commit()
        connection.close()
    return path


WAYS = ("parquet", "nested.parquet", "dictionary.parquet", "csv.gz", "xlsx", "zip", "json", "html", "db")


@pytest.mark.parametrize("member", [MEMBER, "anna<&>", "12347", "3f2a9c1e-77aa-4b1f-9d0e-5c1b2a3d4e5f"])
@pytest.mark.parametrize("how", WAYS)
def test_an_id_is_found_however_it_is_packed(tmp_path: Path, how: str, member: str) -> None:
    assert found_in(hide(tmp_path, how, member), member)
    assert not found_in(hide(tmp_path, how, "somebody-else"), member)


def test_the_statistics_of_a_table_name_members_long_after_their_rows_are_gone(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    rows = pl.DataFrame({"event_date": [date(2025, 1, 1)], "member_id": [MEMBER]})
    lake.replace_days("events", rows, days={date(2025, 1, 1)})
    lake.replace_days("events", rows.clear(), days={date(2025, 1, 1)})
    assert lake.row_count("events") == 0
    assert found_in(lake.path("events") / "_delta_log" / f"{0:020}.json")
    DeltaTable(lake.path("events"), version=0).create_checkpoint()
    assert found_in(lake.path("events") / "_delta_log" / f"{0:020}.checkpoint.parquet")


def test_a_data_file_that_happens_to_be_numbered_like_a_member_names_nobody(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.replace("notes", pl.DataFrame({"member_id": ["c002"]}))
    folder = lake.path("notes")
    [written] = folder.glob("*.parquet")
    numbered = folder / "part-00000-3f2a9c1e-c001-4b1f-9d0e-5c1b2a3d4e5f-c000.snappy.parquet"
    written.rename(numbered)
    log = folder / "_delta_log" / f"{0:020}.json"
    log.write_text(log.read_text().replace(written.name, numbered.name))
    DeltaTable(folder).create_checkpoint()
    checkpoint = folder / "_delta_log" / f"{0:020}.checkpoint.parquet"
    assert b"-c001-" in checkpoint.read_bytes()
    assert not found_in(checkpoint, "c001")
    assert found_in(checkpoint, "c002")


def test_a_truncated_maximum_in_the_footer_of_a_checkpoint_names_nobody(tmp_path: Path) -> None:
    stats = json.dumps({"numRecords": 2, "note": "--", "minValues": {"member_id": "c000", "note": "-" * 50}})
    checkpoint = tmp_path / "_delta_log" / f"{2:020}.checkpoint.parquet"
    checkpoint.parent.mkdir()
    values = pl.Series([{"region": "c003"}], dtype=pl.Map(pl.String(), pl.String()))
    pl.DataFrame({"stats": [stats], "partitionValues": values}).write_parquet(checkpoint)
    # Statistics of texts end after 64 bytes; of a maximum the last letter is raised.
    assert stats[:64].endswith('"c000')
    assert b'"c001' in checkpoint.read_bytes()
    assert not found_in(checkpoint, "c001")
    assert found_in(checkpoint, "c000")
    assert found_in(checkpoint, "c003")


def test_what_a_database_has_deleted_is_still_found_in_its_pages(tmp_path: Path) -> None:
    path = hide(tmp_path, "db", MEMBER)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("DELETE FROM t")
    connection.commit()
    connection.close()
    assert found_in(path)


@pytest.mark.parametrize(
    ("member", "text", "is_named"),
    [
        ("anna", "anna's post", True),
        ("anna", "hanna", False),
        ("anna", "ask anna-2", False),
        ("anna", "anna-2 and anna", True),
        ("anna@forum.example", "hanna@forum.example", False),
        ("12347", "order 12347.", True),
        ("12347", "12347.50", False),
        ("12347", "1,12347", False),
        ("12347", "size 9.12347", False),
        ("c001", "part-00000-3f2a9c1e-c001-4b1f-9d0e-5c1b2a3d4e5f-c000.snappy.parquet", False),
        ("c000", "part-00000-3f2a9c1e-77aa-4b1f-9d0e-5c1b2a3d4e5f-c000.snappy.parquet", False),
        ("c001", "cut short by a footer: 3f2a9c1e-c001-4b1f-9d0e-5c1", False),
        ("c001", "3f2a9c1e-c001-4b1f-9d0e-5c1b2a3d4e5f asked c001", True),
        ("c001", "20250101-c001-20250102", True),
        ("7", "7", True),
        ("7", "7 posts", False),
    ],
)
def test_a_member_is_not_mistaken_for_another_nor_for_a_number(member: str, text: str, is_named: bool) -> None:
    matcher = IdMatcher(member, frozenset({"anna-2", "hanna@forum.example"}))
    assert matcher.in_text(text) is is_named
    assert matcher.redacted(text) == (text if matcher.kind == "value" or not is_named else matcher.redacted(text))
    if matcher.kind != "value":
        assert matcher.in_bytes(text.encode()) is is_named
        assert matcher.in_text(matcher.redacted(text)) is False
        assert ("anna-2" in text) == ("anna-2" in matcher.redacted(text))


def test_a_short_number_counts_where_ids_are_kept_and_nowhere_else(tmp_path: Path) -> None:
    for name, frame in {
        "id.parquet": pl.DataFrame({"member_id": ["7"]}),
        "other.parquet": pl.DataFrame({"order_id": ["7"], "n": [7]}),
    }.items():
        frame.write_parquet(tmp_path / name)
    (tmp_path / "id.csv").write_text("rank,member_id\n1,7\n")
    (tmp_path / "other.csv").write_text("rank,member_id\n7,1\n")
    (tmp_path / "id.json").write_text('{"minValues": {"author_id": "7"}}')
    (tmp_path / "other.json").write_text('{"rows": 7, "version": "7"}')
    held = search(sorted(tmp_path.iterdir()), IdMatcher("7")).holding
    assert [path.name for path in held] == ["id.csv", "id.json", "id.parquet"]


def erased_of(*members: str) -> ErasureRegister:
    erased = ErasureRegister(KEY)
    for member in members:
        erased = erased.with_erasure(Erasure(erased.hash_of(member), asked_at="2025-01-01"))
    return erased


IDS = st.sampled_from(["anna", "anna-2", "bo", "carl", "12347", None])


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(["anna", "anna-2", "bo", "12347"]), IDS, IDS), max_size=12))
def test_what_comes_again_is_left_out_or_unnamed_and_keeps_its_derived_key(
    rows: list[tuple[str, str | None, str | None]],
) -> None:
    erased = erased_of("anna", "12347")
    columns = ["member_id", "target_member_id", "channel"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row").with_row_index(ROW_NO, offset=1)
    frame = frame.with_columns(pl.col(ROW_NO).cast(pl.Int64))
    no_rejects = pl.DataFrame(schema={ROW_NO: pl.Int64, "rules": pl.List(pl.String)})
    mapped = leave_out(Mapped(frame, frame, no_rejects, len(rows), 0), table=EVENTS, erased=erased)
    keyed = with_keys(mapped.rows, table=EVENTS)
    unnamed = without_names(keyed, table=EVENTS, erased=erased)
    theirs = {"anna", "12347"}
    kept = [row for row in rows if row[0] not in theirs]
    plain = [tuple(None if value in theirs else value for value in row) for row in kept]
    assert unnamed.select(columns).rows() == plain
    assert mapped.written.select(columns).rows() == plain
    assert mapped.left_out == len(rows) - len(kept)
    before = with_keys(frame, table=EVENTS).join(mapped.rows.select(ROW_NO), on=ROW_NO, how="semi")
    assert unnamed[EVENTS.key].to_list() == before[EVENTS.key].to_list()


def test_content_of_an_erased_author_stays_without_them_where_others_can_refer_to_it() -> None:
    erased = erased_of("anna")
    rows = pl.DataFrame({ROW_NO: [1, 2], "author_id": ["anna", "bo"], "title": ["mine", "on anna"]})
    no_rejects = pl.DataFrame(schema={ROW_NO: pl.Int64, "rules": pl.List(pl.String)})
    without_key = leave_out(Mapped(rows, rows, no_rejects, 2, 0), table=CONTENT, erased=erased)
    assert without_key.rows["author_id"].to_list() == ["bo"]
    keyed = rows.with_columns(content_id=pl.Series(["p1", "p2"]))
    with_key_ = leave_out(Mapped(keyed, keyed, no_rejects, 2, 0), table=CONTENT, erased=erased)
    assert with_key_.written.select("author_id", "title").rows() == [(None, None), ("bo", None)]
    assert with_key_.left_out == 0


def test_the_register_names_nobody_and_needs_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_register(tmp_path).erasures == ()
    erased = with_key(tmp_path, read_register(tmp_path))
    erased = erased.with_erasure(Erasure(erased.hash_of(MEMBER), asked_at="2025-01-01"))
    write_register(tmp_path, erased)
    assert read_register(tmp_path) == erased
    assert search([path for path in tmp_path.rglob("*") if path.is_file()], IdMatcher(MEMBER)).holding == ()
    assert read_register(tmp_path).among(pl.Series(["x", None, MEMBER])).to_list() == [False, False, True]
    (tmp_path / KEY_FILE).rename(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="missing"):
        read_register(tmp_path)
    monkeypatch.setenv(KEY_VARIABLE, "another key, long enough")
    with pytest.raises(ConfigurationError, match="another one"):
        read_register(tmp_path)
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(ConfigurationError, match="shorter"):
        read_register(tmp_path)


def test_a_path_called_after_an_erased_member_is_masked_and_others_are_not() -> None:
    erased = erased_of("anna-k", "bo")
    mask = mask_of(erased.hash_of("anna-k"))
    assert erased.masked("landing/events-anna-k.csv") == f"landing/events-{mask}.csv"
    assert erased.masked("landing/bo/x.csv") == f"landing/{mask_of(erased.hash_of('bo'))}/x.csv"
    assert erased.masked("landing/anna.csv") == "landing/anna.csv"
