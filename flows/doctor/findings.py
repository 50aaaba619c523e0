"""The findings of the doctor, their lines on the terminal, and the exit code that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lake.errors import EvenfallError
from wording.numbers import plural

Level = Literal["ok", "warning", "problem"]
_LEVEL_WIDTH: Final = 8
_ABOUT_WIDTH: Final = 14


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check.

    Args:
        level: Whether anything is to be done.
        about: What was checked, in one word.
        says: The result.
        remedy: What to do about it; empty when nothing is to be done.
        exit_code: The code with which a night would end because of it, for a problem.
    """

    level: Level
    about: str
    says: str
    remedy: str = ""
    exit_code: int = 0


def ok(about: str, says: str) -> Diagnosis:
    """Return a finding that asks for nothing."""
    return Diagnosis("ok", about, says)


def warning(about: str, says: str, remedy: str) -> Diagnosis:
    """Return a finding for: a night would run, but somebody should look.

    Args:
        about: What was checked, in one word.
        says: The result.
        remedy: What to do about it.
    """
    return Diagnosis("warning", about, says, remedy)


def problem(about: str, says: str, remedy: str, *, exit_code: int) -> Diagnosis:
    """Return a finding for: a night would fail, or should not run like this.

    Args:
        about: What was checked, in one word.
        says: The result.
        remedy: What to do about it.
        exit_code: The code with which a night would end.
    """
    return Diagnosis("problem", about, says, remedy, exit_code)


def of_error(about: str, error: EvenfallError) -> Diagnosis:
    """Return the finding for an error with which a night would end."""
    says = f"{error.what}\n{error.detail}" if error.detail else error.what
    return problem(about, says, error.remedy, exit_code=error.exit_code)


def exit_code(findings: Iterable[Diagnosis]) -> int:
    """Return the lowest exit code of the problems, or 0 when there is none."""
    return min((finding.exit_code for finding in findings if finding.level == "problem"), default=0)


def lines_of(finding: Diagnosis) -> Iterator[str]:
    """Yield the lines of a finding."""
    first, *more = finding.says.splitlines() or [""]
    yield f"{finding.level:<{_LEVEL_WIDTH}}{finding.about:<{_ABOUT_WIDTH}}{first}"
    for line in more:
        yield " " * (_LEVEL_WIDTH + _ABOUT_WIDTH) + line.strip()
    if finding.remedy:
        yield " " * (_LEVEL_WIDTH + _ABOUT_WIDTH) + f"→ {finding.remedy}"


def counted(findings: Sequence[Diagnosis]) -> str:
    """Return the numbers of problems and warnings as text."""
    counts = {level: sum(finding.level == level for finding in findings) for level in ("problem", "warning")}
    return ", ".join(f"{count} {plural(level, count)}" for level, count in counts.items())
