"""Copies of a bucket's small tables on this machine: a data file never changes, so it is asked for once.

A table has a file for every day, and a night looks at most of them several times; each look is two requests a file or more.
The copies lie in the workspace and go with the versions they belong to: when a table is tidied, and when somebody is erased.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from lake.storage.bucket import Bucket, read_ahead

# Of a larger table a scan reads some columns of some days: by the range, and from the bucket.
MOST_TABLE_BYTES: Final = 256 * 1024 * 1024


def copies(bucket: Bucket, files: Mapping[str, int], folder: Path) -> list[Path] | None:
    """Where the copies of a table's files are; what is not there yet is fetched.

    Args:
        bucket: The table's place.
        files: The names of its data files and their sizes in bytes.
        folder: Where its copies are kept; need not exist.

    Returns:
        The copies in the order of the files; None where the table is too large, a file is gone, or this machine has no room.

    Raises:
        OutsideServiceError: The object store does not answer, or refuses.
    """
    # A log that somebody else wrote could name a place outside the folder.
    is_inside = all(not name.startswith("/") and ".." not in PurePosixPath(name).parts for name in files)
    if sum(files.values()) > MOST_TABLE_BYTES or not is_inside:
        return None
    try:
        missing = [name for name, size_bytes in files.items() if _size(folder / name) != size_bytes]
        for name, (_, content) in zip(missing, read_ahead(map(bucket.file, missing)), strict=True):
            if content is None:
                return None
            _write(folder / name, content)
    except OSError:
        return None
    return [folder / name for name in files]


def drop_copies(folder: Path, *, but: Collection[str] = ()) -> None:
    """Remove the copies of a table, or all but some of them."""
    if not but:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).as_posix() not in but]:
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _write(path: Path, content: bytes) -> None:
    """All or nothing, and readable by nobody else."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    validation = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(validation, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written:
        written.write(content)
    validation.replace(path)
