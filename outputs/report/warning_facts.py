"""What the early warning says this morning, as plain data for the report and the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from community.alarm_history import KnownAlarm
from community.alarms import Alarm


@dataclass(frozen=True)
class EarlyWarning:
    """What left what is usual; no member's id is part of it.

    Args:
        found: The alarms of the figures, before those of the models join them.
        alarms: The alarms of the night, ranked, with what is known of them.
        communities: Id of a member community → what sets it apart, as kinds and values.
    """

    found: tuple[Alarm, ...] = ()
    alarms: tuple[KnownAlarm, ...] = ()
    communities: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
