"""Thanks go to what reached people; volume alone, bursts and floods earn nothing beyond the cap."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.recognition import (
    BURSTS_SCHEMA,
    CONTRIBUTOR,
    HELPER,
    IMPROVED,
    KINDS,
    STREAK,
    TOOK_OFF,
    RecognitionPolicy,
    contributors_of_week,
    find_bursts,
    helpers,
    improvement,
    recognised,
    streaks,
)

AS_OF = date(2025, 6, 30)
POLICY = RecognitionPolicy()


def days_ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def posts(*rows: tuple[int, int, int]) -> pl.DataFrame:
    """Members, how many days ago, and how many contributions."""
    known = [(member, days_ago(ago), n) for member, ago, n in rows]
    return pl.DataFrame(known, schema={"member_no": pl.Int32, "event_date": pl.Date, "n": pl.Int64}, orient="row")


def ties(*rows: tuple[int, int, int]) -> pl.DataFrame:
    """Givers, receivers, and how many days ago."""
    known = [(days_ago(ago), giver, receiver, 1) for giver, receiver, ago in rows]
    schema = {"event_date": pl.Date, "member_no": pl.Int32, "other_no": pl.Int32, "n": pl.Int32}
    return pl.DataFrame(known, schema=schema, orient="row")


def moments(member: int, seconds: list[int]) -> pl.DataFrame:
    at = [datetime(2025, 6, 30, 10, tzinfo=UTC) + timedelta(seconds=second) for second in seconds]
    rows = {"member_no": [member] * len(at), "event_date": [AS_OF] * len(at), "occurred_at": at}
    return pl.DataFrame(rows, schema={"member_no": pl.Int32, "event_date": pl.Date, "occurred_at": pl.Datetime("us", "UTC")})


NO_BURSTS = pl.DataFrame(schema=BURSTS_SCHEMA)


def week_of(own: pl.DataFrame, bursts: pl.DataFrame = NO_BURSTS, given_: pl.DataFrame | None = None) -> dict[int, dict[str, Any]]:
    found = contributors_of_week(own, bursts, ties() if given_ is None else given_, as_of=AS_OF, policy=POLICY)
    return {row["member_no"]: row for row in found.iter_rows(named=True)}


def test_the_week_is_seven_days_and_a_day_counts_up_to_the_cap() -> None:
    week = week_of(posts((1, 0, 30), (1, 6, 3), (1, 7, 9), (2, 8, 5)))
    assert list(week) == [1]
    assert (week[1]["contributions_7d"], week[1]["earned_7d"], week[1]["quality"]) == (33, 10 + 3, None)


def test_five_contributions_each_within_two_minutes_are_a_burst() -> None:
    both = pl.concat([moments(1, [0, 120, 240, 360, 480, 1_000]), moments(2, [0, 60, 120, 180, 301])])
    assert find_bursts(both).rows() == [(1, AS_OF, 5)]
    assert find_bursts(both.clear()).schema == BURSTS_SCHEMA


def test_a_burst_that_hardly_anybody_responded_to_counts_as_one_contribution() -> None:
    bursts = pl.DataFrame([(1, AS_OF, 8), (2, AS_OF, 8)], schema=BURSTS_SCHEMA, orient="row")
    given_ = ties((10, 1, 0), (10, 2, 0), (11, 2, 3), (11, 2, 0), (12, 3, 20))
    week = week_of(posts((1, 0, 9), (2, 0, 9)), bursts, given_)
    # One of eight responded to the first, two of eight to the second.
    assert {member: row["earned_7d"] for member, row in week.items()} == {1: 1 + 1, 2: 9}
    assert {member: row["people_reached_7d"] for member, row in week.items()} == {1: 1, 2: 2}


def test_quality_is_people_per_contribution_drawn_towards_the_mean() -> None:
    week = week_of(posts((1, 0, 1), (2, 0, 9)), given_=ties(*((giver, 1, 0) for giver in range(10, 14)), (10, 2, 1)))
    mean = (4 + 1) / (1 + 9)
    assert week[1]["quality"] == pytest.approx((4 + 5 * mean) / (1 + 5))
    assert week[2]["score"] == pytest.approx(9 * (1 + 5 * mean) / (9 + 5))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=7), st.integers(1, 12))
def test_whatever_is_written_a_week_earns_no_more_than_seven_caps(written: list[int], cap: int) -> None:
    own = posts(*((1, ago, n) for ago, n in enumerate(written)))
    found = contributors_of_week(own, NO_BURSTS, ties(), as_of=AS_OF, policy=RecognitionPolicy(daily_cap=cap))
    assert found["earned_7d"].to_list() == [sum(min(n, cap) for n in written)]


@given(st.integers(5, 300), st.integers(0, 9))
def test_adding_a_burst_without_responses_earns_one_contribution_at_most(burst: int, honest: int) -> None:
    people = [(giver, 2, 0) for giver in range(10, 14)]
    before = week_of(posts((1, 0, honest), (2, 0, 3)) if honest else posts((2, 0, 3)), given_=ties(*people))
    spam = find_bursts(moments(1, [20 * n for n in range(burst)]))
    after = week_of(posts((1, 0, honest + burst), (2, 0, 3)), spam, ties(*people))
    gained = after[1]["earned_7d"] - (before[1]["earned_7d"] if honest else 0)
    assert 0 <= gained <= 1


@settings(max_examples=30)
@given(
    st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 9)), st.integers(1, 20), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), max_size=30),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_changes_nothing(counts, given_, order) -> None:
    own = [(member, ago, n) for (member, ago), n in counts.items()]
    there = contributors_of_week(posts(*own), NO_BURSTS, ties(*given_), as_of=AS_OF, policy=POLICY)
    order.shuffle(own)
    order.shuffle(given_)
    assert contributors_of_week(posts(*own), NO_BURSTS, ties(*given_), as_of=AS_OF, policy=POLICY).equals(there)


@given(st.sets(st.integers(0, 200), max_size=40))
def test_a_streak_is_the_weeks_in_a_row_counted_back_one_by_one(ago: set[int]) -> None:
    found = streaks(posts(*((1, days, 1) for days in ago)), as_of=AS_OF)
    slow = 0
    while slow < 27 and any(days // 7 == slow for days in ago):
        slow += 1
    assert found["streak_weeks"].to_list() == ([slow] if slow else [])


def test_help_is_given_to_a_newcomer_by_somebody_who_is_none() -> None:
    joined = pl.DataFrame(
        {"member_no": [1, 2, 3, 4, 5], "joined_on": [None, days_ago(3), days_ago(40), days_ago(28), days_ago(2)]},
        schema={"member_no": pl.Int32, "joined_on": pl.Date},
    )
    # 2 is a newcomer, too, and so no helper of 5.
    given_ = ties((2, 5, 0), (1, 2, 0), (1, 2, 1), (1, 3, 20), (3, 2, 0), (4, 2, 0), (2, 4, 0), (1, 4, 6), (3, 4, 9), (1, 9, 0))
    # 3 was new 20 days ago; 4 has been here for 28 days, and was new 6 days ago; 9 is nobody known.
    assert helpers(given_, joined, as_of=AS_OF, days=28).rows() == [(1, 3), (3, 2), (4, 1)]
    assert helpers(given_, joined, as_of=AS_OF, days=7).rows() == [(1, 2), (3, 1), (4, 1)]


def test_improvement_is_against_the_own_weeks_and_one_contribution_is_none() -> None:
    own = posts(
        (1, 0, 9), *((1, 7 * week, 1) for week in range(1, 9)), (2, 0, 1), (3, 0, 9), *((3, 7 * week, 99) for week in range(1, 9))
    )
    week = contributors_of_week(own, NO_BURSTS, ties(), as_of=AS_OF, policy=POLICY)
    found = improvement(own, week, as_of=AS_OF, policy=POLICY)
    assert dict(found.select("member_no", "contributions_56d").iter_rows()) == {1: 8, 2: 0, 3: 8 * 99}
    times = dict(found.select("member_no", "times").iter_rows())
    assert times == pytest.approx({1: (9 + 2) / (1 + 2), 2: (1 + 2) / 2, 3: (9 + 2) / (10 + 2)})


def test_everybody_is_thanked_for_what_they_did_and_no_more_than_the_policy_names() -> None:
    people = pl.DataFrame(
        {
            "member_no": pl.Series(range(1, 8), dtype=pl.Int32),
            "joined_on": [None, days_ago(10), days_ago(400), days_ago(400), days_ago(400), days_ago(400), days_ago(400)],
            "contributions_7d": [4, 5, 9, None, 2, 2, 1],
            "earned_7d": [4, 5, 9, None, 2, 2, 1],
            "people_reached_7d": [1, 3, 0, None, 0, 1, 2],
            "score": [4.0, 6.0, 2.0, None, 1.0, 5.0, 1.5],
            "streak_weeks": [8, 4, 5, None, 27, 1, 1],
            "newcomers_helped_7d": [None, 1, None, 3, 2, None, None],
            "times": [1.2, 4.0, 2.5, None, 2.0, None, None],
        }
    )
    # 6, whom one person responded to once, would be third.
    found = recognised(people, as_of=AS_OF, policy=RecognitionPolicy(most_named=3))
    assert 7 in recognised(people, as_of=AS_OF, policy=POLICY).filter(pl.col("kind") == CONTRIBUTOR)["member_no"]
    named = {kind: found.filter(pl.col("kind") == kind)["member_no"].to_list() for kind in KINDS}
    assert named == {CONTRIBUTOR: [2, 1, 3], TOOK_OFF: [2], HELPER: [4, 5], IMPROVED: [3], STREAK: [1]}
