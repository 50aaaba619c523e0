from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from features.history import History
from features.labels import label
from lake.errors import ConfigurationError
from tests.features.builders import AS_OF, history_of


def day(after: int) -> date:
    return AS_OF + timedelta(days=after)


def labels(history: History, **changes: Any) -> list[tuple[Any, ...]]:
    arguments: dict[str, Any] = {
        "as_of": AS_OF,
        "churn_horizon_days": 28,
        "value_horizon_days": 90,
        "seen_until": day(90),
        "eligible_days": 90,
    }
    frame = label(history, **(arguments | changes)).collect()
    assert frame.schema == {
        "member_no": pl.Int32,
        "is_eligible": pl.Boolean,
        "is_churned": pl.Boolean,
        "future_spend_minor": pl.Int64,
    }
    return frame.rows()


def test_the_days_of_a_horizon_begin_tomorrow_and_end_with_the_last_one() -> None:
    rows = [(AS_OF, number, "event:post", 1, 0) for number in (1, 2, 3)]
    rows += [(day(28), 1, "event:post", 1, 0), (day(29), 2, "event:post", 1, 0), (day(1), 3, "refund", 1, -5)]
    members = [{"member_no": number} for number in (1, 2, 3)]
    assert labels(history_of(daily=rows, members=members)) == [(1, True, False, 0), (2, True, True, 0), (3, True, False, -5)]


def test_a_member_is_eligible_by_activity_on_one_of_the_last_days() -> None:
    rows = [(day(-89), 1, "event:post", 1, 0), (day(-90), 2, "order", 1, 100), (day(0), 2, "received", 1, 0)]
    members = [{"member_no": number} for number in (1, 2, 3)]
    assert labels(history_of(daily=rows, members=members)) == [(1, True, True, 0), (2, False, None, 0), (3, False, None, 0)]


def test_future_spend_is_net_of_refunds_within_its_horizon() -> None:
    rows = [
        (day(0), 1, "order", 1, 999),
        (day(1), 1, "order", 1, 5000),
        (day(90), 1, "refund", 1, -1250),
        (day(60), 1, "feedback", 1, 700),
    ]
    assert labels(history_of(daily=rows, members=[{"member_no": 1}])) == [(1, True, False, 5000 - 1250)]
    assert labels(history_of(daily=rows, members=[{"member_no": 1}]), value_horizon_days=89) == [(1, True, False, 5000)]


def test_being_contacted_or_answered_is_no_sign_of_staying() -> None:
    rows = [(day(0), 1, "event:post", 1, 0), (day(3), 1, "contact", 1, 0), (day(4), 1, "received", 1, 0)]
    assert labels(history_of(daily=rows, members=[{"member_no": 1}])) == [(1, True, True, 0)]


def test_a_community_without_orders_has_no_future_spend() -> None:
    history = history_of(daily=[(AS_OF, 1, "event:post", 1, 0)], members=[{"member_no": 1}], available=frozenset({"events"}))
    assert labels(history) == [(1, True, True, None)]


def test_members_seen_later_have_no_label() -> None:
    members: list[dict[str, Any]] = [{"member_no": 1}, {"member_no": 2, "seen_from": day(1)}]
    assert [row[0] for row in labels(history_of(members=members))] == [1]


@pytest.mark.parametrize("changes", [{"value_horizon_days": 91}, {"churn_horizon_days": 91}, {"seen_until": day(89)}])
def test_an_outcome_not_fully_seen_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="the data ends on"):
        labels(history_of(), **changes)
