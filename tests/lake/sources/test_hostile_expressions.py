"""No expression and no query opens a file or a socket, reads the environment, or shows what a file holds."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import psycopg
import pytest

from lake.errors import EvenfallError
from lake.sources.databases import read_query
from lake.sources.source_settings import SourceSettings
from tests.lake.sources.hostile import EXPRESSIONS, POSTGRES, SQLITE

CANARY = "canary-5b1d07"
IN_OPEN_OR_ACCESS = 0x20 | 0x01
CHILD = """
import json, sys
from pathlib import Path
import polars as pl
from lake.contracts import EVENTS
from lake.sources.databases import read_query
from lake.errors import EvenfallError
from lake.sources.mapping import map_export
from lake.sources.source_settings import SourceSettings

root, expressions, queries = Path(sys.argv[1]), *json.loads(sys.stdin.read())
export = pl.DataFrame({"x": ["a", "b"], "y": ["1", "2"], "t": ["2024-01-01", "2024-01-02"]})
columns = {"member_id": "x", "occurred_at": "t"}

def mapped(event_type, where=None):
    settings = SourceSettings(path="x.csv", where=where, columns={**columns, "event_type": event_type})
    return map_export(export, table=EVENTS, settings=settings, name="events", timezone="UTC")

def asked(query):
    return read_query(SourceSettings(uri="sqlite:///shop.db", query=query, query_timeout_seconds=5), name="events", root=root)

assert mapped("CASE WHEN y > 1 THEN UPPER(x) ELSE x || '!' END", "y IS NOT NULL").rows["event_type"].to_list() == ["a!", "B"]
assert asked("SELECT id, upper('a') AS a FROM t").rows() == [(1, "A")]

seen, watching = [], False
def hook(event, arguments):
    if watching and event.split(".")[0] in ("open", "socket", "os", "subprocess", "ctypes", "urllib", "shutil"):
        seen.append(f"{event} {arguments}")
sys.addaudithook(hook)
told, allowed = [], []
for run, texts in ((mapped, expressions), (lambda text: mapped("x", text), expressions), (asked, queries)):
    for text in texts:
        watching = True
        try:
            found = run(text)
        except EvenfallError as error:
            watching = False
            told.append(f"{error.exit_code} {error}")
        else:
            watching = False
            allowed.append(f"{text}: {found}")
print(json.dumps({"seen": seen, "told": told, "allowed": allowed}))
"""


class Watch:
    """Counts openings of a file by whatever process, as the kernel sees them; audit hooks see those of Python alone."""

    def __init__(self, file: Path) -> None:
        libc = ctypes.CDLL(None)
        self.handle = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self.handle, os.fsencode(file), IN_OPEN_OR_ACCESS) >= 0

    def was_opened(self) -> bool:
        try:
            return bool(os.read(self.handle, 4096))
        except BlockingIOError:
            return False


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every account may read and write, as PostgreSQL's must be able to for the test to mean anything."""
    folder = Path(tempfile.mkdtemp(prefix="evenfall-hostile-"))
    folder.chmod(0o777)
    (folder / "canary.csv").write_text(f"zz\n{CANARY}\n")
    (folder / "canary.csv").chmod(0o644)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def filled(texts: list[str], folder: Path, listener: socket.socket) -> list[str]:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/canary.csv"
    return [text.replace("{file}", str(folder / "canary.csv")).replace("{url}", url) for text in texts]


def assert_nobody_called(listener: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_corpus_is_large_and_says_nothing_twice() -> None:
    assert [len(set(texts)) for texts in (EXPRESSIONS, SQLITE, POSTGRES)] == [len(EXPRESSIONS), len(SQLITE), len(POSTGRES)]
    assert len(EXPRESSIONS) >= 200
    assert len(SQLITE) + len(POSTGRES) >= 130


@pytest.mark.skipif(sys.platform != "linux", reason="watches files through inotify")
def test_the_watch_sees_what_polars_opens_behind_pythons_back(folder: Path) -> None:
    watch = Watch(folder / "canary.csv")
    assert not watch.was_opened()
    pl.sql_expr(f"x IN (SELECT zz FROM read_csv('{folder / 'canary.csv'}'))")
    assert watch.was_opened()


@pytest.mark.skipif(sys.platform != "linux", reason="watches files through inotify")
def test_nothing_is_opened_by_expressions_and_queries_of_sqlite(folder: Path, listener: socket.socket) -> None:
    with closing(sqlite3.connect(folder / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE t (id INTEGER, canary TEXT)")
        shop.execute("INSERT INTO t VALUES (1, ?)", (CANARY,))
    watch, files = Watch(folder / "canary.csv"), sorted(folder.iterdir())
    corpus = json.dumps([filled(EXPRESSIONS, folder, listener), filled(SQLITE, folder, listener)])
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)], input=corpus, capture_output=True, text=True, check=False, timeout=180,
        env={**os.environ, "CANARY": CANARY},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    assert found["allowed"] == []
    assert found["seen"] == []
    assert not watch.was_opened()
    assert_nobody_called(listener)
    assert CANARY not in child.stdout + child.stderr
    assert {told[0] for told in found["told"]} == {"2"}
    assert len(found["told"]) == 2 * len(EXPRESSIONS) + len(SQLITE)
    assert sorted(folder.iterdir()) == files


@pytest.mark.postgres
@pytest.mark.skipif(sys.platform != "linux", reason="watches files through inotify")
def test_nothing_is_opened_by_queries_of_postgresql(postgres_url: str, folder: Path, listener: socket.socket) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as shop:
        shop.execute("CREATE TABLE t AS SELECT 1 AS id, %s AS canary", (CANARY,))
        shop.execute("CREATE SEQUENCE s")
        watch, files = Watch(folder / "canary.csv"), sorted(folder.iterdir())
        for query in filled(POSTGRES, folder, listener):
            settings = SourceSettings(uri=postgres_url, query=query, query_timeout_seconds=5)
            with pytest.raises(EvenfallError) as error:
                read_query(settings, name="events", root=folder)
            assert CANARY not in str(error.value), query
            assert error.value.exit_code in (2, 3), query
        assert not watch.was_opened()
        assert_nobody_called(listener)
        assert sorted(folder.iterdir()) == files
        assert shop.execute("SELECT id FROM t").fetchall() == [(1,)]
        # The same account may do what was refused: the refusal is not the server's.
        assert shop.execute("SELECT pg_read_file(%s)", (str(folder / "canary.csv"),)).fetchall() == [(f"zz\n{CANARY}\n",)]
        assert watch.was_opened()
        shop.execute("DROP TABLE t")
        shop.execute("DROP SEQUENCE s")
