from __future__ import annotations

from datetime import timedelta

import polars as pl

from features.network.matching import Change, find_changes, match_ids, with_communities
from tests.features.builders import AS_OF


def groups(**members: list[int]) -> pl.DataFrame:
    rows = [(member, name.replace("_", "-")) for name, numbers in members.items() for member in numbers]
    return pl.DataFrame(rows, schema={"member_no": pl.Int32, "group_id": pl.String}, orient="row").sort("member_no")


def tonight(*members: list[int]) -> pl.DataFrame:
    rows = [(member, number) for number, numbers in enumerate(members) for member in numbers]
    return pl.DataFrame(rows, schema={"member_no": pl.Int32, "group": pl.Int64}, orient="row")


def ids_of(matched: pl.DataFrame) -> dict[str, list[int]]:
    return dict(matched.group_by("group_id").agg("member_no").iter_rows())


def test_the_first_night_names_groups_after_the_night_the_largest_first() -> None:
    matched = match_ids(tonight([1, 2], [3, 4, 5]), groups(), as_of=AS_OF)
    assert ids_of(matched) == {f"{AS_OF}-1": [3, 4, 5], f"{AS_OF}-2": [1, 2]}


def test_a_group_that_grew_shrank_or_was_renumbered_keeps_its_id() -> None:
    before = groups(a=[1, 2, 3, 4], b=[5, 6, 7])
    matched = match_ids(tonight([5, 6, 8, 9, 10], [1, 2, 3]), before, as_of=AS_OF)
    assert ids_of(matched) == {"a": [1, 2, 3], "b": [5, 6, 8, 9, 10]}


def test_the_larger_part_of_a_split_keeps_the_id_and_the_other_gets_a_new_one() -> None:
    before = groups(a=[1, 2, 3, 4, 5])
    assert ids_of(match_ids(tonight([1, 2], [3, 4, 5]), before, as_of=AS_OF)) == {"a": [3, 4, 5], f"{AS_OF}-1": [1, 2]}


def test_of_two_that_became_one_the_larger_gives_its_id() -> None:
    before = groups(a=[1, 2], b=[3, 4, 5])
    assert ids_of(match_ids(tonight([1, 2, 3, 4, 5]), before, as_of=AS_OF)) == {"b": [1, 2, 3, 4, 5]}


def test_groups_that_were_mixed_half_and_half_are_new_ones() -> None:
    before = groups(a=[1, 2, 3, 4], b=[5, 6, 7, 8])
    matched = match_ids(tonight([1, 2, 5, 6], [3, 4, 7, 8]), before, as_of=AS_OF)
    assert ids_of(matched) == {f"{AS_OF}-1": [1, 2, 5, 6], f"{AS_OF}-2": [3, 4, 7, 8]}


def test_an_id_of_a_group_that_is_gone_is_not_used_again() -> None:
    later = AS_OF + timedelta(days=1)
    first = match_ids(tonight([1, 2, 3]), groups(), as_of=AS_OF)
    second = match_ids(tonight([7, 8, 9]), first, as_of=later)
    assert set(first["group_id"]).isdisjoint(second["group_id"])


def test_groups_that_are_carried_on_keep_their_ids_whatever_they_share() -> None:
    matched = match_ids(tonight([1], [2, 3]), groups(a=[1, 2, 3]), as_of=AS_OF, carried_on={0: "a"})
    assert ids_of(matched) == {"a": [1], f"{AS_OF}-1": [2, 3]}


def test_a_small_group_is_no_community_unless_it_was_one() -> None:
    before = groups(a=[1, 2, 3, 4]).with_columns(community_id="group_id")
    small = with_communities(groups(a=[1, 2], b=[5, 6, 7], c=[8, 9, 10, 11]), before, fewest=4)
    assert dict(small.group_by("group_id").agg(pl.col("community_id").first()).iter_rows()) == {"a": "a", "b": None, "c": "c"}
    assert with_communities(groups(a=[1]), before, fewest=4)["community_id"].to_list() == [None]


def test_births_deaths_merges_and_splits_are_told_once() -> None:
    before = groups(a=[1, 2, 3, 4], b=[5, 6, 7, 8], c=[9, 10], d=[11, 12, 13])
    after = groups(a=[1, 2, 3, 4, 5, 6, 7, 8], d=[11, 12, 13], e=[20, 21])
    changes = find_changes(after.rename({"group_id": "community_id"}), before.rename({"group_id": "community_id"}))
    assert changes == (Change("merged", ("a", "b"), ("a",)), Change("born", (), ("e",)), Change("died", ("c",), ()))
    split = find_changes(before.rename({"group_id": "community_id"}), after.rename({"group_id": "community_id"}))
    assert split == (Change("split", ("a",), ("a", "b")), Change("born", (), ("c",)), Change("died", ("e",), ()))


def test_nothing_changed_and_a_first_night_have_no_changes() -> None:
    same = groups(a=[1, 2], b=[3, 4]).rename({"group_id": "community_id"})
    assert find_changes(same, same) == ()
    assert find_changes(same, same.clear()) == ()
