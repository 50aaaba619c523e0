from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from features.catalog import feature_catalog
from models.habits import ACTIVITY, SAME_HABIT, Habits, Says, habits
from models.own_past import AWAY, SILENCE
from tests.features.builders import EVERYTHING

CATALOG = feature_catalog(EVERYTHING, ("post", "comment"))
ONLY_ORDERS = feature_catalog(frozenset({"orders"}), ())
NAMES = tuple(feature.name for feature in CATALOG)


def test_every_feature_is_in_one_habit_and_windows_of_one_count_are_together() -> None:
    grouped = habits(NAMES, CATALOG)
    assert sorted(name for names in grouped.values() for name in names) == sorted(NAMES)
    windows = tuple(f"comment_count_{days}d" for days in (1, 7, 28, 90, 365))
    assert grouped["comment_count"] == (*windows, "days_since_last_comment")


def test_habits_that_are_one_for_everybody_are_habits_of_the_catalog() -> None:
    declared = {feature.habit for feature in CATALOG}
    assert set(SAME_HABIT) | set(SAME_HABIT.values()) <= declared
    assert not set(SAME_HABIT) & set(habits(NAMES, CATALOG))


def test_an_unknown_feature_is_a_habit_of_its_own() -> None:
    assert habits(("novelty", "spend_28d"), CATALOG) == {"novelty": ("novelty",), "spend": ("spend_28d",)}


def test_where_people_only_order_orders_are_the_activity() -> None:
    assert habits(("order_count_28d", "active_days_28d"), CATALOG).keys() == {"order_count", ACTIVITY}
    assert habits(("order_count_28d", "active_days_28d"), ONLY_ORDERS).keys() == {ACTIVITY}
    rhythm = ("repeat_order_days", "first_to_last_order_days", "first_order_age_days", "days_since_last_order", SILENCE)
    assert habits(rhythm, ONLY_ORDERS) == {SILENCE: rhythm}


def says(contributions: np.ndarray[Any, Any], *, raises: bool = True, lowers: bool = True) -> dict[int, Says]:
    """Every feature says that it raises the risk, and that it lowers it, or none does."""
    return {1: np.full(contributions.shape, raises), -1: np.full(contributions.shape, lowers)}


def ranked(frame: pl.DataFrame, contributions: list[list[float]], *, most: int = 3) -> list[list[tuple[str, str, float]]]:
    """Habit, shown feature and contribution of each row; the frame's columns are the features."""
    added = np.array(contributions)
    grouping = Habits.of(tuple(frame.columns), CATALOG)
    found = grouping.rank(added, frame, most=most, says=says(added))
    named = grouping.name(found, found.total != 0, added)
    picked = ("habit", "feature", "contribution")
    return [list(named.filter(pl.col("row") == row).select(picked).iter_rows()) for row in range(frame.height)]


def test_contributions_of_a_habit_add_up_and_the_feature_furthest_in_their_direction_is_shown() -> None:
    frame = pl.DataFrame({"post_count_28d": [1, None], "post_count_90d": [2, 2], "region": ["north", None]})
    assert ranked(frame, [[0.5, -0.75, 0.125], [0.25, 0.5, -1.0]]) == [
        [("post_count", "post_count_90d", 0.5 - 0.75), ("region", "region", 0.125)],
        [("region", "region", -1.0), ("post_count", "post_count_90d", 0.25 + 0.5)],
    ]


def test_the_largest_come_first_either_way_and_no_more_than_asked_for() -> None:
    frame = pl.DataFrame({"region": ["north"], "gender": ["x"], "age_years": [40]})
    assert ranked(frame, [[0.25, -0.5, 0.375]], most=2) == [[("gender", "gender", -0.5), ("age_years", "age_years", 0.375)]]


@pytest.mark.parametrize(("last", "habit"), [(5, SILENCE), (9, "order_count"), (None, "order_count")])
def test_the_last_order_is_the_silence_only_for_who_did_nothing_since(last: int | None, habit: str) -> None:
    frame = pl.DataFrame({SILENCE: [5], "days_since_last_order": [last], "order_count_365d": [3]})
    found = {habit: total for habit, _, total in ranked(frame, [[0.5, 0.25, 0.125]])[0]}
    assert found == ({SILENCE: 0.75, "order_count": 0.125} if habit == SILENCE else {SILENCE: 0.5, "order_count": 0.375})


def test_the_only_type_of_event_somebody_uses_is_their_activity() -> None:
    frame = pl.DataFrame({"event_count_365d": [4, 4], "post_count_365d": [4, 3]})
    assert [[habit for habit, *_ in row] for row in ranked(frame, [[0.5, 0.25]] * 2)] == [[ACTIVITY], [ACTIVITY, "post_count"]]


def test_a_frame_without_the_columns_to_compare_unites_nothing() -> None:
    grouping = Habits.of((SILENCE, "days_since_last_order"), CATALOG)
    added = np.array([[0.5, 0.25]])
    assert grouping.rank(added, pl.DataFrame({SILENCE: [5]}), most=2, says=says(added)).total.tolist() == [[0.5, 0.25]]


def test_a_habit_that_no_feature_can_tell_in_the_direction_of_its_sum_is_ranked_last_with_nothing() -> None:
    frame = pl.DataFrame({"region": ["north"], "gender": ["x"], "age_years": [40]})
    grouping, added = Habits.of(tuple(frame.columns), CATALOG), np.array([[0.25, -0.5, 0.375]])
    assert grouping.rank(added, frame, most=3, says=says(added, lowers=False)).total.tolist() == [[0.375, 0.25, 0.0]]
    told = says(added) | {1: np.array([[True, True, False]])}
    assert grouping.rank(added, frame, most=3, says=told).total.tolist() == [[-0.5, 0.25, 0.0]]


@pytest.mark.parametrize(("silence", "owner"), [(27, ACTIVITY), (28, SILENCE), (None, ACTIVITY)])
def test_a_window_within_the_silence_holds_nothing_but_the_silence(silence: int | None, owner: str) -> None:
    frame = pl.DataFrame(
        {SILENCE: [silence], "active_days_28d": [0], "active_days_90d": [9]}, schema_overrides={SILENCE: pl.Int32}
    )
    added = np.array([[0.25, 0.5, -0.125]])
    grouping = Habits.of(tuple(frame.columns), CATALOG)
    totals = dict(zip((SILENCE, ACTIVITY), grouping.rank(added, frame, most=2, says=says(added)).total[0], strict=True))
    expected = {SILENCE: [0.25 + 0.5, -0.125], ACTIVITY: sorted([0.25, 0.5 - 0.125], reverse=True)}
    assert list(totals.values()) == expected[owner]


def test_what_others_did_within_the_silence_is_their_doing() -> None:
    frame = pl.DataFrame({SILENCE: [40], "received_count_28d": [3], "comment_count_28d": [0]})
    assert [habit for habit, *_ in ranked(frame, [[0.5, 0.25, 0.125]])[0]] == [SILENCE, "received_count"]


def test_logins_are_active_days_and_their_last_one_is_the_silence() -> None:
    catalog = feature_catalog(EVERYTHING, ("login",))
    grouped = habits(("active_days_28d", "login_count_28d", "days_since_last_login", SILENCE), catalog)
    assert grouped == {ACTIVITY: ("active_days_28d", "login_count_28d"), SILENCE: ("days_since_last_login", SILENCE)}


@pytest.mark.parametrize(("ratio", "owner"), [(1.0, ACTIVITY), (1.5, SILENCE)])
def test_the_gaps_of_who_is_overdue_are_about_the_silence(ratio: float, owner: str) -> None:
    frame = pl.DataFrame({SILENCE: [6], AWAY: [ratio], "gap_mean_days_365d": [4.0], "active_days_365d": [50]})
    found = {habit: total for habit, _, total in ranked(frame, [[0.25, 0.5, 1.0, 0.125]])[0]}
    silence = 0.25 + 0.5
    assert found == ({SILENCE: silence + 1.0, ACTIVITY: 0.125} if owner == SILENCE else {SILENCE: silence, ACTIVITY: 1.125})
