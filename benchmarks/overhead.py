"""How long a night is with its orchestration, its validation and its tracking, and not at its work.

    python -m benchmarks.overhead FILE nightly --workspace WORKSPACE

runs the command line with a watcher beside it, which looks every few milliseconds at what the night's thread is in the middle
of, and writes into FILE how many seconds went where. A moment counts to the innermost of Prefect, Great Expectations, MLflow and
our own rooms on the thread's stack: a step that Prefect called is work, a request that Prefect makes for it is orchestration.
A moment at work counts all the same while the thread that imports beside it is in one of the three, because only one of the two
can run; and so does everything after the command line has ended. Reading a package that the work needs itself, such as SciPy for
LightGBM, is work, whoever asks for it first. Of the process that validates, what counts is how long the night waits for it.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Final

ORCHESTRATION: Final = "orchestration"
VALIDATION: Final = "validation"
TRACKING: Final = "tracking"
_AT_WORK: Final = "at work"
# What Python calls the code of a module, which runs when it is imported.
_IMPORTED: Final = "<module>"
_KINDS: Final = {
    "prefect": ORCHESTRATION,
    "great_expectations": VALIDATION,
    "expectations": VALIDATION,
    "mlflow": TRACKING,
    "runtime.tracking": TRACKING,
    **dict.fromkeys(("flows", "pipeline", "runtime", "features", "models", "segments", "lake", "wording", "outputs"), _AT_WORK),
}
# LightGBM and the lifetimes need the first four, the report the last.
_NEEDED_ANYHOW: Final = frozenset({"numpy", "scipy", "pandas", "sklearn", "altair"})
_SECONDS_BETWEEN_LOOKS: Final = 0.005


class Watcher:
    """Looks at the thread that makes it, from a thread of its own, until it is asked what it has seen."""

    def __init__(self) -> None:
        self._watched = threading.get_ident()
        self._seen: defaultdict[str, float] = defaultdict(float)
        self._ended = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._thread.start()

    def over(self) -> None:
        """Say that the work is done: whatever is not known from now on is the libraries' own end."""
        self._is_over = True

    def seconds(self) -> dict[str, float]:
        """Stop looking: orchestration, validation and tracking → seconds."""
        self._ended.set()
        self._thread.join()
        return {kind: self._seen[kind] for kind in (ORCHESTRATION, VALIDATION, TRACKING)}

    def _watch(self) -> None:
        before = time.perf_counter()
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            now = time.perf_counter()
            self._seen[self._kind()] += now - before
            before = now

    def _kind(self) -> str:
        frames = sys._current_frames()
        # With this very frame in it, what is looked at would hold itself, and keep alive all that the night has let go of.
        del frames[threading.get_ident()]
        kind = kind_of(frames.get(self._watched)) or (ORCHESTRATION if self._is_over else _AT_WORK)
        if kind != _AT_WORK:
            return kind
        importing = (thread.ident for thread in threading.enumerate() if thread.name == "imports")
        return next((found for ident in importing if (found := kind_of(frames.get(ident or 0)))), _AT_WORK)


def kind_of(frame: FrameType | None) -> str | None:
    """What a thread is in the middle of; None when none of what is told apart is on its stack."""
    while frame is not None:
        parts = str(frame.f_globals.get("__name__", "")).split(".")
        if kind := _KINDS.get(".".join(parts[:2])) or _KINDS.get(parts[0]):
            return kind
        if parts[0] in _NEEDED_ANYHOW and frame.f_code.co_name == _IMPORTED:
            return _AT_WORK
        frame = frame.f_back
    return None


def main() -> None:
    """Run the command line, watched."""
    file, watcher = Path(sys.argv[1]), Watcher()
    # Registered before everything else, so it runs when all others have ended.
    atexit.register(lambda: file.write_text(json.dumps(watcher.seconds()), encoding="utf-8"))
    sys.argv = ["evenfall", *sys.argv[2:]]
    try:
        from flows.cli import main as evenfall

        evenfall()
    finally:
        watcher.over()


if __name__ == "__main__":
    main()
