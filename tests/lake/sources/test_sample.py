"""Samples: the beginning of an export, read as the whole would be."""

from __future__ import annotations

import gzip
import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.contracts import ORDERS
from lake.sources.discovery import discover
from lake.sources.sample import Sample, read_sample
from lake.sources.source_settings import SourceSettings

ROWS = pl.DataFrame({"id": [f"ö{n}" for n in range(1000)], "note": [f'two\nlines, "{n}"' for n in range(1000)]})


def sample(root: Path, *, most_bytes: int = 4_000, most_rows: int = 10_000, **settings: Any) -> Sample:
    (export,) = discover(ORDERS, [SourceSettings.model_validate(settings)], root=root)
    return read_sample(export, most_bytes=most_bytes, most_rows=most_rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_of_text_only_whole_records_of_the_beginning_are_read(tmp_path: Path, encoding: str, pack: Any) -> None:
    # Long enough that a gzip file is larger than what is read of it.
    rows = pl.concat([ROWS.with_columns(id=pl.format("{}-{}", "id", pl.lit(str(7919**n)))) for n in range(30)])
    (tmp_path / "x.csv").write_bytes(pack(rows.write_csv().encode(encoding)))
    found = sample(tmp_path, path="x.csv", encoding=encoding)
    assert not found.is_whole
    assert 40 < found.rows.height < 200
    assert found.rows.equals(rows.head(found.rows.height))
    whole = sample(tmp_path, path="x.csv", encoding=encoding, most_bytes=10_000_000, most_rows=rows.height)
    assert whole.is_whole
    assert whole.rows.equals(rows)
    fewer = sample(tmp_path, path="x.csv", encoding=encoding, most_bytes=10_000_000, most_rows=7)
    assert (fewer.is_whole, fewer.rows.height) == (False, 7)


def test_a_stray_quote_does_not_keep_the_sample_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('id,note\n1,5" pipe\n' + "2,plain\n" * 2_000)
    assert sample(tmp_path, path="x.csv").rows.head(2).rows() == [("1", '5" pipe'), ("2", "plain")]


def test_json_lines_are_cut_at_a_line(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"id": "1\\"", "n": 1}\n' * 1_000)
    found = sample(tmp_path, path="x.jsonl")
    assert (found.is_whole, found.rows.unique().rows()) == (False, [('1"', 1)])


def test_of_parquet_and_of_a_query_only_so_many_rows_are_read(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "x[1].parquet")
    few = sample(tmp_path, path="x[1].parquet", most_rows=3)
    assert (few.is_whole, few.rows.rows()) == (False, ROWS.head(3).rows())
    assert sample(tmp_path, path="x[1].parquet", most_rows=1_000).is_whole
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        database.execute("CREATE TABLE t (id TEXT)")
        database.executemany("INSERT INTO t VALUES (?)", [(str(n),) for n in range(5)])
        database.commit()
    asked = {"uri": "sqlite:///x.db", "query": "SELECT id FROM t ORDER BY id -- all;"}
    assert sample(tmp_path, **asked, most_rows=2).rows.rows() == [("0",), ("1",)]
    assert sample(tmp_path, **asked).is_whole


def test_excel_is_read_whole(tmp_path: Path) -> None:
    held = io.BytesIO()
    ROWS.head(5).write_excel(held)
    (tmp_path / "x.xlsx").write_bytes(held.getvalue())
    found = sample(tmp_path, path="x.xlsx", most_rows=2)
    assert (found.is_whole, found.rows["id"].to_list()) == (False, ["ö0", "ö1"])
