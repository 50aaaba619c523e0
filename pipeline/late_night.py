"""Notice that no night has run when one was due, and tell it once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from runtime.alerting import alert_of_late_night
from runtime.run_context import RunContext
from wording.texts import fill

# A night may take its time, and a machine may start late.
GRACE: Final = timedelta(hours=6)
_NIGHTS_LOOKED_AT: Final = 8
_TOLD: Final = "late-night-told"


@dataclass(frozen=True)
class LateNight:
    """A night that was due and has not run.

    Args:
        newest: The newest night with lists.
        due: The night that was due.
    """

    newest: date
    due: date

    @property
    def says(self) -> str:
        """Return what is the matter."""
        return fill("warning.late", night=self.newest, due=self.due)


def late_night(run: RunContext) -> LateNight | None:
    """Return the night that is late by the clock; None where none is, or where no night has run yet.

    Nights are due as often as the last eight were apart, each six hours after its day is over. Where the data say which night it
    is (`[run] as_of = "latest"` or a day), the time counts since the newest lists were written.

    Args:
        run: The run, with its clock.
    """
    lists = run.workspace.lists
    written = sorted(lists.glob("[0-9]*/receipt.json")) if lists.exists() else []
    if not written:
        return None
    nights = [date.fromisoformat(path.parent.name) for path in written][-_NIGHTS_LOOKED_AT:]
    every = max(1, round(median([(later - earlier).days for earlier, later in pairwise(nights)] or [1])))
    zone = ZoneInfo(run.timezone)
    over = (run.now - GRACE).astimezone(zone).date() - timedelta(days=1)
    newest = nights[-1]
    if run.settings.run.as_of == "yesterday":
        return LateNight(newest, newest + timedelta(days=every)) if over >= newest + timedelta(days=every) else None
    age = run.now.timestamp() - written[-1].stat().st_mtime
    due = timedelta(days=every) + GRACE
    return LateNight(newest, newest + timedelta(days=every)) if age > due.total_seconds() else None


def tell_late_night(run: RunContext) -> bool:
    """Send an alert about a late night, once for each newest night; return whether one was sent now.

    Args:
        run: The run, with its clock.
    """
    late = late_night(run)
    told = run.workspace.state / _TOLD
    if late is None or (told.exists() and told.read_text(encoding="utf-8") == late.newest.isoformat()):
        return False
    named = fill("alert.night", of=late.due.isoformat())
    if not alert_of_late_night(run, named, late.says, fill("warning.late.remedy")):
        return False
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(late.newest.isoformat(), encoding="utf-8")
    return True
