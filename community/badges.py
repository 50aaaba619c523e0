"""Badges, points and levels: what members earned by rules in the configuration.

A badge is earned on the first night its rule holds, and stays: points never shrink, and nobody loses a level by a quiet month.
Since a badge is earned once, repeating what earned it brings nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.conditions import MEMBER_COLUMNS, check_condition, holds

# What a rule may read besides the columns of an audience.
RECOGNITION_COLUMNS: Final[Mapping[str, pl.DataType]] = {
    "contributions_7d": pl.Int64(),
    "earned_7d": pl.Int64(),
    "people_reached_7d": pl.Int64(),
    "streak_weeks": pl.Int64(),
    "newcomers_helped_28d": pl.Int64(),
}
BADGE_COLUMNS: Final[Mapping[str, pl.DataType]] = {**MEMBER_COLUMNS, **RECOGNITION_COLUMNS}
EARNED_SCHEMA: Final = pl.Schema({"as_of": pl.Date(), "member_no": pl.Int32(), "badge": pl.String()})
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


class Badge(BaseModel):
    """One of `[[badges]]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Lower-case letters, digits and `_`; a badge keeps its name, by which it is remembered.")
    label: str = Field(min_length=1, description="What members and operators call it.")
    rule: str = Field(description="Who earns it: a Polars SQL condition over the member, such as `posts_365d >= 10`.")
    points: int = Field(default=0, ge=0, description="What it is worth.")

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("a badge's name has lower-case letters, digits and `_`, and begins with a letter")
        return name

    @model_validator(mode="after")
    def _readable(self) -> Self:
        check_condition(self.rule, BADGE_COLUMNS, named=f"badge {self.name!r}: the rule")
        return self


def check_badges(badges: Sequence[Badge], levels: Mapping[str, int]) -> None:
    """Refuse two badges of one name, and levels that nobody can tell apart or reach.

    Raises:
        ValueError: Two badges share a name, two levels begin at the same points, or a level needs more points than there are.
    """
    names = [badge.name for badge in badges]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two badges are called {name!r}; give each a name of its own")
    if len(set(levels.values())) < len(levels):
        raise ValueError("two levels begin at the same points; give each its own")
    most = sum(badge.points for badge in badges)
    for level, points in levels.items():
        if points > most:
            raise ValueError(f"nobody can reach the level {level!r} of {points} points: all badges together are worth {most}")


def newly_earned(people: pl.DataFrame, badges: Sequence[Badge], earned: pl.DataFrame) -> pl.DataFrame:
    """Return what is earned tonight for the first time: one row per member_no and badge, sorted.

    Args:
        people: One row per member with member_no and `BADGE_COLUMNS`; what is not known is null; a rule on null never holds.
        badges: The badges.
        earned: Those of earlier nights: member_no, badge.
    """
    held = [people.filter(holds(badge.rule, of="member_no")).select("member_no", badge=pl.lit(badge.name)) for badge in badges]
    columns = {name: EARNED_SCHEMA[name] for name in ("member_no", "badge")}
    rows = pl.concat([pl.DataFrame(schema=columns), *held])
    return rows.join(earned, on=["member_no", "badge"], how="anti").sort("member_no", "badge")


def standing(earned: pl.DataFrame, badges: Sequence[Badge], levels: Mapping[str, int]) -> pl.DataFrame:
    """Return what members have: one row per member with any badge, most points first.

    Args:
        earned: One row per member_no and badge; a badge that the configuration no longer has counts nothing.
        badges: The badges; their order is the order in which a member's are named.
        levels: Level → points from which a member has it.

    Returns:
        member_no, points, level (null below the first, and without levels), badges (labels).
    """
    known = _known(badges).with_columns(place=pl.int_range(pl.len()))
    by_member = (
        earned.unique(["member_no", "badge"])
        .join(known, on="badge")
        .sort("member_no", "place")
        .group_by("member_no", maintain_order=True)
        .agg(pl.col("points").sum(), badges=pl.col("label"))
    )
    with_level = by_member.with_columns(level=_level(levels)).select("member_no", "points", "level", "badges")
    return with_level.sort(["points", "member_no"], descending=[True, False])


def levels_held(earned: pl.DataFrame, badges: Sequence[Badge], levels: Mapping[str, int]) -> pl.DataFrame:
    """Return the level of each member with any badge: member_no, level (null below the first), in any order.

    Args:
        earned: One row per member_no and badge.
        badges: The badges.
        levels: Level → points from which a member has it.
    """
    points = (
        earned.unique(["member_no", "badge"]).join(_known(badges), on="badge").group_by("member_no").agg(pl.col("points").sum())
    )
    return points.select("member_no", level=_level(levels))


def levels_since(earned: pl.DataFrame, badges: Sequence[Badge], levels: Mapping[str, int]) -> pl.DataFrame:
    """Return since when members have the level that they have: one row per member with any, sorted by member_no.

    Args:
        earned: One row per member_no and badge, with the night it was earned.
        badges: The badges.
        levels: Level → points from which a member has it.

    Returns:
        member_no, level, level_since (the night on which its points were reached).
    """
    # A night that was filled in later may have stored a badge again, on an earlier night.
    once = earned.group_by("member_no", "badge").agg(pl.col("as_of").min())
    by_night = once.join(_known(badges), on="badge").group_by("member_no", "as_of").agg(pl.col("points").sum())
    summed = by_night.sort("member_no", "as_of").with_columns(pl.col("points").cum_sum().over("member_no"))
    with_level = summed.with_columns(level=_level(levels)).drop_nulls("level")
    # Points never shrink, so that the level of the last night is the one that a member has.
    is_last = pl.col("level") == pl.col("level").last().over("member_no")
    since = with_level.filter(is_last).group_by("member_no").agg(pl.col("level").first(), level_since=pl.col("as_of").min())
    return since.sort("member_no")


def _known(badges: Sequence[Badge]) -> pl.DataFrame:
    """Return the badges of the configuration, in their order: badge, label, points."""
    rows = [(badge.name, badge.label, badge.points) for badge in badges]
    return pl.DataFrame(rows, schema={"badge": pl.String, "label": pl.String, "points": pl.Int64}, orient="row")


def _level(levels: Mapping[str, int]) -> pl.Expr:
    """Return the level of as many `points`; null below the first, and without levels."""
    level = pl.lit(None, pl.String)
    for name, points in sorted(levels.items(), key=lambda one: one[1]):
        level = pl.when(pl.col("points") >= points).then(pl.lit(name)).otherwise(level)
    return level
