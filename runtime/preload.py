"""Import heavy packages in a thread while Prefect's server starts and files are read."""

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
    """Start, once per process, the imports that every night needs; code that needs a package before waits for its import.

    Args:
        validates: Whether new exports are known to have arrived; if not, intake starts the validation worker when it needs it.
    """
    # Two imports of one process do not run in parallel. Great Expectations takes longest and has a process of its own.
    if validates:
        validation.start_worker()
    _start_imports()


@contextmanager
def importing() -> Iterator[None]:
    """Turn garbage collection off while the block imports packages, which saves a tenth of the time.

    Imports make no garbage. The million objects that they leave stay until the process ends, so later collections skip them.
    """
    if "mlflow" in sys.modules:
        yield
        return
    gc.disable()
    # Runs before the last collection of the interpreter, which would visit every object again.
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
    # A package that cannot be imported fails again where it is needed, and is reported there.
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
