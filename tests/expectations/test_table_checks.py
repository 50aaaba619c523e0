from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from expectations.table_checks import (
    TableLimits,
    check_currency,
    check_far_days,
    check_freshness,
    check_missing,
    check_share,
)
from lake.contracts import CONTENT, EVENTS, FEEDBACK, MEMBERS, ORDERS

AS_OF = date(2026, 11, 21)  # a Saturday
DEFAULT = TableLimits()


def days_ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


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


def test_a_day_far_before_the_rest_is_told_on_the_night_it_arrives():
    rows_by_day = {days_ago(days): 40 for days in range(240)} | {date(1970, 1, 1): 1}
    (finding,) = check_far_days(EVENTS, rows_by_day, arrived_dates=[date(1970, 1, 1), AS_OF], as_of=AS_OF)
    assert (finding.rule, finding.severity, finding.value) == ("days_near_the_rest", "warning", 1)
    assert finding.says == (
        f"events has 1 row on 1970-01-01, more than 180 days before the rest, which begins on {days_ago(239)}: "
        "kept, but not counted as history."
    )
    assert check_far_days(EVENTS, rows_by_day, arrived_dates=[AS_OF], as_of=AS_OF) == ()
    assert check_far_days(EVENTS, {}, arrived_dates=[AS_OF], as_of=AS_OF) == ()
    # A day after the night is not seen, so it does not make those before it few.
    later = {days_ago(-400): 9_999, AS_OF: 1}
    assert check_far_days(EVENTS, later, arrived_dates=[AS_OF], as_of=AS_OF) == ()


def test_far_days_are_counted_together():
    rows_by_day = {days_ago(days): 400 for days in range(240)} | {date(1970, 1, 1): 2, date(2000, 1, 1): 3}
    (finding,) = check_far_days(ORDERS, rows_by_day, arrived_dates=list(rows_by_day), as_of=AS_OF)
    assert finding.says.startswith("orders has 5 rows on 2 days from 1970-01-01 to 2000-01-01, more than 180 days before")


def test_orders_in_two_currencies_stop_the_run_with_their_counts():
    (finding,) = check_currency(ORDERS, {"USD": 90, "JPY": 1, " usd ": 10, "": 5}, configured="USD")
    assert (finding.rule, finding.severity, finding.value, finding.limit) == ("one_currency", "stop", 2, 1)
    assert finding.says == (
        "orders are in 2 currencies, and their amounts would be added up as if they were one: USD (100 rows), JPY (1 row)."
    )


@pytest.mark.parametrize("configured", [None, "USD", "usd", "$"])
def test_one_code_however_it_is_written_is_one_currency(configured):
    assert check_currency(ORDERS, {"USD": 90, "usd": 1, " USD": 1, "  ": 2}, configured=configured) == ()
    assert check_currency(ORDERS, {}, configured=configured) == ()


def test_money_is_not_shown_in_another_currency_than_its_own():
    (finding,) = check_currency(ORDERS, {"usd": 3}, configured="eur")
    assert (finding.severity, finding.says) == (
        "stop",
        "All orders that say a currency are in USD (3 rows), and [community] currency is EUR.",
    )


@pytest.mark.parametrize(
    "wrong", [{"max_bad_share": 1.1}, {"max_bad_share": -0.1}, {"max_age_days": -1}, {"volume_drift": "maybe"}, {"max_age": 3}]
)
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        TableLimits(**wrong)


def test_every_limit_is_described():
    assert all(field.description for field in TableLimits.model_fields.values())
