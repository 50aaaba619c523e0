import random
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.table_checks import TableLimits
from expectations.volume import check_volume
from lake.contracts import CONTACTS, EVENTS

AS_OF = date(2026, 11, 21)  # a Saturday
DEFAULT = TableLimits()


def days_ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def daily(rows_by_days_ago: dict[int, int]) -> pl.DataFrame:
    days = [days_ago(days) for days in rows_by_days_ago]
    return pl.DataFrame(
        {"event_date": days, "rows": list(rows_by_days_ago.values())}, schema={"event_date": pl.Date, "rows": pl.UInt32}
    )


STEADY = {days: 400 if days % 7 in (0, 6) else 1000 for days in range(100)}  # fewer rows on Saturdays and Sundays


def drift(rows_by_days_ago: dict[int, int], *, limits: TableLimits = DEFAULT, arrived: tuple[int, ...] = (0,)):
    arrived_dates = [days_ago(days) for days in arrived]
    return check_volume(EVENTS, daily(rows_by_days_ago), arrived_dates=arrived_dates, as_of=AS_OF, limits=limits)


def test_a_usual_saturday_is_not_unusual_beside_busier_weekdays():
    assert drift(STEADY) == ()


@pytest.mark.parametrize(("rows", "is_unusual"), [(0, True), (266, True), (267, False), (600, False), (601, True)])
def test_a_day_with_far_fewer_or_more_rows_than_its_weekday_warns(rows, is_unusual):
    # Eight equal Saturdays leave the factor of 1.5 as the narrower bound: 400 / 1.5 and 400 × 1.5.
    assert len(drift(STEADY | {0: rows})) == is_unusual


def test_a_finding_says_what_was_usual():
    (finding,) = drift(STEADY | {0: 0})
    assert (finding.rule, finding.severity, finding.value) == ("volume_as_usual", "warning", 0)
    assert finding.limit == pytest.approx(400 / 1.5)
    assert finding.says == "events has 0 rows on Saturday 2026-11-21; 400 were usual on the 8 Saturdays before."


def test_a_day_that_brought_nothing_at_all_has_no_line_and_still_warns():
    without_tonight = {days: rows for days, rows in STEADY.items() if days}
    assert [finding.value for finding in drift(without_tonight)] == [0]


def test_drift_stops_or_stays_silent_when_told():
    assert drift(STEADY | {0: 0}, limits=TableLimits(volume_drift="stop"))[0].severity == "stop"
    assert drift(STEADY | {0: 0}, limits=TableLimits(volume_drift="off")) == ()


def test_one_odd_week_before_does_not_hide_a_drop():
    assert drift(STEADY | {7: 40_000, 0: 40}) != ()


def test_a_small_community_does_not_warn_about_a_handful_of_rows():
    assert drift(dict.fromkeys(range(100), 3) | {0: 22}) == ()
    assert drift(dict.fromkeys(range(100), 3) | {0: 200}) != ()


@pytest.mark.parametrize(("rows", "is_unusual"), [(60, False), (9, False), (0, True), (60_000, True)])
def test_a_table_that_always_swings_may_swing_but_not_stop(rows, is_unusual):
    # Saturdays of 200 and 800 rows in turn: a factor of (801 / 201) ** (4 * 1.4826 / 2), about 60, either way of 500.
    swinging = {days: 200 if days // 7 % 2 else 800 for days in range(100)}
    assert len(drift(swinging | {0: rows})) == is_unusual


@pytest.mark.parametrize(("rows", "is_unusual"), [(61, False), (62, True)])
def test_a_small_count_may_vary_as_counts_do_by_chance(rows, is_unusual):
    # Four standard deviations of the logarithm of a Poisson count around 30: 30 * exp(4 / 31 ** 0.5) = 61.5.
    assert len(drift(dict.fromkeys(range(100), 30) | {0: rows})) == is_unusual


def test_a_young_table_is_compared_with_the_days_before_and_a_newborn_one_with_nothing():
    (finding,) = drift(dict.fromkeys(range(8), 500) | {0: 0})
    assert finding.says == "events has 0 rows on Saturday 2026-11-21; 500 were usual on the 7 days before."
    assert drift(dict.fromkeys(range(7), 500) | {0: 0}) == ()


def test_only_days_that_arrived_and_are_recent_are_judged_in_order():
    gaps = STEADY | {0: 0, 3: 0, 27: 0, 28: 0}
    found = drift(gaps, arrived=(28, 27, 0, 27))
    assert [finding.says.split(";")[0] for finding in found] == [
        f"events has 0 rows on {day:%A} {day}" for day in (days_ago(27), days_ago(0))
    ]


def test_days_after_the_night_are_neither_judged_nor_compared():
    assert drift(STEADY | {-1: 0, -7: 99_999}, arrived=(0, -1, -7)) == ()


def test_an_empty_table_has_no_volume():
    assert drift({}) == ()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(counts=st.lists(st.integers(0, 5000), min_size=1, max_size=80), seed=st.integers())
def test_the_order_of_the_days_changes_nothing(counts, seed):
    in_order = dict(enumerate(counts))
    shuffled = random.Random(seed).sample(list(in_order.items()), len(in_order))
    assert drift(in_order, arrived=tuple(range(28))) == drift(dict(shuffled), arrived=tuple(range(28)))


FIRST = date(2024, 1, 1)  # a Monday
NIGHTS = 400
PATTERNS = {
    "first Sunday of a month": lambda day: day.weekday() == 6 and day.day <= 7,
    "last Friday of a month": lambda day: day.weekday() == 4 and (day + timedelta(days=7)).month != day.month,
    "the 1st": lambda day: day.day == 1,
    "the last day of a month": lambda day: (day + timedelta(days=1)).day == 1,
    "every 28 days": lambda day: (day - FIRST).days % 28 == 0,
    "every second Sunday": lambda day: (day - FIRST).days % 14 == 6,
    "Tuesdays and Fridays": lambda day: day.weekday() in (1, 4),
    "two days a week, never the same": lambda day: (day - FIRST).days % 7 in {(day - FIRST).days // 7 * 3 % 7, 5},
}


def nights_told(rows_by_day: dict[date, int], *, first_night: int = 0, nights: int = NIGHTS) -> list[date]:
    """The days that were found unusual, each on its own night, when only it arrived."""
    frame = pl.DataFrame({"event_date": list(rows_by_day), "rows": list(rows_by_day.values())})
    days = [FIRST + timedelta(days=night) for night in range(first_night, nights)]
    return [day for day in days if check_volume(CONTACTS, frame, arrived_dates=[day], as_of=day, limits=DEFAULT)]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_newsletter_that_goes_out_by_a_rhythm_is_never_unusual(pattern):
    randomly = np.random.default_rng(7)
    days = [FIRST + timedelta(days=night) for night in range(NIGHTS)]
    sizes = {day: int(randomly.normal(2366 + 2 * place, 100)) for place, day in enumerate(days)}
    assert nights_told({day: sizes[day] for day in days if PATTERNS[pattern](day)}) == []


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if "month" in name or "1st" in name or "28" in name])
def test_a_monthly_newsletter_on_top_of_daily_mails_is_usual_once_it_has_come_for_months(pattern):
    randomly = np.random.default_rng(8)
    days = [FIRST + timedelta(days=night) for night in range(NIGHTS)]
    rows = {day: int(randomly.poisson(100)) + (2366 if PATTERNS[pattern](day) else 0) for day in days}
    assert nights_told(rows, first_night=130) == []
    # One of another size, or on another day, still is not.
    odd = next(day for day in days[300:] if PATTERNS[pattern](day))
    assert nights_told(rows | {odd: 9_000}, first_night=300, nights=(odd - FIRST).days + 1) == [odd]
    strange = odd + timedelta(days=14)
    assert nights_told(rows | {strange: 2_466}, first_night=300, nights=(strange - FIRST).days + 1) == [strange]


def test_the_collapse_of_a_daily_table_is_found_whatever_came_monthly():
    rows = {FIRST + timedelta(days=night): 100 for night in range(400)}
    rows |= {day: 2_466 for day in rows if day.day == 1}
    assert nights_told(rows, first_night=400, nights=410) == [FIRST + timedelta(days=night) for night in range(400, 410)]


def test_a_burst_far_beyond_earlier_bursts_is_unusual_and_says_what_they_were():
    monthly = {days_ago(28 * month): 2_000 + month for month in range(1, 9)}
    frame = pl.DataFrame({"event_date": [*monthly, AS_OF], "rows": [*monthly.values(), 3_013]})
    (finding,) = check_volume(CONTACTS, frame, arrived_dates=[AS_OF], as_of=AS_OF, limits=DEFAULT)
    assert finding.says == "contacts has 3,013 rows on Saturday 2026-11-21; 2,001 to 2,008 came on the 8 days with rows before."


def test_a_day_of_1970_does_not_make_a_young_table_an_old_one():
    young = dict.fromkeys(range(7), 500) | {0: 0}
    assert drift(young) == ()
    frame = pl.concat([daily(young), pl.DataFrame({"event_date": [date(1970, 1, 1)], "rows": [1]}).cast({"rows": pl.UInt32})])
    assert check_volume(EVENTS, frame, arrived_dates=[AS_OF], as_of=AS_OF, limits=DEFAULT) == ()
