"""Searching files for one member's id, with everything unpacked that our files pack.

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
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl

from lake.bucket import BucketFile, read_ahead
from lake.needle import ID_COLUMNS, Needle, json_lines
from lake.places import File
from lake.snapshots import LOG

_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_SQLITE: Final = b"SQLite format 3\x00"
# Compressed pages are noise: so short a word would turn up in them by chance.
_SHORTEST_IN_NOISE: Final = 6
_FOOTER_LENGTH_BYTES: Final = 8


@dataclass(frozen=True)
class Searched:
    """What a search went through and found.

    Args:
        files: How many files.
        bytes_on_disk: Their sizes.
        bytes_unpacked: What was searched: their bytes and everything unpacked from them.
        holding: The files that name the member, sorted.
        unreadable: The files that could not be searched, sorted.
    """

    files: int
    bytes_on_disk: int
    bytes_unpacked: int
    holding: tuple[File, ...]
    unreadable: tuple[File, ...]


def search(paths: Iterable[File], needle: Needle) -> Searched:
    """Search files for a member's id.

    Args:
        paths: Files and objects of buckets; what vanishes meanwhile holds nothing.
        needle: The id.

    Raises:
        OutsideServiceError: The object store does not answer, or refuses.
    """
    files = on_disk = unpacked = 0
    holding: list[File] = []
    unreadable: list[File] = []
    for path, data in _contents(paths):
        if data is None:
            unreadable.append(path)
            continue
        files += 1
        on_disk += len(data)
        look = _Look(needle)
        if look.into(data, path=path):
            holding.append(path)
        unpacked += look.searched
        if look.failed:
            unreadable.append(path)
    return Searched(files, on_disk, unpacked, tuple(sorted(holding, key=str)), tuple(sorted(unreadable, key=str)))


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
    """One file's search, which counts what it went through."""

    def __init__(self, needle: Needle) -> None:
        self.needle = needle
        self.searched = 0
        self.failed = False

    def into(self, data: bytes, *, path: File) -> bool:
        """Whether a file or what it packs names the member."""
        try:
            if data.startswith(_SQLITE):
                return self._plain(data) or self._in_database(path)
            return self._unpacked(data, name=path.name, is_log=PurePosixPath(str(path)).parent.name == LOG)
        except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, pl.exceptions.PolarsError, sqlite3.Error):
            self.failed = True
            return self._plain(data)

    def _unpacked(self, data: bytes, *, name: str, is_log: bool = False) -> bool:
        if data.startswith(_PARQUET):
            return self._in_parquet(data)
        if data.startswith(_GZIP):
            return self._unpacked(gzip.decompress(data), name=name.removesuffix(".gz"))
        if data.startswith(_ZIP):
            return self._in_zip(data, name=name)
        if self.needle.kind == "value" and name.endswith(".csv"):
            return self._in_csv(data)
        if is_log or (name.endswith((".json", ".jsonl")) and self.needle.kind == "value"):
            self.searched += len(data)
            return any(self.needle.in_json(_without_paths(value)) for value in json_lines(data))
        return self._plain(data)

    def _plain(self, data: bytes) -> bool:
        self.searched += len(data)
        return self.needle.in_bytes(data)

    def _in_parquet(self, data: bytes) -> bool:
        is_word_for_noise = len(self.needle.member_id) >= _SHORTEST_IN_NOISE
        footer = int.from_bytes(data[-_FOOTER_LENGTH_BYTES : -_FOOTER_LENGTH_BYTES // 2], "little") + _FOOTER_LENGTH_BYTES
        if self._plain(data if is_word_for_noise else data[-footer:]):
            return True
        frame = pl.read_parquet(io.BytesIO(data), hive_partitioning=False)
        return any(self._in_column(column, name=column.name) for column in frame.iter_columns())

    def _in_column(self, column: pl.Series, *, name: str) -> bool:
        dtype = column.dtype
        if isinstance(dtype, pl.List | pl.Array):
            return self._in_column(column.explode(empty_as_null=False, keep_nulls=False), name=name)
        if isinstance(dtype, pl.Struct):
            fields = column.struct.fields
            return any(self._in_column(column.struct.field(field), name=field) for field in fields)
        if isinstance(dtype, pl.Categorical | pl.Enum):
            column, dtype = column.cast(pl.String), pl.String()
        if dtype == pl.Binary:
            return any(self._plain(value) for value in column.drop_nulls())
        if dtype != pl.String:
            return False
        self.searched += int(column.str.len_bytes().sum() or 0)
        return name != "path" and self._in_texts(column, name=name)

    def _in_texts(self, texts: pl.Series, *, name: str) -> bool:
        candidates = texts.filter(texts.str.contains(self.needle.member_id, literal=True).fill_null(value=False)).unique()
        if self.needle.kind == "value" and name in ID_COLUMNS:
            return bool((candidates == self.needle.member_id).any())
        return any(self._in_text(text) for text in candidates)

    def _in_text(self, text: str) -> bool:
        if text[:1] in ("{", "["):
            try:
                return self.needle.in_json(_without_paths(json.loads(text)))
            except ValueError:
                pass
        return self.needle.kind != "value" and self.needle.in_text(text)

    def _in_zip(self, data: bytes, *, name: str) -> bool:
        if self.needle.kind == "value" and name.endswith(".xlsx"):
            sheet = pl.read_excel(io.BytesIO(data), infer_schema_length=0)
            self.searched += len(data)
            return any(bool((sheet[c] == self.needle.member_id).any()) for c in sheet.columns if _is_id_column(c))
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return any(self._unpacked(packed.read(member), name=member.filename) for member in packed.infolist())

    def _in_csv(self, data: bytes) -> bool:
        self.searched += len(data)
        lines = csv.reader(io.StringIO(data.decode("utf-8", "replace")))
        places = [place for place, name in enumerate(next(lines, [])) if _is_id_column(name)]
        return any(len(line) > place and line[place] == self.needle.member_id for line in lines for place in places)

    def _in_database(self, path: File) -> bool:
        if not isinstance(path, Path):
            raise OSError("a database is opened where it lies, and nobody keeps one in a bucket")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            return any(self._in_cell(cell, column) for column, cell in text_cells(connection))

    def _in_cell(self, cell: str | bytes, column: str) -> bool:
        if isinstance(cell, bytes):
            return self._plain(cell)
        self.searched += len(cell)
        if self.needle.member_id not in cell:
            return False
        return (column in ID_COLUMNS and cell == self.needle.member_id) or self._in_text(cell)


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
