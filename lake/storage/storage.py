"""Where the lake lies: a folder of this machine or a place in a bucket, and the few things done to single files there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Final, Protocol

from lake.storage.bucket import SCHEME, Bucket, BucketFile, read_ahead

Root = Path | Bucket
File = Path | BucketFile
_NS_PER_SECOND: Final = 1_000_000_000


@dataclass(frozen=True)
class Stored:
    """One file of a place.

    Args:
        name: From the place on, its parts joined by slashes.
        size_bytes: Its size.
        modified_at: When it was last written, in seconds since 1970.
    """

    name: str
    size_bytes: int
    modified_at: float


class Storage(Protocol):
    """What can be done to single files of the lake, wherever it lies."""

    def files(self, below: str = "") -> list[Stored]:
        """Every file below, sorted by name."""

    def folders(self) -> list[str]:
        """The folders right here, sorted."""

    def is_empty(self) -> bool:
        """Whether there is nothing, or no such place."""

    def holds(self, names: Collection[str]) -> bool:
        """Whether all these files are there."""

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            FileNotFoundError: There is no such file.
        """

    def read_each(self, names: Iterable[str]) -> Iterator[bytes]:
        """The contents of files that are there, in their order."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, all or nothing."""

    def remove(self, name: str) -> None:
        """Remove a file."""

    def remove_empty_folders(self, *, but: str) -> None:
        """Remove the folders right here that hold nothing."""


@dataclass(frozen=True)
class FolderStorage:
    """A folder; it need not exist yet."""

    path: Path

    def files(self, below: str = "") -> list[Stored]:
        """Every file below, sorted by name."""
        return sorted(_files_below(str(self.path / below), f"{below}/" if below else ""), key=attrgetter("name"))

    def folders(self) -> list[str]:
        """The folders right here, sorted."""
        return sorted(path.name for path in self.path.iterdir() if path.is_dir()) if self.path.is_dir() else []

    def is_empty(self) -> bool:
        """Whether there is nothing, or no such place."""
        return not (self.path.is_dir() and any(self.path.iterdir()))

    def holds(self, names: Collection[str]) -> bool:
        """Whether all these files are there."""
        return all((self.path / name).is_file() for name in names)

    def read(self, name: str) -> bytes:
        """A file's content."""
        return (self.path / name).read_bytes()

    def read_each(self, names: Iterable[str]) -> Iterator[bytes]:
        """The contents of files that are there, in their order."""
        return (self.read(name) for name in names)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, all or nothing."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        validation = file.with_name(f".{file.name}.new")
        validation.write_bytes(content)
        validation.replace(file)

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self.path / name).unlink()

    def remove_empty_folders(self, *, but: str) -> None:
        """Remove the folders right here that hold nothing."""
        for folder in sorted(self.path.iterdir()):
            if folder.is_dir() and folder.name != but and not any(folder.iterdir()):
                folder.rmdir()


@dataclass(frozen=True)
class BucketStorage:
    """A place in a bucket, where folders are but parts of names."""

    bucket: Bucket

    def files(self, below: str = "") -> list[Stored]:
        """Every file below, sorted by name."""
        start = len(self.bucket.prefix) + 1 if self.bucket.prefix else 0
        return [Stored(file.key[start:], file.size_bytes, file.modified_ns / _NS_PER_SECOND) for file in self.bucket.files(below)]

    def folders(self) -> list[str]:
        """The folders right here, sorted."""
        return self.bucket.folders()

    def is_empty(self) -> bool:
        """Whether there is nothing, or no such place."""
        return self.bucket.is_empty()

    def holds(self, names: Collection[str]) -> bool:
        """Whether all these files are there."""
        return set(names) <= {file.name for file in self.files()}

    def read(self, name: str) -> bytes:
        """A file's content."""
        return self.bucket.file(name).read_bytes()

    def read_each(self, names: Iterable[str]) -> Iterator[bytes]:
        """The contents of files that are there, in their order."""
        for file, content in read_ahead(map(self.bucket.file, names)):
            if content is None:
                raise FileNotFoundError(str(file))
            yield content

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, all or nothing."""
        self.bucket.write(name, content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self.bucket.remove(name)

    def remove_empty_folders(self, *, but: str) -> None:
        """There are none."""


def _files_below(folder: str, prefix: str) -> Iterator[Stored]:
    """The files of a folder and of those in it; what is removed meanwhile is left out."""
    # The operating system's own listing: pathlib takes several times as long, and a night asks often.
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path, f"{prefix}{entry.name}/")
                continue
            with suppress(FileNotFoundError):
                if entry.is_file():
                    status = entry.stat()
                    yield Stored(f"{prefix}{entry.name}", status.st_size, status.st_mtime)


def storage_of(root: Root) -> Storage:
    """The file work for a folder or a place in a bucket."""
    return BucketStorage(root) if isinstance(root, Bucket) else FolderStorage(root)


def root_at(path: str, *, below: Path) -> Root:
    """Where a configured path leads: into a bucket, or to a folder, relative ones below a folder.

    Raises:
        ValueError: An address that is not one of a bucket.
    """
    return Bucket.at(path) if path.startswith(SCHEME) else below / Path(path).expanduser()
