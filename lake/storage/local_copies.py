"""Local copies of a bucket's small tables: a data file never changes, so it is downloaded once.

A table has a file per day, and a night reads most of them several times, at two or more requests per file and reading. The copies
are stored in the workspace and removed with the versions they belong to: by a vacuum of the table, and by an erasure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from lake.storage.bucket import Bucket, read_ahead

# A scan of a larger table reads only the needed columns and days, by byte ranges, directly from the bucket.
MOST_TABLE_BYTES: Final = 256 * 1024 * 1024


def copies(bucket: Bucket, files: Mapping[str, int], folder: Path) -> list[Path] | None:
    """Return the local copies of a table's files; missing ones are downloaded.

    Args:
        bucket: The table's bucket prefix.
        files: The names of its data files and their sizes in bytes.
        folder: The folder of its copies; need not exist.

    Returns:
        The copies in the order of the files; None if the table is too large, a file is gone, or this machine has no space.

    Raises:
        OutsideServiceError: The object store does not answer, or refuses.
    """
    # A log written by somebody else could name a path outside the folder.
    is_inside = all(not name.startswith("/") and ".." not in PurePosixPath(name).parts for name in files)
    if sum(files.values()) > MOST_TABLE_BYTES or not is_inside:
        return None
    try:
        # A file of that name and size is the same: Delta Lake never uses the name of a data file again.
        missing = [name for name, size_bytes in files.items() if _size(folder / name) != size_bytes]
        for name, (_, content) in zip(missing, read_ahead(map(bucket.file, missing)), strict=True):
            if content is None:
                return None
            _write(folder / name, content)
    except OSError:
        return None
    return [folder / name for name in files]


def drop_copies(folder: Path, *, but: Collection[str] = ()) -> None:
    """Remove the copies of a table, except those named in `but`."""
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
    """Write a file atomically, readable by this user only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    temporary.replace(path)
