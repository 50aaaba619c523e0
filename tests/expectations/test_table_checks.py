import random
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from expectations.table_checks import TableLimits, check_freshness, check_missing, check_share, check_volume
from lake.contracts import CONTENT, EVENTS, FEEDBACK, MEMBERS, ORDERS

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


def test_a_table_without_a_row_is_missing_and_stops_where_it_tells_activity():
    for table, severity in ((MEMBERS, "warning"), (FEEDBACK, "warning"), (EVENTS, "stop"), (ORDERS, "stop")):
        (finding,) = check_missing(table, landed_rows=0)
        assert (finding.table, finding.rule, finding.severity) == (table.name, "table_not_missing", severity)
        assert check_missing(table, landed_rows=1) == check_missing(table, landed_rows=0, is_optional=True) == ()


def test_more_bad_rows_than_the_limit_stop_the_run():
    assert check_share(ORDERS, arrived_rows=10, bad_rows=2, limits=DEFAULT) == ()
    (finding,) = check_share(ORDERS, arrived_rows=10, bad_rows=3, limits=DEFAULT)
    assert (finding.rule, finding.severity, finding.value, finding.limit) == ("bad_share_within_limit", "stop", 3 / 10, 0.2)
    assert finding.says == "3 of 10 arrived orders rows are bad (30.0%); at most 20.0% may be."


def test_only_bad_rows_stop_the_run_whatever_the_limit():
    (finding,) = check_share(ORDERS, arrived_rows=5, bad_rows=5, limits=TableLimits(max_bad_share=1))
    assert finding.says == "5 of 5 arrived orders rows are bad (100.0%): every one of them."
    assert check_share(ORDERS, arrived_rows=5, bad_rows=4, limits=TableLimits(max_bad_share=1)) == ()


def test_no_bad_row_is_fine_under_any_limit():
    assert check_share(ORDERS, arrived_rows=0, bad_rows=0, limits=TableLimits(max_bad_share=0)) == ()
    assert check_share(ORDERS, arrived_rows=3, bad_rows=0, limits=TableLimits(max_bad_share=0)) == ()


@pytest.mark.parametrize("table", [EVENTS, ORDERS])
def test_activity_older_than_two_weeks_stops_the_run(table):
    assert check_freshness(table, newest=days_ago(14), as_of=AS_OF, limits=DEFAULT) == ()
    (finding,) = check_freshness(table, newest=days_ago(15), as_of=AS_OF, limits=DEFAULT)
    assert (finding.rule, finding.severity, finding.value, finding.limit) == ("fresh_enough", "stop", 15, 14)


def test_activity_that_all_lies_after_the_night_is_not_fresh():
    (finding,) = check_freshness(EVENTS, newest=None, as_of=AS_OF, limits=DEFAULT)
    assert finding.says == "events has no row on or before 2026-11-21."


@pytest.mark.parametrize("table", [CONTENT, FEEDBACK])
def test_other_tables_may_be_old_unless_a_limit_is_set(table):
    assert check_freshness(table, newest=days_ago(900), as_of=AS_OF, limits=DEFAULT) == ()
    assert check_freshness(table, newest=None, as_of=AS_OF, limits=DEFAULT) == ()
    (finding,) = check_freshness(table, newest=days_ago(8), as_of=AS_OF, limits=TableLimits(max_age_days=7))
    assert finding.value == 8


def test_freshness_can_be_turned_off():
    assert check_freshness(EVENTS, newest=days_ago(900), as_of=AS_OF, limits=TableLimits(max_age_days="off")) == ()


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


@pytest.mark.parametrize(
    "wrong", [{"max_bad_share": 1.1}, {"max_bad_share": -0.1}, {"max_age_days": -1}, {"volume_drift": "maybe"}, {"max_age": 3}]
)
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        TableLimits(**wrong)


def test_every_limit_is_described():
    assert all(field.description for field in TableLimits.model_fields.values())
