"""Publish a folder of lists all at once or not at all.

The lists of a night are written into a hidden folder beside their place, made durable, and renamed into place. Where
lists of the same night stand already, they are moved aside first. Whatever kills the process, `recover` brings the
folder back to a whole night: the new one when it was complete, the old one otherwise.

The hidden names beside `2011-08-31`, in the order a publication makes them:

- `.2011-08-31.staging`: being written, worth nothing.
- `.2011-08-31.ready`: complete and on disk; it only has to be moved into place.
- `.2011-08-31.replaced`: the lists it replaces, until it is in place.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lake.errors import OutsideServiceError

_STAGING: Final = ".staging"
_READY: Final = ".ready"
_REPLACED: Final = ".replaced"


def staging_folder(target: Path) -> Path:
    """Make the empty hidden folder in which a night's lists are written, beside their final place."""
    staging = _beside(target, _STAGING)
    _remove(staging)
    staging.mkdir(parents=True)
    return staging


def publish(staging: Path, target: Path) -> bool:
    """Move a complete folder into place.

    A target with the same files and bytes is left untouched. The staging folder is gone afterwards.

    Args:
        staging: The folder written; on the same file system as the target.
        target: Where it belongs, such as `lists/2011-08-31`.

    Returns:
        Whether anything changed.

    Raises:
        OutsideServiceError: The file system refused; the night's earlier lists are still there or come back with `recover`.
    """
    try:
        return "moved into place" in list(publication_steps(staging, target))
    except OSError as error:
        raise OutsideServiceError(
            f"The lists could not be moved to {target}: {error.strerror or error}.",
            remedy="Check free space and permissions of the lists folder, then run the night again.",
        ) from error


def publication_steps(staging: Path, target: Path) -> Iterator[str]:
    """Publish step by step, yielding the name of each step once it is done, so that tests can stop after any of them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    finish(target)
    if target.is_dir() and _same_content(staging, target):
        _remove(staging)
        yield "nothing to change"
        return
    # Without this a power cut after the renames could leave a complete name over empty files.
    _sync_tree(staging)
    yield "written to disk"
    # From here on the new lists win: `recover` moves a ready folder into place, and removes one that is still staging.
    staging.rename(_beside(target, _READY))
    _sync(target.parent)
    yield "ready"
    yield from _swap(target)


def recover(lists_folder: Path) -> tuple[str, ...]:
    """Finish or undo what a killed process left behind.

    Args:
        lists_folder: The folder that holds one folder per night; it may not exist yet.

    Returns:
        The names of the nights whose complete lists were moved into place or put back, sorted.
    """
    if not lists_folder.is_dir():
        return ()
    names = {path.name for path in lists_folder.iterdir() if path.is_dir() and path.name.startswith(".")}
    for name in names:
        if name.endswith(_STAGING):
            _remove(lists_folder / name)
    nights = {name[1:].removesuffix(end) for end in (_READY, _REPLACED) for name in names if name.endswith(end)}
    return tuple(night for night in sorted(nights) if finish(lists_folder / night))


def finish(target: Path) -> bool:
    """Finish or undo the publication of one night after a kill; return whether its folder changed."""
    ready, replaced = _beside(target, _READY), _beside(target, _REPLACED)
    if ready.is_dir():
        return "moved into place" in list(_swap(target))
    if replaced.is_dir() and not target.exists():
        replaced.rename(target)
        _sync(target.parent)
        return True
    _remove(replaced)
    return False


def _swap(target: Path) -> Iterator[str]:
    """Move the ready folder into place; each step may be the last one and may be repeated."""
    ready, replaced = _beside(target, _READY), _beside(target, _REPLACED)
    # A folder that is not empty cannot be replaced by a rename, so the old one makes room first.
    if target.exists():
        _remove(replaced)
        target.rename(replaced)
        _sync(target.parent)
        yield "old moved aside"
    ready.rename(target)
    _sync(target.parent)
    yield "moved into place"
    _remove(replaced)
    yield "old removed"


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}{ending}")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _same_content(one: Path, other: Path) -> bool:
    """Tell whether two folders hold the same files with the same bytes."""
    names = _files(one)
    if names != _files(other):
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def _sync_tree(folder: Path) -> None:
    """Force every file and folder to disk, so that a rename never outlives what it names."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
