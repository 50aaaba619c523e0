"""Where the lake is stored, a local folder or a bucket prefix, and the operations on single files there."""

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
class StoredFile:
    """One file of a storage.

    Args:
        name: Its path relative to the storage, with slashes.
        size_bytes: Its size.
        modified_at: When it was last written, in seconds since 1970.
    """

    name: str
    size_bytes: int
    modified_at: float


class Storage(Protocol):
    """Operations on single files of the lake, in a folder or in a bucket; names are relative, with slashes."""

    def files(self, below: str = "") -> list[StoredFile]:
        """Return every file below the folder `below`, at any depth, sorted by name."""

    def folders(self) -> list[str]:
        """Return the names of the folders at the top level, sorted."""

    def is_empty(self) -> bool:
        """Return whether there is no file or folder, or the storage does not exist."""

    def has_files(self, names: Collection[str]) -> bool:
        """Return whether all these files exist."""

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: There is no such file.
        """

    def read_each(self, names: Iterable[str]) -> Iterator[bytes]:
        """Yield the contents of existing files, in the order of `names`."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file atomically."""

    def remove(self, name: str) -> None:
        """Remove a file."""

    def remove_empty_folders(self, *, but: str) -> None:
        """Remove the empty folders at the top level, except the one named `but`."""


@dataclass(frozen=True)
class FolderStorage:
    """Storage in a local folder, which need not exist yet."""

    path: Path

    def files(self, below: str = "") -> list[StoredFile]:
        """Return every file below the folder `below`, at any depth, sorted by name."""
        return sorted(_files_below(str(self.path / below), f"{below}/" if below else ""), key=attrgetter("name"))

    def folders(self) -> list[str]:
        """Return the names of the folders at the top level, sorted."""
        return sorted(path.name for path in self.path.iterdir() if path.is_dir()) if self.path.is_dir() else []

    def is_empty(self) -> bool:
        """Return whether there is no file or folder, or the storage does not exist."""
        return not (self.path.is_dir() and any(self.path.iterdir()))

    def has_files(self, names: Collection[str]) -> bool:
        """Return whether all these files exist."""
        return all((self.path / name).is_file() for name in names)

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self.path / name).read_bytes()

    def read_each(self, names: Iterable[str]) -> Iterator[bytes]:
        """Yield the contents of existing files, in the order of `names`."""
        return (self.read(name) for name in names)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file atomically."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        # Renaming within a folder is atomic: a reader sees the old file or the whole new one.
        temporary = file.with_name(f".{file.name}.new")
        temporary.write_bytes(content)
        temporary.replace(file)

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self.path / name).unlink()

    def remove_empty_folders(self, *, but: str) -> None:
        """Remove the empty folders at the top level, except the one named `but`."""
        for folder in sorted(self.path.iterdir()):
            if folder.is_dir() and folder.name != but and not any(folder.iterdir()):
                folder.rmdir()


@dataclass(frozen=True)
class BucketStorage:
    """Storage below a prefix of a bucket, where folders are only parts of object names."""

    bucket: Bucket

    def files(self, below: str = "") -> list[StoredFile]:
        """Return every file below the folder `below`, at any depth, sorted by name."""
        start = len(self.bucket.prefix) + 1 if self.bucket.prefix else 0
        return [
            StoredFile(file.key[start:], file.size_bytes, file.modified_ns / _NS_PER_SECOND) for file in self.bucket.files(below)
        ]

    def folders(self) -> list[str]:
        """Return the names of the folders at the top level, sorted."""
        return self.bucket.folders()

    def is_empty(self) -> bool:
        """Return whether there is no file or folder, or the storage does not exist."""
        return self.bucket.is_empty()

    def has_files(self, names: Collection[str]) -> bool:
        """Return whether all these files exist."""
        # One listing costs less than one request per name.
        return set(names) <= {file.name for file in self.files()}

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return self.bucket.file(name).read_bytes()

    def read_each(self, names: Iterable[str]) -> Iterator[bytes]:
        """Yield the contents of existing files, in the order of `names`."""
        for file, content in read_ahead(map(self.bucket.file, names)):
            if content is None:
                raise FileNotFoundError(str(file))
            yield content

    def write(self, name: str, content: bytes) -> None:
        """Write a small file atomically."""
        self.bucket.write(name, content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self.bucket.remove(name)

    def remove_empty_folders(self, *, but: str) -> None:
        """Do nothing: a bucket has no empty folders."""


def _files_below(folder: str, prefix: str) -> Iterator[StoredFile]:
    """Yield the files of a folder and its subfolders; files removed during the listing are left out."""
    # `os.scandir` is several times faster than pathlib, and a night lists tables often.
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(entry.path, f"{prefix}{entry.name}/")
                continue
            with suppress(FileNotFoundError):
                if entry.is_file():
                    status = entry.stat()
                    yield StoredFile(f"{prefix}{entry.name}", status.st_size, status.st_mtime)


def storage_of(root: Root) -> Storage:
    """Return the storage of a folder or a bucket prefix."""
    return BucketStorage(root) if isinstance(root, Bucket) else FolderStorage(root)


def root_at(path: str, *, below: Path) -> Root:
    """Return the bucket prefix or folder of a configured path; a relative folder is resolved below `below`.

    Raises:
        ValueError: It is an invalid address of a bucket.
    """
    return Bucket.at(path) if path.startswith(SCHEME) else below / Path(path).expanduser()
