"""Members are counted by their numbers and listed by their ids: the order of one says nothing of the order of the other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.compute import compute_features, compute_features_from_totals
from features.history import History, cut
from features.incremental.totals import compute_totals, update_totals
from tests.features.builders import AS_OF, history_of

# As text, b10 and b11 stand between b1 and b2.
IDS = ("b1", "b2", "b3", "b10", "b11")
NEWCOMER = "a"
YESTERDAY = AS_OF - timedelta(days=1)

people = st.integers(0, len(IDS) - 1)
ages = st.integers(1, 400)
KINDS = ("event:post", "order", "refund", "feedback", "received", "contact")
# Everybody did something, each another number of times: whoever gets the features of somebody else is seen.
BUSY = [(7 + person, person, "event:post", 10 + person, 0) for person in range(len(IDS))]
more = st.lists(
    st.tuples(ages, people, st.sampled_from(KINDS), st.integers(1, 4), st.integers(0, 900)),
    max_size=12,
    unique_by=lambda row: row[:3],
)
met = st.lists(st.tuples(ages, people, people).filter(lambda tie: tie[1] != tie[2]), max_size=8, unique=True)


def community(numbers: list[int], rows: list[Any], ties: list[Any], *, brought_by: list[int | None], newcomer: bool) -> History:
    """The same people doing the same, under any numbers; the newcomer has the next one."""
    number: dict[int | None, int | None] = {None: None, **dict(enumerate(numbers))}
    members = [
        {"member_no": number[person], "member_id": name, "referrer_no": number[brought_by[person]]}
        for person, name in enumerate(IDS)
    ]
    daily = {(AS_OF - timedelta(days=age), numbers[person], kind): (n, minor) for age, person, kind, n, minor in [*BUSY, *rows]}
    if newcomer:
        last = len(IDS) + 1
        members.append({"member_no": last, "member_id": NEWCOMER, "referrer_no": numbers[0]})
        daily |= {(AS_OF, last, "event:post"): (99, 0), (AS_OF, last, "order"): (1, 500)}
    return history_of(
        members=members,
        daily=[(*key, *value) for key, value in daily.items()],
        ties=[(AS_OF - timedelta(days=age), numbers[giver], numbers[taker], 1) for age, giver, taker in ties],
    )


@given(
    st.permutations(range(1, len(IDS) + 1)),
    more,
    met,
    st.lists(st.none() | people, min_size=len(IDS), max_size=len(IDS)),
    st.integers(1, len(IDS) + 1),
)
@example([1, 2, 3, 4, 5], [], [], [None] * 5, 1)
@settings(max_examples=8)
def test_numbers_batches_and_a_newcomer_whose_id_comes_first_change_nobodys_features(
    numbers: list[int], rows: list[Any], ties: list[Any], brought_by: list[int | None], batch: int
) -> None:
    plain = sorted(range(len(IDS)), key=lambda person: IDS[person])
    in_order = [plain.index(person) + 1 for person in range(len(IDS))]
    expected = compute_features(community(in_order, rows, ties, brought_by=brought_by, newcomer=True), as_of=AS_OF)
    before = community(numbers, rows, ties, brought_by=brought_by, newcomer=False)
    seen = cut(community(numbers, rows, ties, brought_by=brought_by, newcomer=True), AS_OF)
    held = compute_totals(cut(before, YESTERDAY))
    totals = update_totals(held, seen, before=before.daily, ties_before=before.ties, changed={AS_OF})
    found = compute_features_from_totals(seen, totals, members_at_once=batch)
    assert found["member_id"].to_list() == sorted([*IDS, NEWCOMER])
    posts = dict(found.select("member_id", "post_count_365d").iter_rows())
    assert posts[NEWCOMER] == 99
    assert all(posts[name] >= 10 + person for person, name in enumerate(IDS))
    assert_frame_equal(found.drop("member_no"), expected.drop("member_no"), check_exact=True)
    assert dict(found.select("member_id", "member_no").iter_rows()) == dict(zip(IDS, numbers, strict=True)) | {NEWCOMER: 6}
