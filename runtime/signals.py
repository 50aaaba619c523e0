"""End a run within seconds on Ctrl-C or SIGTERM, whatever it is waiting for.

Nothing has to be finished first, because a run may be killed at any point. What remains is to report the stop and to leave no
child process behind. Raising `KeyboardInterrupt` is not enough: Python may lose it, for instance in the middle of an import, and
code that receives it may wait for a Prefect server that the same Ctrl-C has ended. So a thread ends the process after a while.
"""

from __future__ import annotations

import logging
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
    """Let an interrupt or SIGTERM end the process: by an exception, or else after `GRACE_SECONDS`.

    Call it once, in the main thread of a process that runs only the command line.
    """
    heard, hears = os.pipe()
    # Python requires it of a wakeup descriptor: a signal handler must never wait.
    os.set_blocking(hears, False)
    # The descriptor gets the number of every signal, whoever handles it: Prefect sets handlers of its own while a flow runs.
    signal.set_wakeup_fd(hears, warn_on_full_buffer=False)
    # Only the default is replaced: a handler that was set on purpose, or an ignored signal, stays.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _report_unless_interrupted
    # A daemon thread does not keep a finished process alive.
    threading.Thread(target=_end_after_grace, args=(heard,), name="stopping", daemon=True).start()


def open_missing_streams() -> None:
    """Open the null device in the place of each standard stream that is closed.

    Otherwise the next file that is opened gets the number of that stream, and printed text would go into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def end_when_asked() -> None:
    """Exit as stopped if a signal has arrived: an error after a signal is taken for a consequence of it."""
    if _received:
        _say_stopped()
        sys.exit(_KILLED + _received[0])


def end_stopped(cause: BaseException | None) -> NoReturn:
    """Report that the run was stopped, and exit with the code of the signal.

    Args:
        cause: `Terminated`, or anything else for an interrupt.
    """
    _say_stopped()
    sys.exit(stopped_exit_code(cause) or _KILLED + signal.SIGINT)


def stopped_exit_code(error: BaseException | None) -> int | None:
    """Return 128 plus the signal's number, as shells do, for an error that means the run was stopped; None for all others."""
    # Prefect's TerminationSignal has an attribute `signal`; asking for its type would import Prefect.
    number = signal.SIGTERM if isinstance(error, Terminated) else getattr(error, "signal", None)
    if number is None and isinstance(error, KeyboardInterrupt):
        number = signal.SIGINT
    return None if number is None else _KILLED + int(number)


def _terminate(_number: int, _frame: Any) -> None:
    raise Terminated


def _report_unless_interrupted(unraisable: Any) -> None:
    """Report an error that Python cannot raise, but no interrupt: the thread ends the process, a traceback would only confuse."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


def _end_after_grace(heard: int) -> None:
    # Imported at the start: at the end the main thread may be blocked inside the same import, for whose lock this one would wait.
    import psutil

    while (number := os.read(heard, 1)[0]) not in _ASKS:
        pass
    _received.append(number)
    time.sleep(GRACE_SECONDS)
    _say_stopped()
    with suppress(psutil.Error):
        # SIGTERM reaches this process alone: Prefect's server and the validation worker would live on.
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                child.terminate()
    restore_terminal()
    # Not sys.exit: that ends only this thread, and an ordinary end waits for threads and exit functions that may hang.
    os._exit(_KILLED + number)


def _say_stopped() -> None:
    if not _is_reported.is_set():
        _is_reported.set()
        # What a thread of Prefect's logs from here on is a consequence: the same Ctrl-C has ended its server.
        logging.disable()
        print("Stopped; run again to go on.", file=sys.stderr, flush=True)  # noqa: T201 - for the terminal


_received: Final[list[int]] = []
_is_reported: Final = threading.Event()
