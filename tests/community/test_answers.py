"""Which pieces somebody else has answered, and whom nobody has answered yet."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.answers import (
    asking,
    best_answerers,
    find_answers,
    in_order_of_action,
    responsiveness,
    waiting_by_member,
)
from community.content_policy import ContentPolicy
from tests.community.contents import NIGHT_ENDS_AT, pieces, responses

NEW = date(2025, 6, 20)
POLICY = ContentPolicy()
REACH = pl.DataFrame({"piece_no": [6, 7], "expected_responses": [1.0, 2.0]}, schema_overrides={"piece_no": pl.UInt32})


def found(rows: list[dict[str, Any]], *answers: tuple[int, int, float | None], staff: tuple[int, ...] = ()) -> pl.DataFrame:
    return find_answers(pieces(*rows), responses(*answers, staff=staff), night_ends_at=NIGHT_ENDS_AT, policy=POLICY)


def test_the_first_answer_counts_and_a_piece_waits_only_after_a_day() -> None:
    answers = found([{"hours": 50}, {"hours": 24}, {"hours": 23}, {"hours": 90}], (0, 2, 20.0), (0, 3, 44.5), (3, 4, None))
    assert answers["waited_hours"].to_list() == [50 - 44.5, 24, 23, 90]
    assert answers["is_answered"].to_list() == [True, False, False, False]
    assert answers["is_unanswered"].to_list() == [False, True, False, True]


def test_an_answer_by_staff_alone_is_told_apart() -> None:
    answers = found([{}, {}, {}], (0, 7, 10.0), (1, 7, 12.0), (1, 2, 3.0), staff=(7,))
    assert answers["is_by_staff_only"].to_list() == [True, False, None]
    assert answers["is_unanswered"].to_list() == [False, False, True]


def test_a_newcomer_is_one_for_28_days_and_nobody_is_whose_joining_is_not_known() -> None:
    rows = [
        {"published_on": date(2025, 6, 29), "author_no": number, "author_seen_from": seen_from}
        for number, seen_from in enumerate([date(2025, 6, 2), date(2025, 6, 1), None])
    ]
    assert found(rows)["is_by_newcomer"].to_list() == [True, False, False]


def test_only_formats_that_ask_want_an_answer_where_the_community_has_them() -> None:
    every = pieces({"format": "Question "}, {"format": "answer"}, {"format": None})
    assert asking(every, formats=("question",), has_asking_format=True)["piece_no"].to_list() == [0]
    assert asking(every, formats=("question",), has_asking_format=False).height == 3


def test_newcomers_come_first_and_the_shortest_wait_and_then_the_widest_reach() -> None:
    rows = [
        {"hours": 300, "author_no": 1},
        {"hours": 200, "author_no": 2, "author_seen_from": NEW},
        {"hours": 100, "author_no": 3},
        {"hours": 60, "author_no": 2, "author_seen_from": NEW},
        {"hours": 30, "author_no": 4, "author_seen_from": NEW},
        {"hours": 2, "author_no": 5, "author_seen_from": NEW},
        {"hours": 102, "author_no": 6},
        {"hours": 110, "author_no": 7},
    ]
    assert in_order_of_action(found(rows), REACH)["piece_no"].to_list() == [4, 1, 3, 7, 6, 2, 0]


def test_posts_that_wait_are_counted_by_author_with_those_of_whom_none_waits() -> None:
    answers = found([{"author_no": 1}, {"author_no": 1}, {"author_no": 2}], (2, 1, 5.0))
    assert waiting_by_member(answers).rows() == [(1, 2), (2, 0)]


def test_the_best_answerer_of_a_topic_is_who_answered_most_pieces_and_may_be_asked() -> None:
    asked = pieces(*({"topic": topic} for topic in ("ale", "ale", "ale", "stout", None)))
    given_ = responses((0, 5, 1.0), (1, 5, 1.0), (0, 6, 1.0), (1, 6, 1.0), (2, 7, 1.0), (3, 8, 1.0), (4, 6, 1.0), staff=(8,))
    may_ask = pl.DataFrame({"member_no": [6, 7, 8]}, schema={"member_no": pl.Int32})
    assert best_answerers(asked, given_, may_ask=may_ask).rows() == [("ale", 6, 2)]


def test_a_topic_that_waits_longer_than_others_is_found_and_a_chance_difference_is_not() -> None:
    rows, answers = [], []
    for number in range(240):
        topic = ("slow", "fast", "calm", "lively")[number % 4]
        rows.append({"hours": 24.0 * (10 + number % 40), "topic": topic, "weekday": 1, "hour": 12})
        waits = 90.0 if topic == "slow" and number % 5 else 2.0
        answers.append((number, 2, 24.0 * (10 + number % 40) - waits))
    fast = responsiveness(found(rows, *answers))
    assert fast.odd[0] == ("topic", "slow", True)
    assert {place for place in fast.odd if place[2]} == {("topic", "slow", True)}
    assert fast.by["topic"]["slow"].day_share == pytest.approx(12 / 60)
    assert fast.recent is not None
    assert fast.earlier is not None
    assert fast.is_faster is None


def test_the_more_places_are_compared_the_larger_a_difference_must_be() -> None:
    def odd(hours_of_day: int) -> set[str]:
        rows, answers = [], []
        for number in range(560):
            hours = 24.0 * (5 + number % 50)
            rows.append({"hours": hours, "topic": "slow" if number < 112 else "ale", "hour": number % hours_of_day, "weekday": 1})
            # Answered within a day: 60 % on one topic, 73 % on the other.
            waits = 90.0 if (number % 5 < 2 if number < 112 else number % 15 < 4) else 2.0
            answers.append((number, 2, hours - waits))
        return {of for of, _, _ in responsiveness(found(rows, *answers)).odd}

    assert odd(1) == {"topic"}
    assert odd(24) == set()


def test_a_community_that_has_become_slower_is_told_so() -> None:
    rows = [{"hours": 24.0 * (2 + number % 54)} for number in range(270)]
    answers = [(n, 2, row["hours"] - (40.0 if row["hours"] < 28 * 24 and n % 2 else 3.0)) for n, row in enumerate(rows)]
    assert responsiveness(found(rows, *answers)).is_faster is False


def test_nothing_asked_has_no_times() -> None:
    fast = responsiveness(found([]))
    assert (fast.recent, fast.earlier, fast.newcomers, fast.is_faster, fast.by, fast.odd) == (None, None, None, None, {}, ())


@given(st.integers(0, 2**31 - 1))
def test_rows_in_any_order_give_the_same_answers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        {"hours": float(hours), "author_no": int(who)}
        for hours, who in zip(rng.integers(1, 999, 12), rng.integers(1, 4, 12), strict=True)
    ]
    given_ = responses(*((int(rng.integers(12)), int(rng.integers(4, 9)), float(rng.integers(1, 99))) for _ in range(9)))
    asked = pieces(*rows)
    answers = find_answers(asked, given_, night_ends_at=NIGHT_ENDS_AT, policy=POLICY)
    shuffled = asked.sample(fraction=1, shuffle=True, seed=seed), given_.sample(fraction=1, shuffle=True, seed=seed)
    again = find_answers(*shuffled, night_ends_at=NIGHT_ENDS_AT, policy=POLICY)
    assert again.equals(answers)
    assert responsiveness(again) == responsiveness(answers)
    assert in_order_of_action(again, REACH).equals(in_order_of_action(answers, REACH))
