"""Alarms from night to night: the same one keeps its number, is said once, and again only when it is clearly worse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import log
from typing import Final, Literal

import polars as pl

from community.alarms import Alarm, size_of

ALARMS_SCHEMA: Final = pl.Schema(
    {
        "as_of": pl.Date(),
        "number": pl.Int64(),
        "key": pl.String(),
        "subject": pl.String(),
        "figure": pl.String(),
        "dimension": pl.String(),
        "first_night": pl.Date(),
        "since": pl.Date(),
        "now": pl.Float64(),
        "usual": pl.Float64(),
        "sure": pl.Float64(),
        "is_bad": pl.Boolean(),
    }
)
ACTIONS_SCHEMA: Final = pl.Schema(
    {
        "night": pl.Date(),
        "action": pl.String(),
        "number": pl.Int64(),
        "figure": pl.String(),
        "until": pl.Date(),
        "size": pl.Float64(),
    }
)
SENT: Final = "sent"
ACKNOWLEDGED: Final = "acknowledged"
MUTED: Final = "muted"
# An alarm that is back within so many days is the same.
SAME_DAYS: Final = 7
# Half as large again, and by a tenth at least.
_WORSE: Final = 1.5
_LEAST_WORSE: Final = 0.1
# Good news is sent only where a figure has doubled, which is seldom news alone.
_DOUBLED: Final = log(2)
State = Literal["open", "acknowledged", "muted"]


@dataclass(frozen=True)
class KnownAlarm:
    """An alarm of a night with what is known of it from the nights before.

    Args:
        alarm: The alarm.
        number: Its number, the same from its first night on.
        first_night: The first night that raised it.
        state: What people made of it.
        is_new: Whether no earlier night raised it.
        is_worse: Whether it is clearly worse than when it was sent, acknowledged or muted last.
        is_to_send: Whether tonight's message tells it.
    """

    alarm: Alarm
    number: int
    first_night: date
    state: State
    is_new: bool
    is_worse: bool
    is_to_send: bool


def carry_on(alarms: Iterable[Alarm], *, night: date, stored: pl.DataFrame, actions: pl.DataFrame) -> tuple[KnownAlarm, ...]:
    """Recognise the alarms of a night, in their order; the same night gives the same result however often it is run.

    Args:
        alarms: The alarms of the night.
        night: The night.
        stored: The alarms of all nights, in `ALARMS_SCHEMA`.
        actions: What was sent, acknowledged and muted, in `ACTIONS_SCHEMA`; the oldest first.
    """
    earlier = stored.filter(pl.col("as_of") < night, pl.col("as_of") >= night - timedelta(days=SAME_DAYS)).sort("as_of")
    before = {row["key"]: row for row in earlier.iter_rows(named=True)}
    again = {row["key"]: row for row in stored.filter(pl.col("as_of") == night).iter_rows(named=True)}
    done = actions.filter(pl.col("night") <= night)
    following = 1 + max([0, *stored["number"].to_list(), *done["number"].drop_nulls().to_list()])
    known = []
    for alarm in alarms:
        past, same = before.get(alarm.key), again.get(alarm.key)
        first = past or same
        number = first["number"] if first is not None else following
        following += first is None
        first_night = night if past is None else past["first_night"]
        known.append(_known(alarm, number, first_night, night, done, is_new=past is None))
    return tuple(known)


def as_rows(known: Iterable[KnownAlarm], *, night: date) -> pl.DataFrame:
    """Return the alarms of a night as rows of `ALARMS_SCHEMA`.

    Args:
        known: The alarms.
        night: The night.
    """
    rows = [
        (
            night,
            one.number,
            one.alarm.key,
            one.alarm.subject,
            one.alarm.figure,
            one.alarm.dimension,
            one.first_night,
            one.alarm.since,
            one.alarm.now,
            one.alarm.usual,
            one.alarm.sure,
            one.alarm.is_bad,
        )
        for one in known
    ]
    return pl.DataFrame(rows, schema=ALARMS_SCHEMA, orient="row")


def action(
    name: str, *, night: date, number: int | None, figure: str | None, until: date | None, size: float | None
) -> pl.DataFrame:
    """Return one action as a row of `ACTIONS_SCHEMA`.

    Args:
        name: `sent`, `acknowledged` or `muted`.
        night: The newest night when it was taken.
        number: The alarm; None where a figure is muted.
        figure: The figure or subject that is muted; None else.
        until: The last night that is muted; None else.
        size: How large the alarm was then; None where there was none.
    """
    return pl.DataFrame([(night, name, number, figure, until, size)], schema=ACTIONS_SCHEMA, orient="row")


def stored_size(row: dict[str, float]) -> float:
    """Return how far a stored alarm was from what is usual.

    Args:
        row: A row of `ALARMS_SCHEMA`.
    """
    return size_of(row["now"], row["usual"])


def _known(alarm: Alarm, number: int, first_night: date, night: date, actions: pl.DataFrame, *, is_new: bool) -> KnownAlarm:
    own = actions.filter(pl.col("number") == number)
    sent = own.filter(pl.col("action") == SENT)
    acknowledged = own.filter(pl.col("action") == ACKNOWLEDGED)
    names = [alarm.figure, alarm.subject]
    muted = actions.filter(
        pl.col("action") == MUTED,
        pl.col("until") >= night,
        (pl.col("number") == number) | pl.col("figure").is_in(names),
    )
    state: State = "muted" if muted.height else "acknowledged" if acknowledged.height else "open"
    references = [size for rows in (sent, acknowledged, muted) for size in rows["size"].to_list()]
    is_silent = None in references
    # Without a size nothing can be worse than it was.
    largest = max((size for size in references if size is not None), default=None)
    is_worse = largest is not None and not is_silent and alarm.size >= max(_WORSE * largest, largest + _LEAST_WORSE)
    was_sent_tonight = bool(sent.filter(pl.col("night") == night).height)
    is_due = is_worse if references else True
    is_to_send = is_due and not was_sent_tonight and (alarm.is_bad or (alarm.direction == "more" and alarm.size >= _DOUBLED))
    return KnownAlarm(alarm, number, first_night, state, is_new, is_worse, is_to_send)
