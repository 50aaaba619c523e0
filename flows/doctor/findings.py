"""What the doctor says: one finding per thing looked at, in plain lines, and the exit code they add up to."""

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
    """One thing that was looked at.

    Args:
        level: Whether anything is to be done.
        about: What was looked at, in a word.
        says: What was found.
        remedy: What to do about it; empty where nothing is.
        exit_code: With which code a night would end because of it, for a problem.
    """

    level: Level
    about: str
    says: str
    remedy: str = ""
    exit_code: int = 0


def ok(about: str, says: str) -> Diagnosis:
    """Nothing to do."""
    return Diagnosis("ok", about, says)


def warning(about: str, says: str, remedy: str) -> Diagnosis:
    """A night would run, but somebody should look."""
    return Diagnosis("warning", about, says, remedy)


def problem(about: str, says: str, remedy: str, *, exit_code: int) -> Diagnosis:
    """A night would fail, or should not run like this."""
    return Diagnosis("problem", about, says, remedy, exit_code)


def of_error(about: str, error: EvenfallError) -> Diagnosis:
    """The problem a night would end with."""
    says = f"{error.what}\n{error.detail}" if error.detail else error.what
    return problem(about, says, error.remedy, exit_code=error.exit_code)


def exit_code(findings: Iterable[Diagnosis]) -> int:
    """0 when nothing is a problem, else the lowest code of the problems: what a night would meet first."""
    return min((finding.exit_code for finding in findings if finding.level == "problem"), default=0)


def lines_of(finding: Diagnosis) -> Iterator[str]:
    """One finding in one or more lines."""
    first, *more = finding.says.splitlines() or [""]
    yield f"{finding.level:<{_LEVEL_WIDTH}}{finding.about:<{_ABOUT_WIDTH}}{first}"
    for line in more:
        yield " " * (_LEVEL_WIDTH + _ABOUT_WIDTH) + line.strip()
    if finding.remedy:
        yield " " * (_LEVEL_WIDTH + _ABOUT_WIDTH) + f"→ {finding.remedy}"


def counted(findings: Sequence[Diagnosis]) -> str:
    """How many problems and warnings there are."""
    counts = {level: sum(finding.level == level for finding in findings) for level in ("problem", "warning")}
    return ", ".join(f"{count} {plural(level, count)}" for level, count in counts.items())
