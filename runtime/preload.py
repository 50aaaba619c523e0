"""Beside the first work: heavy packages are read from disk while Prefect's server starts and files are read."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

from expectations import client as validation


def preload(*, validates: bool) -> None:
    """Begin, once, what every night needs sooner or later; whoever needs it earlier just waits for it.

    Args:
        validates: Whether something new is known to have arrived; otherwise intake starts the validation worker if need be.
    """
    # Two imports in one process take turns; Great Expectations, the longest, has a process of its own.
    if validates:
        validation.start_worker()
    _start_imports()


@contextmanager
def importing() -> Iterator[None]:
    """Import packages in the block without looking for garbage, of which imports make none: a tenth of their time.

    What they leave, a million objects that stay until the end, is not looked at again, not even when the process ends.
    """
    if "mlflow" in sys.modules:
        yield
        return
    gc.disable()
    atexit.register(gc.freeze)
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


@cache
def _start_imports() -> Thread:
    thread = Thread(target=_import_all, name="imports", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    # What cannot be imported fails again, and is told, where it is needed.
    for import_one in (_tracking, _models):
        try:
            import_one()
        except Exception:  # noqa: S112 - see above
            continue


def _tracking() -> None:
    from runtime.tracking.library import quiet_mlflow

    quiet_mlflow()


def _models() -> None:
    import lightgbm  # noqa: F401
