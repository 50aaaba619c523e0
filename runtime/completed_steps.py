"""Which steps a failed night had completed: its lists may be published although it ended with an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from lake.errors import EvenfallError
from runtime.run_context import RunContext

LISTS_STEP: Final = "publishing the lists"
DATABASE_STEP: Final = "publishing to the database"
# Step that follows the lists → what it leaves behind.
_AFTERWARDS: Final = {
    DATABASE_STEP: "the database",
    "counting the figures": "the daily figures",
    "judging the figures": "what the figures say",
    "measuring what matured": "the figures of what matured",
    "deciding what is told": "the alarms",
    "measuring effects": "the effects of contacts",
    "writing the report": "the report",
    "recording the night": "the record in MLflow and Prefect",
    "tidying up": "the removal of old versions of tables",
}


@contextmanager
def naming_completed_steps(run: RunContext) -> Iterator[None]:
    """Add to a failure after publishing that the lists are out, and which of the later steps were done."""
    try:
        yield
    except EvenfallError as error:
        what, remedy = f"{done_so_far(run)}: {error.what}", f"{error.remedy} The lists stay; run the night again for the rest."
        # The same type, because the type decides the exit code.
        raise type(error)(what, remedy=remedy, detail=error.detail) from error
    except Exception as error:
        # A note keeps type, message and traceback of an unexpected error as they were.
        error.add_note(str(done_so_far(run)))
        raise


def done_so_far(run: RunContext) -> str | None:
    """Return one sentence on the steps completed since the lists were published; None when they were not published."""
    if LISTS_STEP not in run.ended:
        return None
    steps = [step for step in _AFTERWARDS if step != DATABASE_STEP or run.settings.lists.publish_uri is not None]
    completed = ", ".join(_AFTERWARDS[step] for step in steps if step in run.ended)
    missing = ", ".join(_AFTERWARDS[step] for step in steps if step not in run.ended)
    also = f", and done are {completed}" if completed else ""
    # Whoever waits for the run to end knows only the night that was asked for, and `latest` asks for none.
    night = "" if run.asked is None else f" of {run.asked}"
    return f"the lists{night} are out{also}; not done: {missing or 'nothing'}"
