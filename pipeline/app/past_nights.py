"""The last nights as the door shows them: how each run went, and what of its night can be opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pipeline.past_runs import Ran, is_running, last_runs
from runtime.run_context import RunContext

SHOWN: Final = 10
_STOPPED: Final = (130, 143)
State = Literal["done", "warned", "failed", "stopped", "running", "killed"]
_NIGHTS: Final = ("nightly", "demo", "backfill")


@dataclass(frozen=True)
class PastNight:
    """A run of a night.

    Args:
        night: The night; None while it is not known.
        state: How it went.
        began: When it began, in the community's timezone.
        ran: What the log says.
        has_lists: Whether the night has lists.
        has_report: Whether it has a report.
        has_validation: Whether it has a validation page.
    """

    night: date | None
    state: State
    began: datetime
    ran: Ran
    has_lists: bool
    has_report: bool
    has_validation: bool


def past_nights(run: RunContext) -> list[PastNight]:
    """Return the last runs of nights, the newest first.

    Args:
        run: The run.
    """
    zone = ZoneInfo(run.timezone)
    return [_past(run, ran, zone) for ran in last_runs(run.workspace) if ran.purpose in _NIGHTS][:SHOWN]


def _past(run: RunContext, ran: Ran, zone: ZoneInfo) -> PastNight:
    night = None if ran.night == "unknown" else date.fromisoformat(ran.night)
    workspace = run.workspace
    return PastNight(
        night,
        _state(ran),
        datetime.fromisoformat(ran.began).astimezone(zone),
        ran,
        has_lists=night is not None and (workspace.night(night) / "members.parquet").exists(),
        has_report=night is not None and workspace.report(night).exists(),
        has_validation=night is not None and workspace.validation_page(night.isoformat()).exists(),
    )


def _state(ran: Ran) -> State:
    if ran.exit_code is None:
        return "running" if is_running(ran) else "killed"
    if ran.exit_code in _STOPPED:
        return "stopped"
    if ran.exit_code:
        return "failed"
    return "warned" if ran.warnings else "done"
