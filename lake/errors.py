"""Errors split by whose fault it is; each carries the exit code of the command line."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How the command line ends."""

    DONE = 0
    BUG = 1
    CONFIGURATION = 2
    DATA = 3
    OUTSIDE_SERVICE = 4
    BUSY = 5


class EvenfallError(Exception):
    """A failure that a person can act on.

    The message is written for someone on call at 3 a.m.: what is wrong, the value seen, and the remedy.

    Args:
        what: What is wrong, with the value that shows it.
        remedy: What to do about it, as an instruction.
        detail: A library's message, for the terminal only: it may contain a row or a path, so alerts and logs leave it out.
    """

    exit_code: int = ExitCode.BUG

    def __init__(self, what: str, *, remedy: str, detail: str | None = None) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        detail = f"\n  ({self.detail})" if self.detail else ""
        return f"{self.what}{detail}\n  → {self.remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with all arguments: by default only `args` would be passed, and the keyword-only ones would be lost."""
        return (_rebuild, (type(self), self.what, self.remedy, self.detail))


class ConfigurationError(EvenfallError):
    """The configuration or the command is wrong; nothing was changed."""

    exit_code = ExitCode.CONFIGURATION


class DataError(EvenfallError):
    """The data stopped the run; nothing of the file concerned landed."""

    exit_code = ExitCode.DATA


class OutsideServiceError(EvenfallError):
    """A database, object store or tracking server failed; running again may succeed."""

    exit_code = ExitCode.OUTSIDE_SERVICE


class WorkspaceBusyError(EvenfallError):
    """Another run has locked this workspace."""

    exit_code = ExitCode.BUSY


def first_line(error: object, *, most: int | None = 300) -> str:
    """Give the first line of what a library says, or its kind where it says nothing.

    Args:
        error: The error, or its words.
        most: Characters to keep; None for all.
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most]


def _rebuild(kind: type[EvenfallError], what: str, remedy: str, detail: str | None) -> EvenfallError:
    return kind(what, remedy=remedy, detail=detail)
