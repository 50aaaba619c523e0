"""The sentence of a reason: a value, and what it is compared with."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.wording.reasons.test_sentences import FEATURES, comments
from wording.columns import COMPARED_WITH, COMPARISON, COMPARISON_TEXT, RAISES, SentenceContext
from wording.reasons.compared import compared_sentence

LONG = 800


def told(name: str, compared_with: str | None, comparison: float | None, *, text: str | None = None, **values: Any) -> str:
    """Say one member's value of a feature beside what it is compared with."""
    compared = {COMPARED_WITH: compared_with, COMPARISON: comparison, COMPARISON_TEXT: text, RAISES: True}
    frame = pl.DataFrame({key: [value] for key, value in (values | compared).items()}, strict=False)
    frame = frame.cast({COMPARISON: pl.Float64, COMPARED_WITH: pl.String, COMPARISON_TEXT: pl.String})
    context = SentenceContext(frozenset(values), "EUR", date(2024, 8, 20))
    said: str = frame.select(compared_sentence(FEATURES[name], context)).item()
    return said


def orders(recent: int) -> dict[str, Any]:
    return {"order_count_28d": recent, "order_count_90d": recent + 3, "order_count_trend_28d_vs_90d": (recent + 1) / 2.4}


@pytest.mark.parametrize(
    ("name", "values", "compared_with", "comparison", "text"),
    [
        ("comment_count_28d", comments(w28d=3, w365d=90), "past", 11.5, "3 comments in the last 28 days, usually 12"),
        ("active_days_28d", {"active_days_28d": 3}, "past", 11.5, "Active on 3 days in the last 28 days, usually on 12"),
        ("active_days_28d", {"active_days_28d": 0}, "first_year", 2.0,
         "Not active in the last 28 days, others in their first year: on 2 days"),
        ("active_days_28d", {"active_days_28d": 2}, "first_year", 0.0,
         "Active on 2 days in the last 28 days, others in their first year: on none"),
        ("spend_90d", {"spend_90d": 120.0, "tenure_days": LONG}, "past", 295.0,
         "Spent 120 EUR in the last 90 days, usually 295 EUR"),
        ("order_count_trend_28d_vs_90d", orders(0), "past", 1.4,
         "No orders in the last 28 days, down from 1.4 in an average 28 days before"),
        ("order_count_trend_28d_vs_90d", orders(3), "past", 1.4,
         "3 orders in the last 28 days, up from 1.4 in an average 28 days before"),
        ("days_since_last_activity", {"days_since_last_activity": 41}, "past", 6.0,
         "Last seen 41 days ago, usually back after 6 days"),
        ("days_since_last_activity", {"days_since_last_activity": 1}, "past", 1.4,
         "Last seen yesterday, usually back the next day"),
        ("days_since_last_activity", {"days_since_last_activity": 41}, "longer", 6.0,
         "Last seen 41 days ago, members of over a year: 6 days ago"),
        ("days_since_last_comment", {"days_since_last_comment": 41}, "past", 6.0,
         "Last comment 41 days ago, before that every 6 days"),
        ("days_since_last_comment", {"days_since_last_comment": 41}, "past", 1.2,
         "Last comment 41 days ago, before that nearly every day"),
        ("days_since_last_order", {"days_since_last_order": None}, "new", 6.0,
         "No order so far, other newcomers: most recently 6 days ago"),
        ("days_since_last_open", {"days_since_last_open": None}, "first_year", 64.0,
         "No message opened so far, others in their first year: most recently 64 days ago"),
        ("tenure_days", {"tenure_days": 0}, "new", 12.0, "Joined today, other newcomers: 12 days ago"),
        ("longest_streak_days_90d", {"longest_streak_days_90d": 1}, "longer", 3.0,
         "Never active two days in a row in the last 90 days, members of over a year: 3 days in a row"),
        ("latest_streak_days", {"latest_streak_days": 2}, "new", 1.0, "Last active for 2 days in a row, other newcomers: 1 day"),
        ("gap_mean_days_365d", {"gap_mean_days_365d": 126.0}, "first_year", 7.0,
         "Comes every 126 days on average, others in their first year: every 7 days"),
        ("distinct_people_given_28d", {"distinct_people_given_28d": 0}, "new", 2.0,
         "Interacted with nobody in the last 28 days, other newcomers: with 2"),
        ("distinct_event_types_90d", {"distinct_event_types_90d": 0}, "longer", 1.0,
         "No action in the last 90 days, members of over a year: 1 kind"),
        ("open_rate_90d", {"open_rate_90d": 0.5, "open_count_90d": 2, "contact_count_90d": 4}, "longer", 0.25,
         "Opened 2 of 4 messages from us in the last 90 days, members of over a year: 25 % of theirs"),
        ("tenure_days", {"tenure_days": 420}, "everybody", 90.0, "Here for 14 months, typical member: 90 days"),
        ("evening_share_90d", {"evening_share_90d": 0.6}, "everybody", 0.25,
         "60 % of the activity in the last 90 days was in the evening, typical member: 25 %"),
        ("was_referred", {"was_referred": 0}, "everybody", 1.0, "Not brought by another member, unlike most"),
        ("last_feedback_score", {"last_feedback_score": 7.25}, "everybody", 9.0,
         "Last feedback score: 7.3, typical member: 9"),
    ],
)  # fmt: skip
def test_a_value_is_said_beside_what_it_is_compared_with(
    name: str, values: dict[str, Any], compared_with: str, comparison: float, text: str
) -> None:
    assert told(name, compared_with, comparison, **values) == text


@pytest.mark.parametrize(
    ("compared_with", "days", "when"),
    [
        # Newcomers have been here for 28 days at most, so both amounts are of all their days;
        ("new", 28, "so far"),
        ("first_year", 365, "so far"),
        # of the others the number is that of the window, and so it must be of the member.
        ("new", 7, "in the last 7 days"),
        ("first_year", 28, "in the last 28 days"),
        ("longer", 28, "in the last 28 days"),
        ("everybody", 365, "in the last year"),
    ],
)
def test_both_amounts_are_of_the_same_days(compared_with: str, days: int, when: str) -> None:
    counts = {f"comment_count_{window}d": 0 for window in (7, 28, 90, 365)} | {"tenure_days": 3}
    for count, none_or_some in ((0, "No comments"), (3, "3 comments")):
        row = counts | {f"comment_count_{days}d": count, "days_since_last_comment": 2 if count else None}
        said = told(f"comment_count_{days}d", compared_with, 5.0, **row)
        assert said.startswith(f"{none_or_some} {when}, "), said
    assert told("event_count_lifetime", compared_with, 5.0, event_count_lifetime=3).startswith("3 actions so far, ")


def test_a_text_is_said_beside_that_of_most_members() -> None:
    assert told("region", "everybody", None, text="DE", region="FR") == "Region: FR, most members: DE"


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (0.96, "Last seen 41 days ago, while 93 % of all members are likely to leave"),
        (0.88, "93 % of all members are likely to leave, this one 88 %"),
    ],
)
def test_where_nothing_of_their_own_raises_the_risk_the_level_of_the_community_is_said(own: float, text: str) -> None:
    assert told("days_since_last_activity", "level", 0.93, days_since_last_activity=41, churn_probability=own) == text
