from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

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
from community.alarms import Alarm, group, rank, size_of
from community.anomalies import Anomaly, Usual, compare, find_anomalies
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


def of(subject: str, now: float, *, good: bool = False, also: tuple[str, ...] = ()) -> Alarm:
    return Alarm(subject, subject, "", NIGHT, now, 100.0, 9.0, is_bad=not good, also=also)


@pytest.mark.parametrize(
    ("alarms", "told", "why"),
    [
        ([of("activity", 50), of("rows.events", 39)], ["rows.events"], "so many rows are missing that the export is at fault"),
        ([of("activity", 50), of("rows.events", 41)], ["activity"], "fewer rows follow from fewer members"),
        ([of("rows.events", 39), of("activity", 150, good=True)], ["rows.events", "activity"], "missing rows make nothing more"),
        ([of("rows.feedback", 50), of("answers", 80)], ["rows.feedback", "answers"], "no fault of the data explains anything"),
        ([of("activity", 5), of("rows.content", 39)], ["activity", "rows.content"], "a fault of the data is told by itself"),
        ([of("activity", 2_000, good=True), of("rows.content", 50)], ["activity", "rows.content"], "one rises, one falls"),
        ([of("activity", 50), of("commerce", 150, good=True)], ["activity", "commerce"], "good news is no part of bad news"),
        ([of("activity", 50), of("contribution", 36)], ["activity"], "a consequence about as large"),
        ([of("activity", 50), of("contribution", 34)], ["activity", "contribution"], "a consequence that is much larger"),
        ([of("feedback", 1_300), of("crisis:refunds", 400)], ["crisis:refunds"], "a crisis explains bad answers of any number"),
        ([of("leaving", 300), of("crisis:refunds", 250)], ["crisis:refunds", "leaving"], "most depends on a crisis"),
        ([of("activity", 300, good=True), of("newcomers", 45)], ["newcomers", "activity"], "bad news first"),
    ],
)  # fmt: skip
def test_what_follows_from_another_alarm_is_told_with_it_and_the_most_urgent_first(
    alarms: list[Alarm], told: list[str], why: str
) -> None:
    ranked = rank(alarms)
    assert [one.subject for one in ranked] == told, why
    assert {one.figure for one in alarms} == {figure for one in ranked for figure in (one.figure, *one.also)}


def test_an_alarm_does_not_also_show_in_its_own_figure() -> None:
    (told,) = rank([of("activity", 50), of("contribution", 45, also=("activity", "creators"))])
    assert told.also == ("contribution", "creators")


def test_a_size_is_the_logarithm_of_the_ratio_up_to_about_twenty() -> None:
    assert [size_of(*pair) for pair in ((200, 100), (50, 100))] == [pytest.approx(np.log(2))] * 2
    assert [size_of(*pair) for pair in ((1, 100), (0, 5), (5, 0), (0, 0))] == [3, 3, 3, 0]


def beside(figures: dict[str, tuple[float, float]], figure: str = "dau") -> Usual:
    """Two days of a figure by group, each now and usual."""
    now, usual = (np.array([[pair[n]] * 2 for pair in figures.values()]) for n in (0, 1))
    return Usual(tuple((figure, dimension) for dimension in figures), NIGHT, now, np.ones_like(now), usual)


def found(figure: str, dimension: str = "", *, days: int = 2) -> Anomaly:
    return Anomaly(figure, dimension, NIGHT - timedelta(days=days - 1), 60, 100, 0.01, 9)


def test_the_groups_that_changed_more_than_their_part_drive_an_alarm_by_the_dimension_that_explains_most() -> None:
    groups = {
        "": (60, 100), "source=ads": (5, 20), "source=friends": (55, 80), "platform=android": (8, 20),
        "platform=ios": (10, 30), "platform=web": (42, 50), "community=1": (2, 10), "tier=gold": (25, 50),
    }  # fmt: skip
    (alarm,) = group([found("dau")], beside(groups), WATCHED)
    assert [driver.dimension for driver in alarm.drivers] == ["platform=ios", "platform=android"]
    del groups["platform=ios"], groups["platform=android"], groups["source=ads"]
    # A fifth of the change is too little to be named, half of it in half of the members is no more than their part.
    (alarm,) = group([found("dau")], beside(groups), WATCHED)
    assert alarm.drivers == ()


def test_the_whole_community_speaks_for_its_groups_and_without_it_the_surest_group_for_the_others() -> None:
    nothing = beside({})
    parts = [found("dau", "platform=ios", days=9), found("dau", days=3), found("readers", days=5)]
    (alarm,) = group(parts, nothing, WATCHED)
    assert (alarm.dimension, alarm.since, alarm.also) == ("", NIGHT - timedelta(days=2), ("readers",))
    parts = [found("orders", "source=ads"), found("buyers", "source=x"), found("orders", "source=friends")]
    (alarm,) = group(parts, nothing, WATCHED)
    assert (alarm.dimension, [driver.dimension for driver in alarm.drivers]) == ("source=ads", ["source=friends"])


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


def test_an_alarm_that_is_back_within_a_week_is_the_same() -> None:
    told = carried([FALL, FALL], [NIGHT, NIGHT + timedelta(days=7)])
    assert [(one.is_to_send, one.number, one.first_night) for (one,) in told] == [(True, 1, NIGHT), (False, 1, NIGHT)]


@pytest.mark.parametrize(("first", "then", "is_worse"), [(80, 72, False), (80, 71, True), (95, 88, False), (95, 85, True)])
def test_clearly_worse_is_half_as_far_again_and_a_tenth_at_least(first: float, then: float, *, is_worse: bool) -> None:
    told = carried([worse(first), worse(then)], [NIGHT, NIGHT + timedelta(days=1)])
    assert [one.is_worse for (one,) in told] == [False, is_worse]


def done(name: str, on: date, *, number: int | None = 1, figure: str | None = None) -> pl.DataFrame:
    size, until = (FALL.size, None) if figure is None else (None, NIGHT + timedelta(days=30))
    return action(name, night=on, number=number, figure=figure, until=until, size=size)


def test_a_muted_figure_or_subject_is_silent_however_bad_it_becomes() -> None:
    first = as_rows(carried([FALL], [NIGHT])[0], night=NIGHT)
    for figure in ("dau", "activity"):
        actions = pl.concat([done(SENT, NIGHT), done(MUTED, NIGHT, number=None, figure=figure)])
        (known,) = carry_on([worse(10.0)], night=NIGHT + timedelta(days=1), stored=first, actions=actions)
        assert (known.state, known.is_to_send) == ("muted", False)


def test_what_was_done_on_later_nights_is_not_known_yet() -> None:
    first = as_rows(carried([FALL], [NIGHT])[0], night=NIGHT)
    (known,) = carry_on([FALL], night=NIGHT, stored=first, actions=done(ACKNOWLEDGED, NIGHT + timedelta(days=1)))
    assert (known.state, known.is_to_send) == ("open", True)


def test_a_number_that_somebody_was_told_is_never_given_again() -> None:
    nothing = pl.DataFrame(schema=ALARMS_SCHEMA)
    (known,) = carry_on([FALL], night=NIGHT, stored=nothing, actions=done(SENT, NIGHT - timedelta(days=90), number=7))
    assert known.number == 8
