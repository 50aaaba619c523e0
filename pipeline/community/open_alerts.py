"""The alerts of the newest night: listed, acknowledged and muted by people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from community.alarm_history import ACKNOWLEDGED, ALARMS_SCHEMA, MUTED, KnownAlarm, action, carry_on, stored_size
from community.alarms import Alarm
from lake.errors import ConfigurationError
from outputs.warning_sentences import alarm_sentences
from pipeline.community.early_warning import ALERTS, note_action, read_actions, watched_names
from pipeline.stored_nights import NIGHT, SCORES
from runtime.run_context import RunContext
from wording.texts import fill, sentences


def list_alerts(run: RunContext) -> Iterator[str]:
    """Yield the alerts of the newest night as lines.

    Args:
        run: The run.
    """
    night, rows = _newest(run)
    if rows.is_empty():
        yield fill("alerts.none", night=night)
        return
    yield fill("alerts.head", night=night)
    stored = run.workspace.lake.scan_or_empty(ALERTS, ALARMS_SCHEMA).collect()
    alarms = [_alarm(row) for row in rows.iter_rows(named=True)]
    for known in carry_on(alarms, night=night, stored=stored, actions=read_actions(run)):
        yield fill("warning.line", number=known.number, said=_said(known, run.settings.community.currency))


def acknowledge(run: RunContext, number: int) -> str:
    """Acknowledge an alert: it is sent again only when it becomes clearly worse.

    Args:
        run: The run.
        number: Its number.

    Raises:
        ConfigurationError: The newest night has no such alert.
    """
    night, row = _numbered(run, number)
    note_action(run, action(ACKNOWLEDGED, night=night, number=number, figure=None, until=None, size=stored_size(row)))
    return fill("alerts.acknowledged", number=number)


def mute(run: RunContext, what: str, until: date) -> str:
    """Mute an alert by its number until a day, unless it becomes clearly worse; or a figure, whatever it does.

    Args:
        run: The run.
        what: The number of an alert, or the name of a figure such as `dau` or `rows.orders`.
        until: The last night that is muted.

    Raises:
        ConfigurationError: There is no such alert or figure.
    """
    if what.isdecimal():
        night, row = _numbered(run, int(what))
        muted = action(MUTED, night=night, number=int(what), figure=None, until=until, size=stored_size(row))
    else:
        watched = watched_names(run)
        if what not in watched:
            raise ConfigurationError(
                f"no figure {what!r} is watched", remedy=f"Name the number of an alert, or one of {', '.join(watched)}."
            )
        night, _ = _newest(run)
        muted = action(MUTED, night=night, number=None, figure=what, until=until, size=None)
    note_action(run, muted)
    return fill("alerts.muted", what=what, until=until)


def _newest(run: RunContext) -> tuple[date, pl.DataFrame]:
    nights = run.workspace.lake.days(SCORES, column=NIGHT)
    if not nights:
        raise ConfigurationError("no night has run yet", remedy="Run `evenfall nightly`.")
    night = max(nights)
    stored = run.workspace.lake.scan_or_empty(ALERTS, ALARMS_SCHEMA).filter(pl.col("as_of") == night).collect()
    return night, stored.select(ALARMS_SCHEMA.names())


def _numbered(run: RunContext, number: int) -> tuple[date, dict[str, Any]]:
    night, rows = _newest(run)
    row = next((one for one in rows.iter_rows(named=True) if one["number"] == number), None)
    if row is None:
        numbers = ", ".join(map(str, rows["number"].to_list())) or "none"
        raise ConfigurationError(
            f"the night of {night} has no alert {number}; it has {numbers}", remedy="`evenfall alerts` lists them."
        )
    return night, row


def _alarm(row: dict[str, Any]) -> Alarm:
    return Alarm(
        row["subject"],
        row["figure"],
        row["dimension"],
        row["since"],
        row["now"],
        row["usual"],
        row["sure"],
        row["is_bad"],
        words=(row["subject"].partition(":")[2],) if ":" in row["subject"] else (),
        members=round(row["now"]),
    )


def _said(known: KnownAlarm, currency: str | None) -> str:
    return sentences(*alarm_sentences(known, currency=currency, names={}))
