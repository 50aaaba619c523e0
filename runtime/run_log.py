"""The structured log of the nights: JSON lines under `logs/`, one file per night, one line per event.

Every line has `at` (UTC), `run` and `event`. It names steps, counts, seconds and memory: never a member, never a secret. Lines
that cannot be written are lost: the log must not change how a night ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

_RUN_BYTES: Final = 4
_KIB_PER_MIB: Final = 1024
_NAME: Final = re.compile(r"(?:unknown-)?(\d{4}-\d{2}-\d{2})\.jsonl")


class RunLog:
    """The lines of one run; lines from before the night is known are kept until it is.

    Args:
        folder: The folder with the files of all nights.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = secrets.token_hex(_RUN_BYTES)
        self._waiting: list[str] | None = None
        self._file: Path | None = None

    def begin(self, as_of: date | None, *, purpose: str) -> None:
        """Begin a run; before that, and after its end, nothing is written.

        Args:
            as_of: The night; None while it is not known.
            purpose: The kind of run, such as `nightly`.
        """
        self._waiting, self._file = [], None
        self.tell("run began", purpose=purpose, process=os.getpid())
        if as_of is not None:
            self.of(as_of)

    def of(self, as_of: date) -> None:
        """Set the night, and write the lines that were kept until it was known."""
        if self._waiting is not None:
            self._write(self.folder / f"{as_of.isoformat()}.jsonl")

    def tell(self, event: str, **facts: Any) -> None:
        """Add a line."""
        if self._waiting is None:
            return
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "run": self.run, "event": event, **facts}
        self._waiting.append(json.dumps(line, ensure_ascii=False))
        if self._file is not None:
            self._write(self._file)

    def end(self, *, exit_code: int, seconds: float) -> None:
        """End the run; one whose night was never known goes into a file named after the day in UTC."""
        self.tell("run ended", exit=exit_code, seconds=round(seconds, 3), **peak_memory())
        if self._file is None:
            self._write(self.folder / f"unknown-{datetime.now(UTC).date().isoformat()}.jsonl")
        self._waiting = None

    def _write(self, file: Path) -> None:
        self._file = file
        lines, self._waiting = self._waiting or [], []
        # A full disk must not end the run; these lines are lost.
        with contextlib.suppress(OSError):
            _append(file, lines)


def peak_memory() -> dict[str, int]:
    """Return the most memory this process has used so far, as `peak_memory_mib`; empty where the system does not report it."""
    try:
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        peak = None
    return {"peak_memory_mib": int(peak[1]) // _KIB_PER_MIB} if peak else _peak_by_usage()


def read_log(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the lines of a file; a line that a full disk or a kill cut off is skipped."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if isinstance(entry, dict) and {"at", "run", "event"} <= entry.keys():
                yield entry


def log_files(folder: Path) -> dict[Path, date]:
    """Return file → its night, or the day in UTC for runs whose night was never known."""
    names = {path: _NAME.fullmatch(path.name) for path in sorted(folder.glob("*.jsonl"))}
    return {path: date.fromisoformat(match[1]) for path, match in names.items() if match}


def remove_logs(folder: Path, *, until: date) -> None:
    """Remove the logs of nights up to a day, that day included."""
    for path, night in log_files(folder).items():
        if night <= until:
            path.unlink(missing_ok=True)


def _append(file: Path, lines: list[str]) -> None:
    """Append lines in one write."""
    file.parent.mkdir(exist_ok=True)
    with file.open("a+b") as stream:
        # A full disk or a kill may have cut the last line off: an empty line before ours then ends it.
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            lines = lines if stream.read(1) == b"\n" else ["", *lines]
        stream.write("".join(f"{line}\n" for line in lines).encode())


def _peak_by_usage() -> dict[str, int]:
    try:
        import resource
    except ImportError:
        return {}
    # `ru_maxrss` is in bytes on macOS and in KiB on Linux.
    bytes_per_unit = 1 if sys.platform == "darwin" else 1024
    return {"peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * bytes_per_unit // 1024**2}
