"""What the early warning says this morning, as plain data for the report and the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from community.alarm_history import KnownAlarm
from community.alarms import Alarm
from community.anomalies import Usual


@dataclass(frozen=True)
class EarlyWarning:
    """What left what is usual; no member's id is part of it.

    Args:
        found: The alarms of the figures, before those of the models join them.
        alarms: The alarms of the night, ranked, with what is known of them.
        names: Id of a member community → what it is called.
        usual: The figures beside what is usual; None where there are none.
    """

    found: tuple[Alarm, ...] = ()
    alarms: tuple[KnownAlarm, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    usual: Usual | None = None
