"""What the log says of the last runs of a workspace: which night, when, how long, how it ended, how many members and contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psutil

from runtime.completed_steps import LISTS_STEP
from runtime.run_log import log_files, read_log
from runtime.workspace import Workspace

_FILES_LOOKED_AT: Final = 14


@dataclass(frozen=True)
class Ran:
    """One run as recorded in the log.

    Args:
        night: The night as YYYY-MM-DD, or `unknown`.
        began: When it began, in UTC, as ISO text.
        purpose: The kind of run, such as `nightly`.
        seconds: Its duration; None for a run that has no last line.
        exit_code: Its exit code; None likewise.
        says: The first line of its error; empty without one.
        process: The number of its process; None where the log does not say.
        step: The step that began last; None before the first.
        warnings: How many warnings it logged.
        members: Members on its list; None where it published none.
        contacts: Members to talk to; None likewise.
    """

    night: str
    began: str
    purpose: str
    seconds: float | None
    exit_code: int | None
    says: str
    process: int | None = None
    step: str | None = None
    warnings: int = 0
    members: int | None = None
    contacts: int | None = None


def last_runs(workspace: Workspace) -> list[Ran]:
    """Return the last runs by the time they began, newest first."""
    newest = sorted(log_files(workspace.logs), key=lambda path: path.stat().st_mtime, reverse=True)[:_FILES_LOOKED_AT]
    ran: list[Ran] = []
    for path in newest:
        lines: dict[str, list[Mapping[str, Any]]] = {}
        for line in read_log(path):
            lines.setdefault(line["run"], []).append(line)
        ran += [_ran(path.stem, entries) for entries in lines.values()]
    return sorted(ran, key=lambda one: one.began, reverse=True)


def is_running(ran: Ran) -> bool:
    """Return whether a run without a last line goes on: whether its process is there, and not a later one with its number.

    The lock of the workspace would tell as well, but to ask for it is to hold it for a moment, in which a night could not begin.

    Args:
        ran: The run.
    """
    if ran.exit_code is not None or ran.process is None:
        return False
    try:
        return bool(psutil.Process(ran.process).create_time() <= datetime.fromisoformat(ran.began).timestamp())
    except psutil.Error:
        return False


def _ran(name: str, lines: Sequence[Mapping[str, Any]]) -> Ran:
    ended, error = _first(lines, event="run ended"), _first(lines, event="error")
    published = _first(lines, event="step ended", step=LISTS_STEP)
    begun = [line["step"] for line in lines if line["event"] == "step began" and "step" in line]
    began = lines[0]
    return Ran(
        night=name if "-" in name and name[0].isdigit() else "unknown",
        began=str(began["at"]),
        purpose=str(began.get("purpose", "?")),
        seconds=ended.get("seconds"),
        exit_code=ended.get("exit"),
        says=str(error.get("says") or error.get("kind") or "").split("\n")[0],
        process=began.get("process"),
        step=begun[-1] if begun else None,
        warnings=sum(line["event"] == "warning" for line in lines),
        members=published.get("members"),
        contacts=published.get("contacts"),
    )


def _first(lines: Sequence[Mapping[str, Any]], **wanted: str) -> Mapping[str, Any]:
    return next((line for line in lines if all(line.get(name) == value for name, value in wanted.items())), {})
