from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features.returns
from features.history import cut
from features.returns import NOT_ELIGIBLE, RETURNS_SCHEMA, active_days, count_returns
from tests.features.builders import AS_OF, history_of

ELIGIBLE_DAYS = 300
SILENCES, ACTIVE_DAYS = (7, 14, 28, 56, 112, 224), (1, 2, 4, 9)

daily_rows = st.lists(
    st.tuples(
        st.integers(-330, 20).map(lambda days: AS_OF + timedelta(days=days)),
        st.integers(1, 4),
        st.sampled_from(["event:post", "order", "refund", "received", "contact"]),
        st.just(1),
        st.integers(-500, 500),
    ),
    max_size=40,
)
cutoff_windows = st.lists(st.tuples(st.integers(-60, 5), st.sampled_from([0, 7, 14, 28])), max_size=4)


def counted(rows: list[Any], members: list[dict[str, Any]], windows: list[tuple[date, int]]) -> pl.DataFrame:
    seen = cut(history_of(daily=rows, members=members), AS_OF)
    return count_returns(active_days(seen, since=date.min), windows, eligible_days=ELIGIBLE_DAYS)


def counted_slowly(rows: list[Any], members: list[dict[str, Any]], cutoff: date, days: int) -> dict[int, list[int]]:
    """Go through the members one by one: band → members, returned, spenders, spend_minor."""
    bands: dict[int, list[int]] = {}
    for member in members:
        if member["seen_from"] is not None and member["seen_from"] > cutoff:
            continue
        own = [row for row in rows if row[1] == member["member_no"] and row[2] in {"event:post", "order", "refund"}]
        before = {row[0] for row in own if cutoff - timedelta(days=ELIGIBLE_DAYS) < row[0] <= cutoff}
        ahead = [row for row in own if cutoff < row[0] <= cutoff + timedelta(days=days)]
        spend = sum(row[4] for row in ahead if row[2] != "event:post")
        band = NOT_ELIGIBLE
        if before:
            silence = (cutoff - max(before)).days
            active = len([day for day in before if (cutoff - day).days < 90])
            band = 1 + 5 * sum(silence >= bound for bound in SILENCES) + sum(active >= bound for bound in ACTIVE_DAYS)
        entry = bands.setdefault(band, [0, 0, 0, 0])
        for position, more in enumerate((1, bool(ahead), spend > 0, spend)):
            entry[position] += more
    return bands


@settings(max_examples=60)
@given(daily_rows, cutoff_windows)
def test_the_counts_are_those_of_going_through_the_members_one_by_one(rows: list[Any], windows: list[tuple[int, int]]) -> None:
    members = [{"member_no": number, "seen_from": None} for number in (1, 2)]
    members += [{"member_no": 3, "seen_from": AS_OF - timedelta(days=30)}, {"member_no": 4, "seen_from": AS_OF}]
    dated = [(AS_OF + timedelta(days=after), days) for after, days in windows]
    counts = counted(rows, members, dated)
    expected = [
        (cutoff, days, band, *numbers)
        for cutoff, days in sorted(set(dated))
        if cutoff + timedelta(days=days) <= AS_OF
        for band, numbers in sorted(counted_slowly(rows, members, cutoff, days).items())
    ]
    assert counts.schema == RETURNS_SCHEMA
    assert counts.rows() == expected


def test_a_window_that_is_not_over_is_left_out() -> None:
    rows = [(AS_OF, 1, "event:post", 1, 0), (AS_OF + timedelta(days=1), 1, "event:post", 1, 0)]
    assert counted(rows, [{"member_no": 1}], [(AS_OF, 1), (AS_OF - timedelta(days=6), 7)]).is_empty()


def test_of_a_large_community_every_so_many_th_member_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features.returns, "MOST_MEMBERS", 4)
    rows = [(AS_OF, number, "event:post", 1, 0) for number in range(1, 11)]
    seen = cut(history_of(daily=rows, members=[{"member_no": number} for number in range(1, 11)]), AS_OF)
    active = active_days(seen, since=AS_OF)
    assert active.members["member_no"].to_list() == active.days["member_no"].to_list() == [3, 6, 9]
