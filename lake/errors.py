"""Errors split by whose fault they are; each has the exit code of the command line.

0 done, 1 a bug in Evenfall, 2 configuration or usage, 3 the data, 4 an outside service, 5 the workspace is busy.
"""

from __future__ import annotations


class EvenfallError(Exception):
    """A failure that a person can act on.

    The message is written for someone on call at 3 a.m.: what is wrong, the value seen, and the remedy.

    Args:
        what: What is wrong, with the value that shows it.
        remedy: What to do about it, as an instruction.
        detail: A library's message, for the terminal only: it may contain a row or a path, so alerts and logs leave it out.
    """

    exit_code = 1

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

    exit_code = 2


class DataError(EvenfallError):
    """The data stopped the run; nothing of the file concerned landed."""

    exit_code = 3


class OutsideServiceError(EvenfallError):
    """A database, object store or tracking server failed; running again may succeed."""

    exit_code = 4


class WorkspaceBusyError(EvenfallError):
    """Another run has locked this workspace."""

    exit_code = 5


def _rebuild(kind: type[EvenfallError], what: str, remedy: str, detail: str | None) -> EvenfallError:
    return kind(what, remedy=remedy, detail=detail)
