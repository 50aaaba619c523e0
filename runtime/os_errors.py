"""Trouble of the machine itself: a full disk, a folder that may not be written, no memory left."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Final

from lake.errors import ConfigurationError, EvenfallError, OutsideServiceError
from lake.storage.object_store import store_error

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED: Final = (errno.EROFS, errno.EACCES, errno.EPERM)
# Delta Lake, Polars and SQLite tell these in words only.
_FULL_WORDS: Final = ("no space left on device", "disk is full", "disk quota exceeded", "file too large")
_CLOSED_WORDS: Final = ("read-only file system", "readonly database", "permission denied", "unable to open database file")
_MEMORY_WORDS: Final = ("out of memory", "cannot allocate memory", "unable to allocate", "bad_alloc")


def translate_os_error(error: BaseException) -> EvenfallError | None:
    """What an error of any library says about the machine or the object store, or None when it is about something else.

    Args:
        error: The error as it came; its causes are looked at too.
    """
    for one in with_causes(error):
        number = one.errno if isinstance(one, OSError) else None
        words = "" if isinstance(one, EvenfallError) else str(one).lower()
        # First of all: a store that refuses says "permission denied" like a disk.
        from_store = None if isinstance(one, EvenfallError) else store_error(one)
        if from_store is not None:
            return from_store
        if number in _FULL or any(sign in words for sign in _FULL_WORDS):
            return OutsideServiceError(
                f"the disk is full, or a file may not grow further{_where(one)}",
                remedy="Free space and run again; nothing half-done was published.",
            )
        if isinstance(one, MemoryError) or any(sign in words for sign in _MEMORY_WORDS):
            return OutsideServiceError(
                "the memory of this machine did not suffice",
                remedy="Free memory or lower [prediction] max_cutoffs, and run again; nothing half-done was published.",
            )
        if number in _CLOSED or any(sign in words for sign in _CLOSED_WORDS):
            return ConfigurationError(
                f"something in the workspace cannot be written{_where(one)}",
                remedy="Give the user that runs Evenfall the right to write in the workspace, and run again.",
            )
    return None


def with_causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that led to it."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _where(error: BaseException) -> str:
    return f": {error.filename}" if isinstance(error, OSError) and error.filename else ""


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
