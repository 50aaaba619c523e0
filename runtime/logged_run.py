"""A run between its first and its last line in the structured log, however it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lake.errors import EvenfallError, ExitCode
from runtime.alerting import message_and_remedy
from runtime.run_context import RunContext
from runtime.signals import stopped_exit_code


@contextmanager
def logged(run: RunContext, purpose: str) -> Iterator[None]:
    """Log that a run began and how it ended; its failure goes on as it was.

    Args:
        run: The run, its workspace held.
        purpose: What is being done, such as `nightly`.
    """
    began, exit_code = time.perf_counter(), int(ExitCode.DONE)
    run.log.begin(run.asked, purpose=purpose)
    try:
        yield
    except BaseException as error:
        code = error.exit_code if isinstance(error, EvenfallError) else stopped_exit_code(error)
        exit_code = ExitCode.BUG if code is None else code
        run.log.tell("error", **_loggable(run, error))
        raise
    finally:
        run.log.end(exit_code=exit_code, seconds=time.perf_counter() - began)


def _loggable(run: RunContext, error: BaseException) -> dict[str, Any]:
    """What may be told of an error; what a bug says may be anything, a member's row included, so only its kind is."""
    if not isinstance(error, EvenfallError):
        return {"kind": type(error).__name__}
    says, remedy = message_and_remedy(error, run.settings)
    return {"kind": type(error).__name__, "says": says, "remedy": remedy}
