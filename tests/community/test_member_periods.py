"""What members did is summed by periods that end with the night."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from community.absence import PERIOD_DAYS
from community.member_periods import PERIOD_SCHEMA, PERIODS, by_member_and_period
from features.history import ORDER_ACTIVITIES, TIES_SCHEMA
from tests.features.builders import AS_OF, daily_frame

POSTING = ("post",)
DONE = st.tuples(
    st.integers(-1, PERIODS * PERIOD_DAYS + 1),
    st.integers(1, 4),
    st.sampled_from(["event:post", "event:login", "content", "order", "refund", "received"]),
    st.integers(1, 3),
    st.integers(-900, 900),
)
TIED = st.tuples(st.integers(-1, PERIODS * PERIOD_DAYS + 1), st.integers(1, 4), st.integers(5, 6), st.integers(1, 3))


def ties_frame(rows: list[tuple[date, int, int, int]]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=TIES_SCHEMA, orient="row")


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def periods(daily: pl.LazyFrame, ties: pl.LazyFrame) -> list[tuple[int, ...]]:
    summed = by_member_and_period(daily, ties, as_of=AS_OF, posting_events=POSTING)
    assert summed.schema == PERIOD_SCHEMA
    return summed.sort("member_no", "period").rows()


def test_a_piece_that_arrives_as_an_event_too_counts_once_and_an_answered_member_is_connected() -> None:
    daily = daily_frame(
        [
            (ago(0), 1, "event:post", 2, 0),
            (ago(0), 1, "content", 2, 0),
            (ago(27), 1, "event:login", 1, 0),
            (ago(28), 1, "order", 1, 500),
            (ago(29), 1, "refund", 1, -200),
            (ago(3), 2, "content", 1, 0),
            (ago(3), 3, "event:login", 1, 0),
            (ago(-1), 4, "event:login", 1, 0),
        ]
    ).with_columns(amount_minor=pl.when(pl.col("activity").is_in(ORDER_ACTIVITIES)).then("amount_minor"))
    # Member 2 wrote a piece without being seen: it counts, and who is not active is not connected.
    ties = ties_frame([(ago(1), 1, 3, 4), (ago(1), 1, 2, 1), (ago(-1), 3, 1, 9)])
    assert periods(daily, ties) == [(0, 1, 1, 2, 5, 1, 0), (1, 1, 1, 0, 0, 0, 300), (0, 2, 0, 1, 0, 0, 0), (0, 3, 1, 0, 0, 1, 0)]


@given(st.lists(DONE, max_size=25), st.lists(TIED, max_size=10))
def test_sums_are_what_counting_gives(done: list[tuple[int, int, str, int, int]], tied: list[tuple[int, int, int, int]]) -> None:
    expected: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0, 0])
    for days, member, activity, n, amount in done:
        if 0 <= days < PERIODS * PERIOD_DAYS and activity != "received":
            sums = expected[member, days // PERIOD_DAYS]
            sums[0] |= activity != "content"
            sums[1] += n * (activity == "content")
            sums[2] += n * (activity == "event:post")
            sums[5] += amount * (activity in {"order", "refund"})
    for days, member, _, n in tied:
        if (key := (member, days // PERIOD_DAYS)) in expected:
            expected[key][3] += n
            expected[key][4] = expected[key][0]
    slowly = [
        (period, member, active, max(pieces, posts), given_, connected, spend)
        for (member, period), (active, pieces, posts, given_, connected, spend) in sorted(expected.items())
    ]
    rows = [(ago(days), member, activity, n, amount) for days, member, activity, n, amount in done]
    daily = daily_frame(rows)
    assert periods(daily, ties_frame([(ago(days), giver, to, n) for days, giver, to, n in tied])) == slowly
