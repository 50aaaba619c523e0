from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.catalog import feature_catalog
from models.habits import ACTIVITY, SAME_HABIT, SILENCE, Habits, habits
from tests.features.builders import EVERYTHING

CATALOG = feature_catalog(EVERYTHING, ("post", "comment"))
ONLY_ORDERS = feature_catalog(frozenset({"orders"}), ())
NAMES = tuple(feature.name for feature in CATALOG)


def test_every_feature_is_in_one_habit_and_windows_of_one_count_are_together() -> None:
    grouped = habits(NAMES, CATALOG)
    assert sorted(name for names in grouped.values() for name in names) == sorted(NAMES)
    assert grouped["comment_count"] == tuple(f"comment_count_{days}d" for days in (1, 7, 28, 90, 365))


def test_habits_that_are_one_for_everybody_are_habits_of_the_catalog() -> None:
    declared = {feature.habit for feature in CATALOG}
    assert set(SAME_HABIT) | set(SAME_HABIT.values()) <= declared
    assert not set(SAME_HABIT) & set(habits(NAMES, CATALOG))


def test_an_unknown_feature_is_a_habit_of_its_own() -> None:
    assert habits(("novelty", "spend_28d"), CATALOG) == {"novelty": ("novelty",), "spend": ("spend_28d",)}


def test_where_people_only_order_orders_are_the_activity() -> None:
    assert habits(("order_count_28d", "active_days_28d"), CATALOG).keys() == {"order_count", ACTIVITY}
    assert habits(("order_count_28d", "active_days_28d"), ONLY_ORDERS).keys() == {ACTIVITY}


def ranked(frame: pl.DataFrame, contributions: list[list[float]], *, most: int = 3) -> list[list[tuple[str, str, float]]]:
    """Habit, shown feature and contribution of each row; the frame's columns are the features."""
    added = np.array(contributions)
    grouping = Habits.of(tuple(frame.columns), CATALOG)
    found = grouping.rank(added, frame, most=most)
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


@pytest.mark.parametrize(("last", "habit"), [(5, SILENCE), (9, "days_since_last_order"), (None, "days_since_last_order")])
def test_the_last_order_is_the_silence_only_for_who_did_nothing_since(last: int | None, habit: str) -> None:
    frame = pl.DataFrame({SILENCE: [5], "days_since_last_order": [last]})
    silence = 0.5 + 0.25 if habit == SILENCE else 0.5
    assert ranked(frame, [[0.5, 0.25]])[0][0] == (SILENCE, SILENCE, silence)
    assert habit in {found[0] for found in ranked(frame, [[0.5, 0.25]])[0]}


def test_gaps_of_two_active_days_say_only_how_few_these_are() -> None:
    frame = pl.DataFrame({"active_days_365d": [2, 3], "gap_mean_days_365d": [9.0, 9.0], "gap_deviation_days_365d": [None, 1.0]})
    assert ranked(frame, [[0.25, 0.0, 0.5], [0.25, 0.125, 0.5]]) == [
        [(ACTIVITY, "gap_deviation_days_365d", 0.75)],
        [("gap", "gap_deviation_days_365d", 0.625), (ACTIVITY, "active_days_365d", 0.25)],
    ]


def test_the_only_type_of_event_somebody_uses_is_their_activity() -> None:
    frame = pl.DataFrame({"event_count_365d": [4, 4], "post_count_365d": [4, 3]})
    assert [[habit for habit, *_ in row] for row in ranked(frame, [[0.5, 0.25]] * 2)] == [[ACTIVITY], [ACTIVITY, "post_count"]]


def test_a_frame_without_the_columns_to_compare_unites_nothing() -> None:
    grouping = Habits.of((SILENCE, "days_since_last_order"), CATALOG)
    found = grouping.rank(np.array([[0.5, 0.25]]), pl.DataFrame({SILENCE: [5]}), most=2)
    assert found.total.tolist() == [[0.5, 0.25]]
