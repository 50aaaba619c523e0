"""Searching files for members' ids, with everything unpacked that our files pack.

Parquet is decoded column by column, nested ones included; gzip, zip and Excel are unpacked; logs and JSON are read as values;
databases of SQLite cell by cell. Beside that, the bytes themselves are searched: footers keep extremes, and databases what
they have deleted.
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
_SQLITE: Final = b"SQLite format 3\x00"
_FOOTER_LENGTH_BYTES: Final = 8


@dataclass(frozen=True)
class Searched:
    """What a search went through and found.

    Args:
        files: How many files.
        bytes_on_disk: Their sizes.
        bytes_unpacked: What was searched: their bytes and everything unpacked from them.
        holding: The files that name one of the members, sorted.
        unreadable: The files that could not be searched, sorted.
        named: The members who are named in one of the files at least.
    """

    files: int
    bytes_on_disk: int
    bytes_unpacked: int
    holding: tuple[File, ...]
    unreadable: tuple[File, ...]
    named: frozenset[str]


def search(paths: Iterable[File], wanted: IdMatcher | IdMatchers) -> Searched:
    """Search files once, for one member or for many.

    Args:
        paths: Files and objects of buckets; what vanishes meanwhile holds nothing.
        wanted: The ids.

    Raises:
        OutsideServiceError: The object store does not answer, or refuses.
    """
    matchers = IdMatchers([wanted]) if isinstance(wanted, IdMatcher) else wanted
    unseen = set(matchers.ids)
    files = on_disk = unpacked = 0
    holding: list[File] = []
    unreadable: list[File] = []
    for path, data in _contents(paths):
        if data is None:
            unreadable.append(path)
            continue
        files += 1
        on_disk += len(data)
        look = _Look(matchers)
        if _names_one(look.into(data, path=path), unseen):
            holding.append(path)
        unpacked += look.searched
        if look.failed:
            unreadable.append(path)
    named = frozenset(matchers.ids) - unseen
    return Searched(files, on_disk, unpacked, tuple(sorted(holding, key=str)), tuple(sorted(unreadable, key=str)), named)


def _names_one(found: Iterator[str], unseen: set[str]) -> bool:
    """Whether a file names anybody; it is looked at to its end only while there are members whom no file has named yet."""
    names = False
    for member in found:
        names = True
        unseen.discard(member)
        if not unseen:
            break
    return names


def _contents(paths: Iterable[File]) -> Iterator[tuple[File, bytes | None]]:
    """Every file that is still there with its content; None for one that cannot be read. Objects of buckets come last."""
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
    yield from ((file, content) for file, content in read_ahead(in_buckets) if content is not None)


def files_below(folder: Path, *, without: Collection[File] = ()) -> Iterator[Path]:
    """Every file below a folder, hidden ones included, sorted; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path not in without:
            yield path


class _Look:
    """One file's search, which counts what it went through and gives whom it finds, as often as it finds them."""

    def __init__(self, matchers: IdMatchers) -> None:
        self.matchers = matchers
        self.searched = 0
        self.failed = False

    def into(self, data: bytes, *, path: File) -> Iterator[str]:
        """Whom a file or what it packs names."""
        try:
            if data.startswith(_SQLITE):
                yield from self._plain(data)
                yield from self._in_database(path)
            else:
                yield from self._unpacked(data, name=path.name, is_log=PurePosixPath(str(path)).parent.name == LOG)
        except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, pl.exceptions.PolarsError, sqlite3.Error):
            self.failed = True
            yield from self._plain(data)

    def _unpacked(self, data: bytes, *, name: str, is_log: bool = False) -> Iterator[str]:
        if data.startswith(_PARQUET):
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
        """Ids that count only where ids are kept."""
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
        length = int.from_bytes(data[-_FOOTER_LENGTH_BYTES : -_FOOTER_LENGTH_BYTES // 2], "little") + _FOOTER_LENGTH_BYTES
        is_searched_whole = bool(self.matchers.by_length[True].words)
        self.searched += len(data) if is_searched_whole else length
        yield from self.matchers.by_length[True].in_bytes(data)
        yield from self.matchers.by_length[False].in_bytes(data[-length:])
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
        elif dtype == pl.Binary:
            for value in column.drop_nulls():
                yield from self._plain(value)
        elif dtype == pl.String:
            self.searched += int(column.str.len_bytes().sum() or 0)
            if name != "path":
                yield from self._in_texts(column, name=name)

    def _in_texts(self, texts: pl.Series, *, name: str) -> Iterator[str]:
        near = pl.DataFrame({"text": texts}).filter(self.matchers.near(pl.col("text"), values=True))["text"].unique()
        for text in near:
            yield from self._in_cell(text, column=name)

    def _in_cell(self, text: str, *, column: str) -> Iterator[str]:
        if column in ID_COLUMNS and text in self.matchers.values:
            yield text
        inner = None
        if text[:1] in ("{", "["):
            with suppress(ValueError):
                inner = json.loads(text)
        yield from self.matchers.in_text(text) if inner is None else self.matchers.in_json(_without_paths(inner))

    def _in_zip(self, data: bytes, *, name: str) -> Iterator[str]:
        if self.matchers.values and name.endswith(".xlsx"):
            sheet = pl.read_excel(io.BytesIO(data), infer_schema_length=0)
            self.searched += len(data)
            for column in filter(_is_id_column, sheet.columns):
                yield from self.matchers.values & set(sheet[column])
            if not self.matchers.words:
                return
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for member in packed.infolist():
                yield from self._unpacked(packed.read(member), name=member.filename)

    def _in_csv(self, data: bytes) -> Iterator[str]:
        lines = csv.reader(io.StringIO(data.decode("utf-8", "replace")))
        places = [place for place, name in enumerate(next(lines, [])) if _is_id_column(name)]
        for line in lines:
            yield from (line[place] for place in places if len(line) > place and line[place] in self.matchers.values)

    def _in_database(self, path: File) -> Iterator[str]:
        if not isinstance(path, Path):
            raise OSError("a database is opened where it lies, and nobody keeps one in a bucket")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            for column, cell in text_cells(connection):
                if isinstance(cell, bytes):
                    yield from self._plain(cell)
                    continue
                self.searched += len(cell)
                if self.matchers.may_be_in(cell):
                    yield from self._in_cell(cell, column=column)


def text_cells(connection: sqlite3.Connection) -> Iterator[tuple[str, str | bytes]]:
    """Every text and blob of a database with its column's name."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        rows = connection.execute(f"SELECT * FROM {quoted(table)}")  # noqa: S608 - the name is quoted
        names = [described[0] for described in rows.description]
        for row in rows:
            yield from ((name, cell) for name, cell in zip(names, row, strict=True) if isinstance(cell, str | bytes))


def quoted(name: str) -> str:
    """A table's or column's name as SQLite reads it."""
    return '"' + name.replace('"', '""') + '"'


def _is_id_column(name: str) -> bool:
    return name.strip().lower().replace(" ", "_") in ID_COLUMNS


def _without_paths(value: object) -> object:
    """A log's entry without the names of data files: they are numbered by the writer, never called after members."""
    if not isinstance(value, dict):
        return value
    return {key: _without_paths(inner) for key, inner in value.items() if key != "path"}
