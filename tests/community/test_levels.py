from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from community.levels import NO_LEVEL, SECOND_DAY, days_in_tier, level_moves, moves, ready_to_rise

ORDER = ("regular", "silver", "gold")
NAMES = st.lists(st.sampled_from(ORDER), min_size=1, max_size=30)


def named(names: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"member_no": range(len(names)), "name": names}, schema_overrides={"member_no": pl.Int32})


@given(st.lists(st.tuples(st.sampled_from(ORDER), st.sampled_from(ORDER)), min_size=1, max_size=40))
def test_moves_are_the_members_whose_name_changed_counted_one_by_one(pairs: list[tuple[str, str]]) -> None:
    found = moves(named([a for a, _ in pairs]), named([b for _, b in pairs]), order=ORDER)
    slow = {(a, b): pairs.count((a, b)) for a, b in pairs if a != b}
    assert {(a, b): n for a, b, n, _ in found.iter_rows()} == slow
    assert all(rise == (ORDER.index(b) > ORDER.index(a)) for a, b, _, rise in found.iter_rows())
    assert found["is_rise"].to_list() == sorted(found["is_rise"], reverse=True)


def test_who_is_new_or_gone_has_not_moved() -> None:
    before, after = named(["gold", "silver"]), named(["regular", "silver", "gold"])
    assert moves(before, after, order=ORDER).rows() == [("gold", "regular", 1, False)]


def test_who_had_no_badge_or_too_few_points_comes_from_no_level() -> None:
    before = pl.DataFrame({"member_no": [1, 2, 3], "level": [None, "Member", "Pillar"]})
    after = pl.DataFrame({"member_no": [4, 3, 2, 1, 5], "level": ["Member", "Pillar", "Pillar", "Member", None]})
    assert level_moves(before, after, order=("Member", "Pillar")).rows() == [
        (NO_LEVEL, "Member", 2, True),
        ("Member", "Pillar", 1, True),
    ]


def test_days_in_a_tier_count_from_a_move_and_not_from_the_first_night() -> None:
    since = [date(2025, 6, 1), date(2025, 6, 11), date(2025, 6, 21), date(2025, 1, 1), None]
    tiers = pl.DataFrame({"tier": ["gold", "gold", "gold", "silver", "regular"], "tier_since": since})
    assert days_in_tier(tiers, as_of=date(2025, 6, 30), first_night=date(2025, 1, 1), order=ORDER) == {"gold": 19}


def test_who_is_within_reach_lacks_what_they_have_least_of_beside_the_next_tier() -> None:
    members = pl.DataFrame(
        {
            "member_no": pl.Series(range(9), dtype=pl.Int32),
            "tier": ["gold", "gold", "silver", "silver", "silver", "regular", "regular", "silver", "silver"],
            "member_value_score": [95.0, 91.0, 88.0, 86.9, 90.5, 69.0, 69.5, None, 92.0],
            "is_eligible": [True, True, True, True, True, False, True, True, True],
            "active_days_365d": [90, 80, 50, 50, 1, 9, 30, 3, 20],
            "posts": [40, 20, 6, 9, 30, 0, None, 0, 7],
            "given": [10, 10, 9, 9, 10, 0, 4, 0, 9],
        }
    )
    ready = ready_to_rise(members, entries={"silver": 70.0, "gold": 90.0}, parts=("posts", "given", "absent"), order=ORDER)
    known = {row["member_no"]: row for row in ready.iter_rows(named=True)}
    # Number 3 is out of reach, 5 is not scored, 7 has no score, and 8 has what gold needs and will have it next night.
    assert list(known) == [4, 6, 2]
    assert known[4]["missing"] == SECOND_DAY
    assert (known[2]["next_tier"], known[2]["points_missing"], known[2]["missing"]) == ("gold", 2.0, "posts")
    assert (known[2]["has"], known[2]["typical"]) == (6.0, (40 + 20) / 2)
    # Half of silver posted 7 times or more; who posted nothing lacks all of it.
    assert (known[6]["missing"], known[6]["has"], known[6]["typical"]) == ("posts", 0.0, 7.0)
