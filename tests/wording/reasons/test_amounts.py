"""Sentences on amounts at their boundaries: the last day, or the last comment, for which each is still said."""

from __future__ import annotations

import pytest

from tests.wording.reasons.test_sentences import comments, only

LONG = 800
MAY, JUNE, JULY = (f"comments a month until {month}, none in the last" for month in ("May", "June", "July"))


@pytest.mark.parametrize(
    ("since", "tenure", "count", "text"),
    [
        # A rate is said of what lasted 61 days,
        (60, 120, 5, f"2 {JUNE} 28 days"),
        (60, 119, 5, "5 comments so far, the last one 60 days ago"),
        # and twice a month: 304 days are ten months.
        (61, LONG, 20, f"2 {JUNE} 28 days"),
        (61, LONG, 19, "19 comments in the last year, the last one 61 days ago"),
        # After 90 days the silence is called so.
        (89, LONG, 100, f"11 {MAY} 28 days"),
        (90, LONG, 100, f"11 {MAY} 90 days"),
        # It stopped when nothing came for 28 days.
        (28, LONG, 100, f"9 {JULY} 28 days"),
        (27, LONG, 100, "No comments in the last 28 days, usually 8"),
        (60, 364, 3, "3 comments in the last year, the last one 60 days ago"),
        (60, 363, 3, "3 comments so far, the last one 60 days ago"),
        (364, LONG, 0, "No comments in the last 28 days"),
        (365, LONG, 0, "No comments for 365 days"),
    ],
)
def test_when_a_count_that_stopped_is_said_with_its_rate(since: int, tenure: int, count: int, text: str) -> None:
    counts = comments(w28d=0, w365d=count)
    assert only("comment_count_28d", **counts, days_since_last_comment=since, tenure_days=tenure) == text


@pytest.mark.parametrize(
    ("tenure", "count", "before", "raises", "usual"),
    [
        # There must be as many days before the window as in it.
        (55, 6, 20, True, ", usually 20"),
        (54, 6, 20, True, ""),
        # In 336 days before: 144 are 12 in 28 days, and as usual is what lies within a half more of each other.
        (363, 8, 144, True, ", usually 12"),
        (363, 9, 144, True, ", as usual"),
        (363, 17, 144, True, ", as usual"),
        (363, 18, 144, True, ""),
        (363, 18, 144, False, ", usually 12"),
        (363, 8, 144, False, ""),
        # Half a comment is usually one, less is none.
        (363, 3, 6, False, ", usually 1"),
        (363, 3, 5, False, ""),
    ],
)
def test_when_a_count_is_held_against_what_is_usual(tenure: int, count: int, before: int, raises: bool, usual: str) -> None:
    counts = comments(w28d=count, w365d=count + before)
    said = only("comment_count_28d", raises=raises, **counts, days_since_last_comment=2, tenure_days=tenure)
    assert said == f"{count} comments in the last 28 days{usual}"


@pytest.mark.parametrize(("tenure", "when"), [(26, "so far"), (27, "in the last 28 days")])
def test_who_was_here_for_the_whole_window_did_it_in_the_window_and_others_so_far(tenure: int, when: str) -> None:
    counts = comments(w28d=3, w365d=3)
    assert only("comment_count_28d", **counts, days_since_last_comment=2, tenure_days=tenure) == f"3 comments {when}"


@pytest.mark.parametrize(
    ("recent", "before", "compared"),
    [
        (56, 155, "about as before"),
        (55, 155, "down from 70 in an average 28 days before"),
        (70, 124, "about as before"),
        (71, 124, "up from 56 in an average 28 days before"),
        (1, 0, "none in the 62 days before"),
    ],
)
def test_a_trend_is_one_from_a_quarter_more_or_less(recent: int, before: int, compared: str) -> None:
    orders = {"order_count_28d": recent, "order_count_90d": recent + before, "order_count_trend_28d_vs_90d": 0.4}
    said = only("order_count_trend_28d_vs_90d", **orders)
    assert said == f"{recent} order{'s' if recent > 1 else ''} in the last 28 days, {compared}"
