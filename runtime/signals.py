"""Stopping: Ctrl-C and SIGTERM end a run within seconds, whatever it is waiting for.

Nothing has to be finished first, because a run may be killed anywhere. What remains is to say so and to leave no process behind.
An interrupt can be lost where Python swallows it, in the middle of an import for instance, and whoever hears of it may wait for a
Prefect server that the same Ctrl-C has ended; so a thread sees to the end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final, NoReturn

from runtime.progress import restore_terminal

GRACE_SECONDS: Final = 8.0
_KILLED: Final = 128
_ASKS: Final = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


def stop_when_asked() -> None:
    """From now on an interrupt or a termination ends the process, if not by itself then after `GRACE_SECONDS`.

    To be called once, in the main thread of a process that is nothing but the command line.
    """
    heard, hears = os.pipe()
    os.set_blocking(hears, False)
    # Told of every signal, whoever handles it: Prefect has handlers of its own while a flow runs.
    signal.set_wakeup_fd(hears, warn_on_full_buffer=False)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _tell_unless_stopped
    threading.Thread(target=_see_to_the_end, args=(heard,), name="stopping", daemon=True).start()


def open_missing_streams() -> None:
    """Put nothing in the place of a standard stream that is closed, before a file of ours takes its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def end_when_asked() -> None:
    """Exit as stopped if a signal has asked for it: an error that came afterwards came of that."""
    if _asked:
        _say_stopped()
        sys.exit(_KILLED + _asked[0])


def end_stopped(cause: BaseException | None) -> NoReturn:
    """Say that the run was stopped, and exit.

    Args:
        cause: `Terminated`, or anything else for an interrupt.
    """
    _say_stopped()
    sys.exit(stopped_exit_code(cause) or _KILLED + signal.SIGINT)


def stopped_exit_code(error: BaseException | None) -> int | None:
    """128 and the signal's number, as shells count, where an error means that the run was stopped; None for all others."""
    # Prefect's TerminationSignal, which names the signal; Prefect itself may not have been read.
    number = signal.SIGTERM if isinstance(error, Terminated) else getattr(error, "signal", None)
    if number is None and isinstance(error, KeyboardInterrupt):
        number = signal.SIGINT
    return None if number is None else _KILLED + int(number)


def _terminate(_number: int, _frame: Any) -> None:
    raise Terminated


def _tell_unless_stopped(unraisable: Any) -> None:
    """An interrupt that is lost is seen to; its traceback would only frighten."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _see_to_the_end(heard: int) -> None:
    # Now and not at the end, when the main thread may be stopped in the middle of the same import.
    import psutil

    while (number := os.read(heard, 1)[0]) not in _ASKS:
        pass
    _asked.append(number)
    time.sleep(GRACE_SECONDS)
    _say_stopped()
    with suppress(psutil.Error):
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                child.terminate()
    restore_terminal()
    os._exit(_KILLED + number)


def _say_stopped() -> None:
    if not _said.is_set():
        _said.set()
        print("Stopped; run again to go on.", file=sys.stderr, flush=True)  # noqa: T201 - for the terminal


_asked: Final[list[int]] = []
_said: Final = threading.Event()
