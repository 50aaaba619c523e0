"""Totals carried from night to night are the totals counted from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.compute import compute_features, compute_features_from_totals
from features.history import History, cut
from features.incremental.totals import MOST_NIGHTS_AHEAD, IncrementalTotals, can_update, compute_totals, update_totals
from tests.features.builders import AS_OF, history_of

Row = tuple[date, int, str, int, int]
ACTIVITIES = ("event:post", "event:comment", "event:rare", "order", "refund", "received", "feedback", "contact")
OLDEST_DAYS = 420
# An example takes a good part of a second; those that found something once are below.
EXAMPLES = 15 if settings.default.derandomize else 100

DAYS_AGO = st.integers(-5, OLDEST_DAYS) | st.sampled_from([0, 1, 6, 7, 27, 28, 89, 90, 363, 364, 365, 366])
ROWS = st.dictionaries(
    st.tuples(DAYS_AGO, st.integers(1, 3), st.sampled_from(ACTIVITIES)),
    st.tuples(st.integers(1, 4), st.integers(0, 300)),
    max_size=25,
)
PAIRS = st.sampled_from([(1, 2), (2, 1), (1, 3), (3, 2)])
TIES = st.dictionaries(st.tuples(DAYS_AGO, PAIRS), st.integers(1, 4), max_size=15)
# What one night brings: how many nights later it is, days whose rows are dropped, and rows and ties that arrive.
NIGHTS = st.lists(
    st.tuples(st.integers(0, 9) | st.sampled_from([28, MOST_NIGHTS_AHEAD]), st.sets(DAYS_AGO, max_size=3), ROWS, TIES),
    min_size=1,
    max_size=4,
)


def as_rows(kept: dict[tuple[int, int, str], tuple[int, int]]) -> list[Row]:
    signs = {"order": 1, "refund": -1, "feedback": 1}
    return [
        (AS_OF - timedelta(days=age), member, activity, n, signs.get(activity, 0) * minor)
        for (age, member, activity), (n, minor) in kept.items()
    ]


def as_ties(kept: dict[tuple[int, tuple[int, int]], int]) -> list[tuple[date, int, int, int]]:
    return [(AS_OF - timedelta(days=age), giver, taker, n) for (age, (giver, taker)), n in kept.items()]


def as_history(rows: Sequence[Row], ties: Sequence[tuple[date, int, int, int]] = ()) -> History:
    return history_of(daily=rows, ties=ties, members=[{"member_no": number} for number in (1, 2, 3)])


def assert_same(carried: IncrementalTotals, counted: IncrementalTotals) -> None:
    assert carried.as_of == counted.as_of
    for name, frame in counted.frames().items():
        assert_frame_equal(carried.frames()[name], frame, check_exact=True)


@given(ROWS, TIES, NIGHTS)
@settings(max_examples=EXAMPLES)
@example({(3, 1, "order"): (1, 50)}, {}, [(0, {3}, {(3, 1, "refund"): (1, 50)}, {})])
@example({(30, 1, "order"): (1, 50), (3, 1, "order"): (1, 70)}, {}, [(0, set(), {(30, 1, "refund"): (1, 20)}, {})])
@example({(3, 1, "feedback"): (1, 900), (9, 1, "feedback"): (1, 100)}, {}, [(1, {3}, {}, {})])
@example({(364, 1, "event:post"): (1, 0)}, {}, [(1, set(), {}, {}), (0, {364}, {}, {})])
@example({}, {(27, (1, 2)): 1, (40, (2, 1)): 2}, [(1, set(), {}, {}), (1, {40}, {}, {(0, (1, 2)): 1}), (28, set(), {}, {})])
def test_any_nights_repairs_and_runs_again_give_the_totals_of_a_count_from_the_beginning(
    first: dict[tuple[int, int, str], tuple[int, int]],
    first_ties: dict[tuple[int, tuple[int, int]], int],
    nights: list[tuple[int, set[int], dict[tuple[int, int, str], tuple[int, int]], dict[tuple[int, tuple[int, int]], int]]],
) -> None:
    rows, ties, as_of = dict(first), dict(first_ties), AS_OF
    totals = compute_totals(cut(as_history(as_rows(rows), as_ties(ties)), as_of))
    for later, dropped, arrived, met in nights:
        before = as_history(as_rows(rows), as_ties(ties))
        rows = {key: value for key, value in rows.items() if key[0] not in dropped} | arrived
        ties = {key: value for key, value in ties.items() if key[0] not in dropped} | met
        as_of += timedelta(days=later)
        changed = {AS_OF - timedelta(days=age) for age in dropped | {key[0] for key in (*arrived, *met)}}
        history = as_history(as_rows(rows), as_ties(ties))
        seen = cut(history, as_of)
        totals = update_totals(totals, seen, before=before.daily, ties_before=before.ties, changed=changed)
        assert_same(totals, compute_totals(seen))
        assert_frame_equal(compute_features_from_totals(seen, totals), compute_features(history, as_of=as_of), check_exact=True)


def test_a_night_reads_only_the_days_that_moved() -> None:
    as_of = AS_OF
    rows = as_rows({(age, 1, "event:post"): (1, 0) for age in range(-1, 400)})
    ties = as_ties({(age, (1, 1 + age % 7)): 1 for age in range(-1, 400) if age % 7})
    totals = compute_totals(cut(as_history(rows, ties), as_of))
    moved = {as_of + timedelta(days=1 - days) for days in (0, 1, 7, 28, 90, 365)}
    # Other days are spoilt: had they been read, the totals would be wrong.
    spoilt = [(day, member, activity, n if day in moved else 1_000, minor) for day, member, activity, n, minor in rows]
    night = as_of + timedelta(days=1)
    nothing = as_history(())
    carried = update_totals(
        totals, cut(as_history(spoilt, ties), night), before=nothing.daily, ties_before=nothing.ties, changed=()
    )
    assert_same(carried, compute_totals(cut(as_history(rows, ties), night)))


@pytest.mark.parametrize(
    ("nights", "possible"), [(-1, False), (0, True), (MOST_NIGHTS_AHEAD, True), (MOST_NIGHTS_AHEAD + 1, False)]
)
def test_totals_are_carried_forward_and_not_too_far(nights: int, possible: bool) -> None:
    assert can_update(AS_OF, AS_OF + timedelta(days=nights)) == possible
