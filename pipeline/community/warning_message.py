"""The one message of a finished night: what to know before trusting it, and what left what is usual."""

from __future__ import annotations

from collections.abc import Sequence

from community.alarm_history import SENT, action
from outputs.report.morning_facts import MorningFacts
from outputs.warning_sentences import message_lines
from pipeline.community.early_warning import note_action
from runtime.alerting import alert_of_warnings, without_secrets
from runtime.run_context import RunContext
from wording.communities import name_all
from wording.texts import fill


def alert_of_night(run: RunContext, warnings: Sequence[str], morning: MorningFacts | None) -> None:
    """Log the warnings of a night, send its message where it has something to say, and note the alarms that somebody was told.

    Called at the end: a night that fails sends the alert of its failure instead. An alarm that nobody could be told is sent by
    the next night.

    Args:
        run: The run.
        warnings: The sentences to read before trusting the night.
        morning: What the figures say; None where the night has none, or nobody is to be told.
    """
    for said in warnings:
        run.log.tell("warning", says=without_secrets(said, run.settings))
    warning = None if morning is None else morning.warning
    due = [] if warning is None else [one for one in warning.alarms if one.is_to_send]
    names = {} if warning is None else name_all(warning.communities)
    lines = message_lines(due, currency=run.settings.community.currency, names=names)
    look = fill("warning.look", night=run.as_of.isoformat()) if due else None
    if alert_of_warnings(run, [*lines, *warnings], noticed=bool(due) and not warnings, remedy=look):
        for one in due:
            note_action(run, action(SENT, night=run.as_of, number=one.number, figure=None, until=None, size=one.alarm.size))
