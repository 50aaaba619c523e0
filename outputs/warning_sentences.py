"""Alarms as sentences, for report, message and terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from community.alarm_history import KnownAlarm
from community.alarms import Alarm, Driver
from community.watched import GIVEN, ROWS, WATCHED
from wording.numbers import money, number, percent
from wording.texts import fill, listing, name, sentences

_PRECISE_BELOW: Final = 10
_MOST_ALSO: Final = 3
CRISIS: Final = "crisis"
_SCORE: Final = "feedback_score_30d"
_NIGHTS: Final = "nights"
_SOURCE: Final = "source"


def alarm_sentences(known: KnownAlarm, *, currency: str | None, names: Mapping[str, str]) -> list[str]:
    """Say an alarm, and what is known of it from earlier nights, a sentence each.

    Args:
        known: The alarm.
        currency: Of amounts of money.
        names: Id of a member community → what it is called.
    """
    return [*said_of(known.alarm, currency=currency, names=names), *_history(known)]


def said_of(alarm: Alarm, *, currency: str | None, names: Mapping[str, str]) -> list[str]:
    """Say an alarm: what, since when, how bad, which groups drive it.

    Args:
        alarm: The alarm.
        currency: Of amounts of money.
        names: Id of a member community → what it is called.
    """
    said = [_what(alarm, currency)]
    if alarm.figure.startswith(ROWS) or alarm.figure == _SOURCE:
        said.append(fill("warning.rows.look"))
    if alarm.dimension:
        said.append(fill("warning.only", group=_group(alarm.dimension, names)))
    if alarm.drivers:
        groups = listing([_driver(one, alarm, currency, names) for one in alarm.drivers])
        said.append(fill("warning.others" if alarm.dimension else "warning.drivers", groups=groups))
    if alarm.words and alarm.kind not in {CRISIS, _SOURCE}:
        said.append(fill("warning.words", words=listing(alarm.words)))
    also = [_figure(one) for one in alarm.also if one.startswith((ROWS, GIVEN)) or one in WATCHED]
    if also:
        said.append(fill("warning.also", figures=listing(also[:_MOST_ALSO])))
    return said


def message_lines(alarms: Iterable[KnownAlarm], *, currency: str | None, names: Mapping[str, str]) -> list[str]:
    """Say the alarms of a message, a numbered line each.

    Args:
        alarms: The alarms to send, ranked.
        currency: Of amounts of money.
        names: Id of a member community → what it is called.
    """
    lines = []
    for one in alarms:
        said = sentences(*alarm_sentences(one, currency=currency, names=names))
        lines.append(fill("warning.line", number=one.number, said=said))
    return lines


def _what(alarm: Alarm, currency: str | None) -> str:
    if alarm.kind == CRISIS:
        topic = listing(alarm.words)
        usual = _amount(alarm.usual, alarm.figure, currency)
        return fill("warning.crisis", topic=topic, n=alarm.members or 0, since=alarm.since, usual=usual)
    if alarm.figure == _NIGHTS:
        return fill("warning.nights.more", now=round(alarm.now), usual=round(alarm.usual))
    if alarm.figure == _SOURCE:
        source = alarm.subject.partition(":")[2]
        return fill("warning.source.more", source=source, now=round(alarm.now), usual=round(alarm.usual))
    now, usual = (_amount(value, alarm.figure, currency) for value in (alarm.now, alarm.usual))
    change = _change(alarm)
    if alarm.figure.startswith(ROWS):
        table = name(alarm.figure.removeprefix(ROWS))
        return fill("warning.rows.less", table=table, now=now, usual=usual, since=alarm.since, change=change)
    if alarm.figure.startswith(GIVEN):
        figure = _figure(alarm.figure)
        return fill(
            "warning.given", figure=figure[:1].upper() + figure[1:], now=now, usual=usual, since=alarm.since, change=change
        )
    key = f"warning.{alarm.figure}.{alarm.direction}"
    return fill(key, now=now, usual=usual, since=alarm.since, change=change, n=now)


def _change(alarm: Alarm) -> str:
    if not alarm.usual:
        return fill("warning.new")
    ratio = alarm.now / alarm.usual - 1
    return ("+" if ratio > 0 else "") + percent(round(ratio, 2))


def _amount(value: float, figure: str, currency: str | None) -> str:
    how = WATCHED.get(figure)
    if figure == _SCORE or how is None:
        is_share = figure == "calibration"
        return percent(value) if is_share else number(value, digits=0 if value >= _PRECISE_BELOW or value == round(value) else 1)
    if how.kind in {"share", "window"}:
        return percent(value)
    if how.kind == "amount":
        return money(value, currency)
    return number(value, digits=0 if value >= _PRECISE_BELOW else 1)


def _driver(driver: Driver, alarm: Alarm, currency: str | None, names: Mapping[str, str]) -> str:
    now, usual = (_amount(value, alarm.figure, currency) for value in (driver.now, driver.usual))
    return fill("warning.driver", group=_group(driver.dimension, names), now=now, usual=usual)


def _group(dimension: str, names: Mapping[str, str]) -> str:
    kind, _, value = dimension.partition("=")
    shown = names.get(value, value) if kind == "community" else name(value) if kind in {"tier", "lifecycle"} else value
    return fill(f"warning.group.{kind}", value=shown)


def _figure(figure: str) -> str:
    if figure.startswith(ROWS):
        return fill("warning.figure.rows", table=name(figure.removeprefix(ROWS)))
    if figure.startswith(GIVEN):
        platform, _, counted = figure.removeprefix(GIVEN).rpartition("/")
        return fill("warning.figure.given", figure=name(counted), platform=platform)
    return fill(f"warning.figure.{figure}")


def _history(known: KnownAlarm) -> Iterator[str]:
    if not known.is_new:
        yield fill("warning.known", night=known.first_night)
    if known.is_worse:
        yield fill("warning.worse")
    if known.state == "acknowledged":
        yield fill("warning.acknowledged")
    if known.state == "muted":
        yield fill("warning.muted")
