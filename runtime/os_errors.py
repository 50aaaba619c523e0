"""Translate failures of the machine, such as a full disk, missing rights, exhausted memory or no scheduler, into our errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Final

from lake.errors import ConfigurationError, EvenfallError, OutsideServiceError
from lake.storage.object_store import store_error

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED: Final = (errno.EROFS, errno.EACCES, errno.EPERM)
# Delta Lake, Polars and SQLite report these without an error number, only by their text.
_FULL_WORDS: Final = ("no space left on device", "disk is full", "disk quota exceeded", "file too large")
_CLOSED_WORDS: Final = ("read-only file system", "readonly database", "permission denied", "unable to open database file")
# Prefect reports both as RuntimeError, the second of a server that it starts itself.
_SCHEDULER_WORDS: Final = ("failed to reach api at", "attempting to connect to ephemeral prefect api server")
_MEMORY_WORDS: Final = ("out of memory", "cannot allocate memory", "unable to allocate", "bad_alloc")


def translate_os_error(error: BaseException) -> EvenfallError | None:
    """Return what an error of any library says about the machine or the object store; None when it is about something else.

    Args:
        error: The error as it was raised; its causes are examined, too.
    """
    for one in with_causes(error):
        number = one.errno if isinstance(one, OSError) else None
        words = "" if isinstance(one, EvenfallError) else str(one).lower()
        # Before the disk: an object store that refuses access also says "permission denied".
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
        if any(sign in words for sign in _SCHEDULER_WORDS):
            return OutsideServiceError(
                "Prefect's server did not answer",
                remedy="Run again; where the machine is busy, or PREFECT_API_URL names a server, see that it runs.",
            )
        if number in _CLOSED or any(sign in words for sign in _CLOSED_WORDS):
            return ConfigurationError(
                f"something in the workspace cannot be written{_where(one)}",
                remedy="Give the user that runs Evenfall the right to write in the workspace, and run again.",
            )
    return None


def with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that led to it, each once: a chain of causes may be circular."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _where(error: BaseException) -> str:
    return f": {error.filename}" if isinstance(error, OSError) and error.filename else ""


def cores() -> int:
    """Return how many processors this process may use."""
    # The affinity and not the count: a container may grant fewer processors than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
