"""The features of some members are those they have among everybody, whoever the others are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.compute import compute_features
from features.history import restrict_members
from tests.features.builders import AS_OF, history_of

MEMBERS = 7
numbers = st.integers(1, MEMBERS)
days = st.integers(-20, 400).map(lambda age: AS_OF - timedelta(days=age))
daily = st.lists(
    st.tuples(days, numbers, st.sampled_from(["event:post", "order", "received"]), st.integers(1, 4), st.integers(0, 900)),
    max_size=25,
    unique_by=lambda row: row[:3],
)
ties = st.lists(
    st.tuples(days, numbers, numbers, st.integers(1, 4)).filter(lambda tie: tie[1] != tie[2]),
    max_size=25,
    unique_by=lambda tie: tie[:3],
)
brought_by = st.lists(st.none() | numbers, min_size=MEMBERS, max_size=MEMBERS)


@given(daily, ties, brought_by, st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=10 if settings.default.derandomize else 50)
def test_the_features_of_some_are_those_they_have_among_everybody(
    daily: list[Any], ties: list[Any], brought_by: list[int | None], every: int, first: int
) -> None:
    members = [{"member_no": number, "referrer_no": referrer} for number, referrer in enumerate(brought_by, start=1)]
    history = history_of(members=members, daily=daily, ties=ties)
    some = restrict_members(history, lambda number: number % every == first % every)
    expected = compute_features(history, as_of=AS_OF).filter(pl.col("member_no") % every == first % every)
    assert_frame_equal(compute_features(some, as_of=AS_OF), expected, check_exact=True)
