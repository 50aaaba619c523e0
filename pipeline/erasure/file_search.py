"""Search files for members' ids, packed content included.

Parquet is decoded column by column, nested columns included; gzip, zip and Excel are unpacked; table logs and JSON are read as
values; SQLite databases cell by cell. The raw bytes are searched as well, but for checkpoints of table logs: Parquet footers
store minima and maxima, and databases keep deleted text in unused pages.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl

from lake.storage.bucket import BucketFile, read_ahead
from lake.storage.snapshots import LOG
from lake.storage.storage import File
from pipeline.erasure.id_matcher import ID_COLUMNS, IdMatcher, json_lines
from pipeline.erasure.id_matchers import IdMatchers

_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
SQLITE_HEADER: Final = b"SQLite format 3\x00"
_FOOTER_LENGTH_BYTES: Final = 8


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Args:
        files: The number of files searched.
        bytes_on_disk: The size of these files.
        bytes_unpacked: The bytes searched: the files' own bytes and everything unpacked from them.
        holding: The files that name a member, sorted.
        unreadable: The files that could not be read or unpacked, sorted.
        named: The members who are named in at least one file.
    """

    files: int
    bytes_on_disk: int
    bytes_unpacked: int
    holding: tuple[File, ...]
    unreadable: tuple[File, ...]
    named: frozenset[str]


def search(paths: Iterable[File], wanted: IdMatcher | IdMatchers) -> SearchResult:
    """Search files once, for one member or for many.

    Args:
        paths: Files, and objects of buckets; a file that vanishes meanwhile is skipped.
        wanted: The matcher of one member, or of many.

    Raises:
        OutsideServiceError: The object store does not answer, or denies access.
    """
    matchers = IdMatchers([wanted]) if isinstance(wanted, IdMatcher) else wanted
    not_named_yet = set(matchers.ids)
    files = bytes_on_disk = bytes_unpacked = 0
    holding: list[File] = []
    unreadable: list[File] = []
    for path, data in _contents(paths):
        if data is None:
            unreadable.append(path)
            continue
        files += 1
        bytes_on_disk += len(data)
        file_search = _FileSearch(matchers)
        if _names_a_member(file_search.members_in(data, path=path), not_named_yet):
            holding.append(path)
        bytes_unpacked += file_search.searched
        if file_search.failed:
            unreadable.append(path)
    named = frozenset(matchers.ids) - not_named_yet
    return SearchResult(
        files, bytes_on_disk, bytes_unpacked, tuple(sorted(holding, key=str)), tuple(sorted(unreadable, key=str)), named
    )


def _names_a_member(members: Iterator[str], not_named_yet: set[str]) -> bool:
    """Return whether a file names a member, and remove the members it names from `not_named_yet`.

    The rest of a file is read only while a member is left whom no file has named: after that, one hit per file is enough.
    """
    is_named = False
    for member in members:
        is_named = True
        not_named_yet.discard(member)
        if not not_named_yet:
            break
    return is_named


def _contents(paths: Iterable[File]) -> Iterator[tuple[File, bytes | None]]:
    """Yield each existing file with its content, None for an unreadable one; objects of buckets come last, read ahead."""
    in_buckets: list[BucketFile] = []
    for path in paths:
        if isinstance(path, BucketFile):
            in_buckets.append(path)
            continue
        try:
            yield path, path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError:
            yield path, None
    # Objects are fetched in parallel ahead of the search, since the answer of the store takes longer than the search.
    yield from ((file, content) for file, content in read_ahead(in_buckets) if content is not None)


def files_below(folder: Path, *, without: Collection[File] = ()) -> Iterator[Path]:
    """Yield every file below a folder, sorted, hidden files included; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path not in without:
            yield path


class _FileSearch:
    """The search of one file; counts the bytes it has searched, and yields a member as often as the file names them."""

    def __init__(self, matchers: IdMatchers) -> None:
        self.matchers = matchers
        self.searched = 0
        self.failed = False

    def members_in(self, data: bytes, *, path: File) -> Iterator[str]:
        """Yield the members whom a file or its packed content names; sets `failed` if it cannot be unpacked."""
        try:
            if data.startswith(SQLITE_HEADER):
                yield from self._plain(data)
                yield from self._in_database(path)
            else:
                yield from self._unpacked(data, name=path.name, is_log=PurePosixPath(str(path)).parent.name == LOG)
        # Whatever is wrong inside, the bytes can be searched; the certificate lists the file as not unpacked.
        except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, pl.exceptions.PolarsError, sqlite3.Error):
            self.failed = True
            yield from self._plain(data)

    def _unpacked(self, data: bytes, *, name: str, is_log: bool = False) -> Iterator[str]:
        if data.startswith(_PARQUET) and is_log:
            # A checkpoint's footer is not searched: where a long text is the greatest of its column, the footer has the beginning
            # with the last letter raised, which may turn "c000" into "c001". The texts themselves are in the columns.
            self.searched += len(data)
            yield from self._in_columns(data)
        elif data.startswith(_PARQUET):
            yield from self._in_parquet(data)
        elif data.startswith(_GZIP):
            yield from self._unpacked(gzip.decompress(data), name=name.removesuffix(".gz"))
        elif data.startswith(_ZIP):
            yield from self._in_zip(data, name=name)
        elif is_log:
            yield from self._in_json(data)
        else:
            yield from self._values_in(data, name=name)
            yield from self._plain(data)

    def _values_in(self, data: bytes, *, name: str) -> Iterator[str]:
        """Yield short ids, which count only as whole values of id columns."""
        if self.matchers.values and name.endswith(".csv"):
            yield from self._in_csv(data)
        elif self.matchers.values and name.endswith((".json", ".jsonl")):
            yield from self._in_json(data)

    def _in_json(self, data: bytes) -> Iterator[str]:
        self.searched += len(data)
        for value in json_lines(data):
            yield from self.matchers.in_json(_without_paths(value))

    def _plain(self, data: bytes) -> Iterator[str]:
        self.searched += len(data)
        return self.matchers.in_bytes(data)

    def _in_parquet(self, data: bytes) -> Iterator[str]:
        # Parquet ends with the footer, its length in 4 bytes, and 4 bytes of magic. Data pages are compressed, so that short ids
        # would match them by chance: those are searched in the footer alone, and in the decoded columns below.
        length = int.from_bytes(data[-_FOOTER_LENGTH_BYTES : -_FOOTER_LENGTH_BYTES // 2], "little") + _FOOTER_LENGTH_BYTES
        is_searched_whole = bool(self.matchers.by_length[True].words)
        self.searched += len(data) if is_searched_whole else length
        yield from self.matchers.by_length[True].in_bytes(data)
        yield from self.matchers.by_length[False].in_bytes(data[-length:])
        yield from self._in_columns(data)

    def _in_columns(self, data: bytes) -> Iterator[str]:
        frame = pl.read_parquet(io.BytesIO(data), hive_partitioning=False)
        for column in frame.iter_columns():
            yield from self._in_column(column, name=column.name)

    def _in_column(self, column: pl.Series, *, name: str) -> Iterator[str]:
        dtype = column.dtype
        if isinstance(dtype, pl.List | pl.Array):
            yield from self._in_column(column.explode(empty_as_null=False, keep_nulls=False), name=name)
        elif isinstance(dtype, pl.Struct):
            for field in column.struct.fields:
                yield from self._in_column(column.struct.field(field), name=field)
        elif isinstance(dtype, pl.Categorical | pl.Enum):
            yield from self._in_column(column.cast(pl.String), name=name)
        elif isinstance(dtype, pl.Map):
            for entries in column.drop_nulls():
                yield from self._in_cell(json.dumps(entries, default=str), column=name)
        elif dtype == pl.Binary:
            for value in column.drop_nulls():
                yield from self._plain(value)
        elif dtype == pl.String:
            self.searched += int(column.str.len_bytes().sum() or 0)
            # Columns `path` hold names of data files, which the writer draws at random.
            if name != "path":
                yield from self._in_texts(column, name=name)

    def _in_texts(self, texts: pl.Series, *, name: str) -> Iterator[str]:
        # A vectorised filter first: the exact search is Python code, and runs on each different text once.
        candidates = pl.DataFrame({"text": texts}).filter(self.matchers.near(pl.col("text"), values=True))["text"].unique()
        for text in candidates:
            yield from self._in_cell(text, column=name)

    def _in_cell(self, text: str, *, column: str) -> Iterator[str]:
        if column in ID_COLUMNS and text in self.matchers.values:
            yield text
        parsed = None
        if text[:1] in ("{", "["):
            with suppress(ValueError):
                parsed = json.loads(text)
        yield from self.matchers.in_text(text) if parsed is None else self.matchers.in_json(_without_paths(parsed))

    def _in_zip(self, data: bytes, *, name: str) -> Iterator[str]:
        # Before unpacking: in the XML of a sheet short ids cannot be told from row numbers, so that its id columns are read.
        if self.matchers.values and name.endswith(".xlsx"):
            sheet = pl.read_excel(io.BytesIO(data), infer_schema_length=0)
            self.searched += len(data)
            for column in filter(_is_id_column, sheet.columns):
                yield from self.matchers.values & set(sheet[column])
            if not self.matchers.words:
                return
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield from self._unpacked(archive.read(entry), name=entry.filename)

    def _in_csv(self, data: bytes) -> Iterator[str]:
        lines = csv.reader(io.StringIO(data.decode("utf-8", "replace")))
        id_columns = [index for index, name in enumerate(next(lines, [])) if _is_id_column(name)]
        for line in lines:
            yield from (line[index] for index in id_columns if len(line) > index and line[index] in self.matchers.values)

    def _in_database(self, path: File) -> Iterator[str]:
        if not isinstance(path, Path):
            raise OSError("a database is opened where it lies, and nobody keeps one in a bucket")
        # Read-only: a search must not change what it searches.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            # A cell with broken UTF-8 must not end the search.
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            for column, cell in text_cells(connection):
                if isinstance(cell, bytes):
                    yield from self._plain(cell)
                    continue
                self.searched += len(cell)
                if self.matchers.may_be_in(cell):
                    yield from self._in_cell(cell, column=column)


def text_cells(connection: sqlite3.Connection) -> Iterator[tuple[str, str | bytes]]:
    """Yield every text and blob of a database with the name of its column."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        rows = connection.execute(f"SELECT * FROM {quoted(table)}")  # noqa: S608 - the name is quoted
        names = [description[0] for description in rows.description]
        for row in rows:
            yield from ((name, cell) for name, cell in zip(names, row, strict=True) if isinstance(cell, str | bytes))


def quoted(name: str) -> str:
    """Quote the name of a table or column for SQLite."""
    return '"' + name.replace('"', '""') + '"'


def _is_id_column(name: str) -> bool:
    return name.strip().lower().replace(" ", "_") in ID_COLUMNS


def _without_paths(value: object) -> object:
    """Remove the names of data files from a log entry: the writer draws them at random, so that they name nobody."""
    if not isinstance(value, dict):
        return value
    return {key: _without_paths(inner) for key, inner in value.items() if key != "path"}
