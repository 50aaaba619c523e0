"""A group's name says what sets it apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.habits import kind_of
from wording.english import ENGLISH
from wording.group_names import GroupNames

HABITS = [*ENGLISH.groups.adjectives, "order_count_365d", "post_count_365d", "solve_puzzle_count_365d"]


def group_name(deviations: dict[str, float], levels: dict[str, float], *, taken: tuple[str, ...]) -> str:
    kinds = {habit: kind for habit in deviations if (kind := kind_of(habit)) is not None}
    return GroupNames().name(deviations, levels, kinds=kinds, taken=taken)


def named(taken: tuple[str, ...] = (), **deviations: float) -> str:
    return group_name(deviations, deviations, taken=taken)


def test_the_most_unusual_habits_make_the_name() -> None:
    assert named(night_share_365d=2.0, active_days_365d=1.0, read_count_365d=1.5, post_count_365d=0.5) == "Night-time readers"


def test_a_group_without_anything_unusual_is_steady() -> None:
    assert named(active_days_365d=0.05, read_count_365d=0.0) == "Steady members"


def test_newcomers_are_newcomers_first() -> None:
    assert named(tenure_days=-1.2, active_days_365d=-0.5, read_count_365d=0.9) == "Quiet newcomers"


def test_an_event_type_nobody_foresaw_is_named_by_its_own_word() -> None:
    assert named(active_days_365d=1.0, solve_puzzle_count_365d=1.0) == "Busy solve puzzle regulars"


def test_doing_a_little_less_badly_is_no_reason_for_a_name() -> None:
    assert group_name({"active_days_365d": -1.0, "post_count_365d": 0.9}, {"post_count_365d": -0.2}, taken=()) == "Quiet members"


def test_a_taken_name_gives_way_to_the_next() -> None:
    assert named(("Busy readers",), active_days_365d=1.0, read_count_365d=1.0) == "Busy members"
    assert named(("Busy readers", "Busy members"), active_days_365d=1.0, read_count_365d=1.0) == "Busy readers 2"


def test_a_name_of_the_language_spoken_needs_no_other_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wording.group_names.catalogue_of", pytest.fail)
    assert GroupNames().said("Quiet readers 2") == "Quiet readers 2"


@given(st.lists(st.dictionaries(st.sampled_from(HABITS), st.floats(-4, 4)), min_size=1, max_size=12))
def test_names_are_unique_whatever_the_groups(groups: list[dict[str, float]]) -> None:
    names: list[str] = []
    for deviations in groups:
        names.append(group_name(deviations, deviations, taken=tuple(names)))
    assert len(set(names)) == len(groups)


@pytest.mark.parametrize(
    ("deviations", "name"),
    [
        ({"active_days_365d": 0.35}, "Busy members"),
        ({"active_days_365d": 0.34}, "Steady members"),
        ({"active_days_365d": -0.35}, "Quiet members"),
        ({"active_days_365d": -0.34}, "Steady members"),
        ({"read_count_365d": 0.1}, "Steady readers"),
        ({"read_count_365d": 0.09}, "Steady members"),
        ({"tenure_days": -0.7, "active_days_365d": -1.0}, "Quiet newcomers"),
        ({"tenure_days": -0.69, "active_days_365d": -1.0}, "Quiet members"),
        ({"spend_365d": -3.0}, "Steady members"),
    ],
)
def test_how_far_a_group_must_lie_from_the_others_to_be_called_after_it(deviations: dict[str, float], name: str) -> None:
    assert named(**deviations) == name


@pytest.mark.parametrize(("deviation", "name"), [(0.1, "Busy members"), (0.09, "Steady members 2")])
def test_where_the_plain_name_is_taken_a_faint_habit_is_told_before_a_number(deviation: float, name: str) -> None:
    assert named(("Steady members",), active_days_365d=deviation) == name
