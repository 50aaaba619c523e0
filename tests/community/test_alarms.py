from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from community.alarm_history import (
    ACKNOWLEDGED,
    ACTIONS_SCHEMA,
    ALARMS_SCHEMA,
    MUTED,
    SENT,
    KnownAlarm,
    action,
    as_rows,
    carry_on,
)
from community.alarms import Alarm, group, rank
from community.anomalies import compare, find_anomalies
from community.watched import WATCHED, watched_rows
from tests.community.test_anomalies import DAYS, LAST, figures_of, weekly

NIGHT = date(2025, 9, 1)
FALL = Alarm("activity", "dau", "", NIGHT, 80.0, 100.0, 5.0)
EVENTS = {**WATCHED, "rows.events": watched_rows("events")}


def alarms_of(values: dict[tuple[str, str], np.ndarray]) -> tuple[Alarm, ...]:
    figures = figures_of(values)
    usual = compare(figures, EVENTS, as_of=LAST)
    return rank(group(find_anomalies(usual, figures, EVENTS), usual, EVENTS))


def community(*, ios: float, rest: float) -> dict[tuple[str, str], np.ndarray]:
    """Members of two platforms whose activity changes on the last three days."""
    groups = {name: weekly(seed, 200) for seed, name in enumerate(("platform=ios", "platform=web"))}
    for name, factor in (("platform=ios", ios), ("platform=web", rest)):
        groups[name][-3:] = np.round(groups[name][-3:] * factor)
    every = groups["platform=ios"] + groups["platform=web"]
    values = {("dau", ""): every, ("returning_members", ""): np.round(every * 0.9), ("rows.events", ""): every * 5}
    return (
        values
        | {("dau", name): row for name, row in groups.items()}
        | {("members", name): np.full(DAYS, 1000.0) for name in groups}
    )


def test_a_fall_of_one_platform_is_one_alarm_that_names_it() -> None:
    (alarm,) = alarms_of(community(ios=0.4, rest=1.0))
    assert (alarm.key, alarm.figure, alarm.is_bad) == ("activity.less", "dau", True)
    assert [driver.dimension for driver in alarm.drivers] == ["platform=ios"]
    assert set(alarm.also) <= {"returning_members", "rows.events"}


def test_a_fall_of_everybody_names_no_group() -> None:
    (alarm,) = alarms_of(community(ios=0.6, rest=0.6))
    assert (alarm.dimension, alarm.drivers) == ("", ())


def test_where_rows_are_missing_the_data_is_told_and_not_the_members() -> None:
    (alarm,) = alarms_of(community(ios=0.0, rest=0.0))
    assert alarm.subject == "rows.events"
    assert "dau" in alarm.also


def carried(alarms: list[Alarm], nights: list[date], steps: pl.DataFrame | None = None) -> list[tuple[KnownAlarm, ...]]:
    """The same alarms night after night, each message delivered."""
    stored, actions = pl.DataFrame(schema=ALARMS_SCHEMA), pl.DataFrame(schema=ACTIONS_SCHEMA) if steps is None else steps
    every = []
    for alarm, night in zip(alarms, nights, strict=True):
        known = carry_on([alarm], night=night, stored=stored, actions=actions)
        stored = pl.concat([stored.filter(pl.col("as_of") != night), as_rows(known, night=night)])
        for one in known:
            if one.is_to_send:
                sent = action(SENT, night=night, number=one.number, figure=None, until=None, size=one.alarm.size)
                actions = pl.concat([actions, sent])
        every.append(known)
    return every


def worse(now: float) -> Alarm:
    return Alarm("activity", "dau", "", NIGHT, now, 100.0, 9.0)


def test_an_alarm_that_lasts_is_sent_once_and_again_when_it_is_clearly_worse() -> None:
    nights = [NIGHT + timedelta(days=n) for n in range(4)]
    told = carried([FALL, worse(79.0), worse(60.0), worse(58.0)], nights)
    assert [one.is_to_send for (one,) in told] == [True, False, True, False]
    assert {one.number for (one,) in told} == {1}
    assert [one.first_night for (one,) in told] == [NIGHT] * 4
    assert [one.is_new for (one,) in told] == [True, False, False, False]


def test_a_night_that_is_run_again_sends_nothing_twice_and_keeps_its_numbers() -> None:
    told = carried([FALL, FALL], [NIGHT, NIGHT])
    assert [(one.is_to_send, one.number, one.is_new) for (one,) in told] == [(True, 1, True), (False, 1, True)]


def test_an_alarm_is_another_one_after_a_quiet_week() -> None:
    told = carried([FALL, FALL], [NIGHT, NIGHT + timedelta(days=8)])
    assert [(one.is_to_send, one.number) for (one,) in told] == [(True, 1), (True, 2)]


def test_what_was_not_delivered_is_sent_by_the_next_night() -> None:
    stored = as_rows(carried([FALL], [NIGHT])[0], night=NIGHT)
    nothing = pl.DataFrame(schema=ACTIONS_SCHEMA)
    (known,) = carry_on([FALL], night=NIGHT + timedelta(days=1), stored=stored, actions=nothing)
    assert (known.is_to_send, known.is_new) == (True, False)


def test_an_acknowledged_or_muted_alarm_is_silent_until_it_is_worse_and_a_muted_figure_until_its_day() -> None:
    first = as_rows(carried([FALL], [NIGHT])[0], night=NIGHT)
    for name, until in ((ACKNOWLEDGED, None), (MUTED, NIGHT + timedelta(days=9))):
        done = action(name, night=NIGHT, number=1, figure=None, until=until, size=FALL.size)
        for alarm, is_sent in ((FALL, False), (worse(60.0), True)):
            (known,) = carry_on([alarm], night=NIGHT + timedelta(days=1), stored=first, actions=done)
            assert (known.is_to_send, known.state) == (is_sent, name)
    until = NIGHT + timedelta(days=3)
    muted = action(MUTED, night=NIGHT, number=None, figure="dau", until=until, size=None)
    for night, is_sent in ((until, False), (until + timedelta(days=1), True)):
        (known,) = carry_on([worse(20.0)], night=night, stored=first.clear(), actions=muted)
        assert known.is_to_send is is_sent


def test_good_news_is_sent_only_where_it_has_doubled() -> None:
    for now, is_sent in ((150.0, False), (250.0, True), (20.0, False)):
        rise = Alarm("activity", "dau", "", NIGHT, now, 100.0, 9.0, is_bad=False)
        assert carried([rise], [NIGHT])[0][0].is_to_send is is_sent
