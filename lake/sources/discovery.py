"""Discovery of a source's exports: the files that match its patterns, or its query."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from lake.contracts import Table
from lake.errors import ConfigurationError, DataError
from lake.sources.databases import read_query
from lake.sources.readers import read_export, with_settings_applied
from lake.sources.source_identity import QUERY, Source, could_match, identify
from lake.sources.source_settings import FileFormat, SourceSettings
from lake.sources.watermarks import Since
from lake.storage.bucket import SCHEME, BucketFile, matching_files
from lake.storage.storage import File

_ARCHIVES: Final = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True)
class Export:
    """One file or query of a source, before it is read.

    Args:
        table: The contract of its table.
        settings: The source it belongs to.
        source: The source's identity in the ledger: its name, else what it reads.
        path: The file relative to the workspace, an `s3://` address, or `query` for a database.
        root: The workspace, to which relative paths refer.
        label: The source's name in messages, such as `orders` or `orders[2]`.
        location: The file, or None for a database.
        file_format: The format of the file, or None for a database.
        size_bytes: The size of the file; 0 for a database.
        modified_ns: The time of its last change in nanoseconds since 1970; 0 for a database.
        is_alone: Whether the source is the table's only one.
        is_superseded: Whether the source has a newer snapshot.
    """

    table: Table
    settings: SourceSettings
    source: str
    path: str
    root: Path
    label: str
    location: File | None = None
    file_format: FileFormat | None = None
    size_bytes: int = 0
    modified_ns: int = 0
    is_alone: bool = True
    is_superseded: bool = False

    @property
    def name(self) -> str:
        """Return its name in messages."""
        return f"{self.label} ({self.path})"

    def read(self, *, since: Since | None = None) -> tuple[pl.DataFrame, str]:
        """Read its rows, and compute a hash of its content.

        Args:
            since: For a source with a watermark, the value of `:since`; None for everything.

        Returns:
            One row per record, and the hash as hexadecimal digits.

        Raises:
            DataError: The content cannot be read, or the file vanished.
            ConfigurationError: The query or the file's permissions are wrong.
            OutsideServiceError: The database or the object store did not answer.
        """
        if self.location is None or self.file_format is None:
            rows = read_query(self.settings, name=self.name, root=self.root, since=since)
            return with_settings_applied(rows, self.settings, name=self.name), _hash_of_rows(rows)
        try:
            content = self.location.read_bytes()
        except FileNotFoundError:
            raise DataError(f"{self.name} vanished while the night was running", remedy="Put it back and run again.") from None
        except OSError as error:
            raise _unreadable_error(self.name, error) from error
        rows = read_export(content, name=self.name, file_format=self.file_format, settings=self.settings)
        return rows, hashlib.sha256(content).hexdigest()


def discover(
    table: Table,
    sources: Sequence[SourceSettings],
    *,
    root: Path,
    arrived_paths: Mapping[str, Collection[str]] | None = None,
    absent: list[str] | None = None,
) -> list[Export]:
    """List a table's exports in arrival order: the order of its sources, then of their files.

    Files are ordered by path, with numbers compared as numbers, or by time of modification if `order_by` says so.

    Args:
        table: The contract of the table.
        sources: The table's sources, in their order.
        root: The folder to which relative paths refer.
        arrived_paths: Identity of a source → paths that arrived before; a pattern that matches one of them may match no file now.
        absent: A list to which one sentence is added for each such pattern that matches no file now.

    Raises:
        ConfigurationError: A path matches nothing, cannot be read, or has an unknown format; or two sources have the same name.
        OutsideServiceError: An object store did not answer, or refused.
    """
    exports: list[Export] = []
    for source in identify(table.name, sources):
        settings = source.settings
        # A query is one export per night, whatever it returns.
        if settings.uri is not None:
            exports.append(Export(table, settings, source.identity, QUERY, root, source.label, is_alone=len(sources) == 1))
            continue
        paths = set(_paths(source, root, (arrived_paths or {}).get(source.identity, ()), absent))
        files = sorted(
            (_export(table, source, path, root) for path in paths), key=lambda export: (natural_order(export.path), export.path)
        )
        if settings.order_by == "modified":
            files.sort(key=lambda export: export.modified_ns)
        # Of snapshots only the last file counts; the ones before it are superseded.
        superseded = len(files) - 1 if settings.mode == "snapshot" else 0
        exports += [
            replace(file, is_alone=len(sources) == 1, is_superseded=number < superseded) for number, file in enumerate(files)
        ]
    return exports


def natural_order(path: str) -> tuple[tuple[str, int], ...]:
    """Return a sort key of a path in which numbers compare as numbers: `orders (9).csv` comes before `orders (10).csv`."""
    # Pairs of a text and the number after it, so that texts are only compared with texts and numbers with numbers.
    return tuple((text, int(number or -1)) for text, number in re.findall(r"([^0-9]*)([0-9]*)", path))


class _NoMatchError(ConfigurationError):
    """A pattern matches nothing."""


def _paths(source: Source, root: Path, arrived_paths: Collection[str], absent: list[str] | None) -> Iterator[File]:
    for pattern in source.settings.paths:
        try:
            yield from _matches(pattern, source.label, root)
        except _NoMatchError as error:
            if source.settings.optional:
                continue
            # A pattern that never matched is a mistake in the configuration; one that did may be empty for a night.
            if not any(could_match(pattern, path, root) for path in arrived_paths):
                raise
            if absent is not None:
                absent.append(f"{error.what}; it did before, and what arrived then is kept.")


def _matches(pattern: str, source: str, root: Path) -> Sequence[File]:
    if pattern.startswith(SCHEME):
        objects = matching_files(pattern)
        if not objects:
            raise _NoMatchError(
                f"{source}: {pattern} matches no object", remedy="Correct `path` of this source, or put the export there."
            )
        return objects
    try:
        # A name with brackets, such as orders[1].csv, is also a pattern: a file of exactly that name has priority.
        is_name = (root / pattern).exists()
        matches = [root / path for path in ([pattern] if is_name else glob.glob(pattern, root_dir=root, recursive=True))]  # noqa: PTH207
        files = [path for path in matches if path.is_file()]
    except OSError as error:
        raise _unreadable_error(f"{source} ({pattern})", error) from error
    if not files:
        if any(path.is_dir() for path in matches):
            raise ConfigurationError(
                f"{source}: {pattern} is a folder", remedy="Write which files of it, such as `folder/*.csv`."
            )
        raise _NoMatchError(
            f"{source}: {pattern} matches no file (looked from {root})",
            remedy="Correct `path` of this source, put the export there, or say `optional = true` where there may be none.",
        )
    return files


def _export(table: Table, source: Source, path: File, root: Path) -> Export:
    shown = str(path.relative_to(root)) if isinstance(path, Path) and path.is_relative_to(root) else str(path)
    file_format = source.settings.format_of(path.name)
    if file_format is None:
        raise ConfigurationError(f"{source.label}: the name of {shown} does not tell its format", remedy=_remedy_for(path.name))
    export = Export(table, source.settings, source.identity, shown, root, source.label, path, file_format)
    if isinstance(path, BucketFile):
        return replace(export, size_bytes=path.size_bytes, modified_ns=path.modified_ns)
    try:
        # Opened now, so that missing permissions stop the run before anything is landed.
        with path.open("rb"):
            status = path.stat()
    except OSError as error:
        raise _unreadable_error(export.name, error) from error
    return replace(export, size_bytes=status.st_size, modified_ns=status.st_mtime_ns)


def _remedy_for(name: str) -> str:
    lower = name.lower()
    if lower.endswith((".json", ".json.gz")):
        return (
            "JSON documents come with a later release; until then convert it, as with `jq -c '.[]' FILE.json > FILE.jsonl`. "
            'Where it has one object a line, set `format = "jsonl"`.'
        )
    if lower.endswith(_ARCHIVES):
        return (
            "Archives come with a later release; until then unpack it before the night. A single file may be compressed as .gz."
        )
    return "Set `format` to csv, jsonl, parquet or xlsx."


def _unreadable_error(name: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{name} cannot be read: {error.strerror}", remedy="Give the user that runs Evenfall the right to read it."
    )


def _hash_of_rows(rows: pl.DataFrame) -> str:
    # The schema is part of the hash: a column without values may change its type.
    digest = hashlib.sha256(repr(rows.schema).encode())
    digest.update(rows.write_ipc(None, compat_level=None).getbuffer())
    return digest.hexdigest()
