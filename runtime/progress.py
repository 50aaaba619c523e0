"""Show the progress of a run: on a terminal a live line with a bar per step, elsewhere plain lines.

All of it goes to standard error, so that results on standard output can be piped. Only one step runs, and is shown, at a time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_T = TypeVar("_T")
# Redrawing more often would take processor time from the step.
_REFRESHES_A_SECOND: Final = 5
_BAR_WIDTH: Final = 30
_SHOW_CURSOR: Final = "\x1b[?25h"


def say(line: str) -> None:
    """Print a line, above the live line if there is one."""
    if _live is None:
        print(f"  {line}", file=sys.stderr, flush=True)  # noqa: T201 - progress is for the terminal
    else:
        _live.say(line)


@contextmanager
def showing(step: str) -> Iterator[None]:
    """Show a step while the block runs; on a terminal also how long it took."""
    global _live  # noqa: PLW0603 - there is one terminal
    # A step within a step gets a plain line: there is only one live line.
    if _live is not None or not sys.stderr.isatty():
        say(f"{step} …")
        yield
        return
    _live = _LiveStep(step)
    try:
        yield
    finally:
        ended, _live = _live, None
        ended.end(failed=sys.exc_info()[0] is not None)


def each(items: Iterable[_T], *, total: int, unit: str) -> Iterator[_T]:
    """Iterate over the items that a step works on, and advance its bar.

    Args:
        items: The items; an item counts as done when the next one is requested.
        total: The number of items.
        unit: The plural name of the items, such as `files`.
    """
    for done, item in enumerate(items):
        if _live is not None:
            _live.count(done, total, unit)
        yield item
    if _live is not None and total:
        _live.count(total, total, unit)


def each_cutoff(days: Sequence[_T]) -> Iterator[_T]:
    """Iterate over past cut-offs, and advance the bar."""
    return each(days, total=len(days), unit="cut-offs")


def restore_terminal() -> None:
    """Show the cursor, which a live line hides, before a process ends in the middle of a step."""
    if _live is not None:
        print(_SHOW_CURSOR, end="", file=sys.__stderr__, flush=True)


class _LiveStep:
    """One line that is redrawn while its step runs, and that shows its seconds afterwards."""

    def __init__(self, name: str) -> None:
        self._name, self._began = name, time.perf_counter()
        self._progress = _progress()
        self._task: TaskID = self._progress.add_task(name, total=None, count="")
        self._progress.start()

    def say(self, line: str) -> None:
        self._progress.console.print(f"  {line}", markup=False, highlight=False, emoji=False, soft_wrap=True)

    def count(self, done: int, total: int, unit: str) -> None:
        self._progress.update(self._task, completed=done, total=total, count=f"{done:,} of {total:,} {unit}")

    def end(self, *, failed: bool) -> None:
        self._progress.update(self._task, visible=False)
        self._progress.stop()
        self.say(f"{'✗' if failed else '✓'} {self._name}  {time.perf_counter() - self._began:.1f} s")


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(_BAR_WIDTH),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        refresh_per_second=_REFRESHES_A_SECOND,
        transient=True,
        # Standard output is read by pipes and tests, so that it must not be redirected to the live display.
        redirect_stdout=False,
        redirect_stderr=True,
    )


_live: _LiveStep | None = None
