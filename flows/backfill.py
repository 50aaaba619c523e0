"""Run past nights one after another, each with only what was known by then."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows.nightly import run_night
from runtime.alerting import alerted
from runtime.logged_run import BACKFILL
from runtime.run_context import nights_between, open_run


@flow(name="backfill", flow_run_name="backfill {first} to {last}", persist_result=False, validate_parameters=False)
def backfill(workspace: str, first: str, last: str) -> list[str]:
    """Run every night from `first` to `last`; returns them as YYYY-MM-DD.

    Args:
        workspace: The folder with `evenfall.toml`.
        first: First night, YYYY-MM-DD.
        last: Last night, YYYY-MM-DD.

    Raises:
        ConfigurationError: The nights are not dates, not over yet, or in the wrong order.
    """
    nights = nights_between(workspace, first, last)
    beginning = open_run(workspace, first)
    # One lock for all nights: no other run may work in the workspace between two of them.
    with alerted(beginning, "backfill"), beginning.workspace.locked("backfill"):
        for as_of in nights:
            _one_night(workspace, as_of)
    return [as_of.isoformat() for as_of in nights]


def _one_night(workspace: str, as_of: date) -> None:
    run_night(open_run(workspace, as_of), purpose=BACKFILL)
