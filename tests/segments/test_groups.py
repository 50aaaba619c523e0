"""Behaviour groups find the kinds of members there are, and stay themselves from night to night."""

import json
from functools import partial

import numpy as np
import polars as pl
import pytest

from segments import groups
from segments.groups import GroupPolicy, GroupState
from wording.group_names import GroupNames

POLICY = GroupPolicy()
NAMES = GroupNames()
NEVER_ACTIVE, AWAY_FOR_A_YEAR, EVERYONE = NAMES.never_active, NAMES.away_for_a_year, NAMES.everyone
fit_groups = partial(groups.fit_groups, names=NAMES)
assign_groups = partial(groups.assign_groups, names=NAMES)
COUNTS = ("post", "read", "order")


def community(seed: int = 1, *, each: int = 150, night_share: float = 0.9) -> pl.DataFrame:
    """Writers, night-time readers and buyers, `each` of them, and one member of each odd kind."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(3), each)
    rates = np.array([[60, 5, 0.5], [0.5, 60, 0.5], [0.5, 4, 25]])
    counts = {f"{name}_count_365d": rng.poisson(rates[kind, column]) for column, name in enumerate(COUNTS)}
    frame = pl.DataFrame(
        {
            "kind": np.array(COUNTS)[kind],
            "days_since_last_activity": rng.integers(0, 30, 3 * each),
            "active_days_365d": rng.poisson(np.array([40, 40, 20])[kind]) + 1,
            "tenure_days": rng.integers(200, 900, 3 * each),
            "spend_365d": 20.0 * counts["order_count_365d"],
            "night_share_365d": np.where(kind == 1, night_share, 0.05) + rng.uniform(0, 0.05, 3 * each),
            **counts,
        }
    )
    odd = frame.head(3).with_columns(
        kind=pl.Series(["never", "away", "unknown share"]),
        days_since_last_activity=pl.Series([None, 500, 3]),
        active_days_365d=pl.Series([0, 0, 5]),
        night_share_365d=pl.lit(None, dtype=pl.Float64),
    )
    return pl.concat([frame, odd]).with_row_index("member_no").with_columns(pl.col("member_no").cast(pl.Int32))


def groups_by_kind(features: pl.DataFrame, state: GroupState) -> dict[str, str]:
    named = features.with_columns(assign_groups(features, state))
    return dict(named.group_by("kind").agg(pl.col("segment").mode().sort().first()).iter_rows())


def test_groups_are_named_after_what_their_members_do() -> None:
    features = community()
    named = groups_by_kind(features, fit_groups(features, None, policy=POLICY))
    assert named["post"].endswith("writers")
    assert named["read"] == "Night-time readers"
    assert named["order"] == "Big-spending buyers"


def test_members_never_active_or_long_away_have_groups_of_their_own() -> None:
    features = community()
    named = groups_by_kind(features, fit_groups(features, None, policy=POLICY))
    assert (named["never"], named["away"]) == (NEVER_ACTIVE, AWAY_FOR_A_YEAR)
    assert named["unknown share"] not in {NEVER_ACTIVE, AWAY_FOR_A_YEAR}


def test_groups_do_not_depend_on_the_order_of_rows() -> None:
    features = community()
    shuffled = features.sample(fraction=1, shuffle=True, seed=3)
    # So many groups cut through crowds, where the start of the clustering decides.
    many = GroupPolicy(fewest_groups=7, most_groups=7, smallest_share=0.0)
    state = fit_groups(features, None, policy=many)
    assert fit_groups(shuffled, None, policy=many) == state
    assert assign_groups(shuffled, state).to_list() == assign_groups(features, state).gather(shuffled["member_no"]).to_list()


def test_no_two_groups_share_a_name() -> None:
    features = community().with_columns(pl.col("post_count_365d").alias("comment_count_365d"))
    names = fit_groups(features, None, policy=GroupPolicy(fewest_groups=8, smallest_share=0.0)).names
    assert len(names) == 8 == len(set(names))


def test_names_live_on_after_a_fit_on_other_nights() -> None:
    first = fit_groups(community(), None, policy=POLICY)
    renamed = first.model_copy(update={"names": tuple(f"Old {name}" for name in first.names)})
    later = community(seed=2)
    named = groups_by_kind(later, fit_groups(later, renamed, policy=POLICY))
    assert named["read"] == "Old Night-time readers"
    assert named["order"] == "Old Big-spending buyers"


def test_a_group_that_changed_its_ways_gets_a_new_name() -> None:
    first = fit_groups(community(), None, policy=POLICY)
    renamed = first.model_copy(update={"names": tuple(f"Old {name}" for name in first.names)})
    strict = GroupPolicy(match_distance=0.3)
    later = community(seed=2, night_share=0.06)
    named = groups_by_kind(later, fit_groups(later, renamed, policy=strict))
    assert named["read"].endswith("readers")
    assert "Night-time" not in named["read"]


def test_a_small_community_is_one_group() -> None:
    features = community(each=20)
    state = fit_groups(features, None, policy=POLICY)
    assert state.names == (EVERYONE,)
    assert set(assign_groups(features, state)) == {EVERYONE, NEVER_ACTIVE, AWAY_FOR_A_YEAR}


def test_members_who_are_all_alike_are_one_group() -> None:
    features = pl.DataFrame({"member_no": range(300), "days_since_last_activity": 1, "active_days_365d": 7})
    assert fit_groups(features, None, policy=POLICY).names == (EVERYONE,)


def test_the_state_survives_json() -> None:
    state = fit_groups(community(), None, policy=POLICY)
    assert GroupState.model_validate(json.loads(json.dumps(state.model_dump(mode="json")))) == state


@pytest.mark.parametrize("gone", ["order_count_365d", "night_share_365d", "spend_365d"])
def test_a_habit_that_disappears_still_leaves_everyone_a_group(gone: str) -> None:
    features = community()
    state = fit_groups(features, None, policy=POLICY)
    segments = assign_groups(features.drop(gone), state)
    assert segments.null_count() == 0
    assert segments.len() == features.height


def test_members_who_are_alike_in_all_but_a_little_are_grouped_without_a_warning() -> None:
    alike = pl.concat([community().filter(pl.col("kind") == "post").head(1)] * 300)
    kinds = pl.when(pl.int_range(pl.len()) % 2 == 0).then(3).otherwise(pl.col("post_count_365d"))
    for features in (alike, alike.with_columns(post_count_365d=kinds)):
        state = fit_groups(features, None, policy=POLICY)
        assert set(assign_groups(features, state)) == {EVERYONE}


@pytest.mark.parametrize(("enough", "most", "number"), [(1e-9, 5, 5), (1.0, 5, 3), (1e-9, 4, 4)])
def test_of_the_numbers_of_groups_that_are_distinct_enough_the_largest_is_taken(enough: float, most: int, number: int) -> None:
    # Three kinds of members: three groups are the most distinct, and every other number is less so.
    policy = GroupPolicy(fewest_groups=2, most_groups=most, smallest_share=0.0, enough_silhouette=enough)
    assert len(fit_groups(community(each=70), None, policy=policy).names) == number


@pytest.mark.parametrize(("keep", "number"), [(1e-9, 4), (1.0, 3)])
def test_the_number_of_groups_of_the_fit_before_stays_while_it_is_distinct_enough(keep: float, number: int) -> None:
    features = community(each=70)
    four = GroupPolicy(fewest_groups=4, most_groups=4, smallest_share=0.0)
    policy = GroupPolicy(fewest_groups=2, most_groups=5, smallest_share=0.0, enough_silhouette=1.0, keep_silhouette=keep)
    before = fit_groups(features, None, policy=four)
    assert len(fit_groups(features, before, policy=policy).names) == number


def test_where_no_number_of_groups_leaves_each_large_enough_everyone_is_in_one() -> None:
    policy = GroupPolicy(fewest_groups=3, most_groups=4, smallest_share=0.4)
    features = community(each=70)
    state = fit_groups(features, None, policy=policy)
    assert state.names == (EVERYONE,)
    assert assign_groups(features, state).null_count() == 0
