from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from community.badges import (
    BADGE_COLUMNS,
    EARNED_SCHEMA,
    Badge,
    check_badges,
    levels_held,
    levels_since,
    newly_earned,
    standing,
)

WRITER = Badge(name="writer", label="Writer", rule="posts_365d >= 10", points=5)
STEADY = Badge(name="steady", label="Steady", rule="streak_weeks >= 4 AND tier <> 'regular'", points=10)
LEVELS = {"Pillar": 12, "Member": 5}


def people(*rows: dict[str, object]) -> pl.DataFrame:
    known = pl.DataFrame(rows, schema_overrides={"member_no": pl.Int32})
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in BADGE_COLUMNS.items() if name not in known.columns]
    return known.with_columns(absent)


def earned(*rows: tuple[int, str]) -> pl.DataFrame:
    known = [(date(2025, 6, 1), member, badge) for member, badge in rows]
    return pl.DataFrame(known, schema=EARNED_SCHEMA, orient="row")


def test_a_badge_is_earned_once_and_never_on_what_is_not_known() -> None:
    who = people(
        {"member_no": 2, "posts_365d": 10, "streak_weeks": 4, "tier": "gold"},
        {"member_no": 1, "posts_365d": 12, "streak_weeks": None, "tier": "gold"},
        {"member_no": 3, "posts_365d": None, "streak_weeks": 9, "tier": None},
    )
    assert newly_earned(who, [WRITER, STEADY], earned()).rows() == [(1, "writer"), (2, "steady"), (2, "writer")]
    assert newly_earned(who, [WRITER, STEADY], earned((2, "writer"))).rows() == [(1, "writer"), (2, "steady")]
    assert newly_earned(who, [], earned()).is_empty()


def test_points_make_levels_and_a_badge_that_is_gone_from_the_configuration_counts_nothing() -> None:
    held = earned((1, "writer"), (2, "steady"), (2, "writer"), (2, "writer"), (3, "old"), (4, "steady"))
    assert standing(held, [WRITER, STEADY], LEVELS).rows() == [
        (2, 15, "Pillar", ["Writer", "Steady"]),
        (4, 10, "Member", ["Steady"]),
        (1, 5, "Member", ["Writer"]),
    ]
    assert standing(held, [WRITER, STEADY], {})["level"].null_count() == 3
    assert standing(held.reverse(), [WRITER, STEADY], LEVELS).equals(standing(held, [WRITER, STEADY], LEVELS))


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from(["writer", "steady", "old"]))))
def test_a_level_is_held_since_the_first_night_with_its_points(rows: set[tuple[int, int, str]]) -> None:
    first = date(2025, 6, 1)
    nights = [first + timedelta(days=days) for days in range(10)]
    known = [(nights[day], member, badge) for day, member, badge in rows]
    held = pl.DataFrame(known, schema=EARNED_SCHEMA, orient="row")
    by_night = {
        night: dict(levels_held(held.filter(pl.col("as_of") <= night), [WRITER, STEADY], LEVELS).iter_rows()) for night in nights
    }
    now = {member: level for member, level in by_night[nights[-1]].items() if level is not None}
    slow = {(who, has, min(night for night in nights if by_night[night].get(who) == has)) for who, has in now.items()}
    assert set(levels_since(held, [WRITER, STEADY], LEVELS).rows()) == slow
    assert now == dict(standing(held, [WRITER, STEADY], LEVELS).drop_nulls("level").select("member_no", "level").iter_rows())


def test_badges_that_cannot_mean_anything_are_refused() -> None:
    for settings, says in (
        ({"name": "Writer"}, "lower-case"),
        ({"rule": "posts >= 10"}, "the rule reads posts, which members do not have"),
        ({"rule": "posts_365d"}, "is no condition"),
        ({"rule": "posts_365d >="}, "cannot be read"),
    ):
        with pytest.raises(ValidationError, match=says):
            Badge.model_validate({"name": "writer", "label": "Writer", "rule": "posts_365d >= 10"} | settings)
    for badges, levels, says in (
        ([WRITER, WRITER], {}, "two badges are called 'writer'"),
        ([WRITER], {"a": 1, "b": 1}, "two levels begin at the same points"),
        ([WRITER], {"a": 6}, "nobody can reach the level 'a'"),
    ):
        with pytest.raises(ValueError, match=says):
            check_badges(badges, levels)
