"""Phrases on amounts at their boundaries."""

from __future__ import annotations

import pytest

from tests.wording.reasons.test_compared import told
from tests.wording.reasons.test_sentences import comments, only

LONG = 800


@pytest.mark.parametrize(("tenure", "when"), [(26, "so far"), (27, "in the last 28 days")])
def test_who_was_here_for_the_whole_window_did_it_in_the_window_and_others_so_far(tenure: int, when: str) -> None:
    counts = comments(w28d=3, w365d=3)
    assert only("comment_count_28d", **counts, days_since_last_comment=2, tenure_days=tenure) == f"3 comments {when}"


@pytest.mark.parametrize(
    ("since", "year", "text"), [(364, 1, "No comments in the last 28 days"), (365, 0, "No comments for 365 days")]
)
def test_what_was_not_done_for_a_year_is_said_with_the_time(since: int, year: int, text: str) -> None:
    assert only("comment_count_28d", **comments(w28d=0, w365d=year), days_since_last_comment=since, tenure_days=LONG) == text


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (60, "June, none in the last 28 days"),
        (89, "May, none in the last 28 days"),
        (90, "May, none in the last 90 days"),
    ],
)
def test_what_stopped_is_said_with_its_rate_and_month(since: int, until: str) -> None:
    row = comments(w28d=0, w365d=100)
    said = told("comment_count_28d", "until", 12.0, **row, days_since_last_comment=since, tenure_days=LONG)
    assert said == f"12 comments a month until {until}"
