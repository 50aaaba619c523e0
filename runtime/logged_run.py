"""Write the first and the last line of a run to the structured log, however the run ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from lake.errors import EvenfallError, ExitCode
from runtime.alerting import message_and_remedy
from runtime.run_context import RunContext
from runtime.signals import stopped_exit_code

# The purpose of a run that goes back in time: nobody acted on its lists, so that it records no decisions.
BACKFILL: Final = "backfill"


@contextmanager
def logged(run: RunContext, purpose: str) -> Iterator[None]:
    """Log that a run began and how it ended, and re-raise its failure unchanged.

    Args:
        run: The run, which has locked its workspace.
        purpose: What is being done, such as `nightly`.
    """
    began, exit_code = time.perf_counter(), int(ExitCode.DONE)
    run.log.begin(run.asked, purpose=purpose)
    try:
        yield
    # BaseException: a run that a signal stops gets its last line, too.
    except BaseException as error:
        code = error.exit_code if isinstance(error, EvenfallError) else stopped_exit_code(error)
        exit_code = ExitCode.BUG if code is None else code
        run.log.tell("error", **_loggable(run, error))
        raise
    finally:
        run.log.end(exit_code=exit_code, seconds=time.perf_counter() - began)


def _loggable(run: RunContext, error: BaseException) -> dict[str, Any]:
    """Return what may be logged of an error: only the type of an unexpected one, whose message may hold a member's row."""
    if not isinstance(error, EvenfallError):
        return {"kind": type(error).__name__}
    says, remedy = message_and_remedy(error, run.settings)
    return {"kind": type(error).__name__, "says": says, "remedy": remedy}
