"""Whom to thank and what members earned, as rows of lists with words ready to post, and the facts of the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import polars as pl

from community.badges import EARNED_SCHEMA, RECOGNITION_COLUMNS, newly_earned, standing
from community.recognition import (
    CONTRIBUTOR,
    HELPER,
    IMPROVED,
    KINDS,
    STREAK,
    TOOK_OFF,
    recognised,
)
from features.calendar import WEEK_DAYS
from lake.contracts import MEMBERS
from lake.member_index import scan_member_index
from lake.refusals import scan_consent
from outputs.people_lists import BADGES_LIST, RECOGNITION
from outputs.report.people_facts import Recognition
from pipeline.community.level_flow import in_order, level_flow
from pipeline.stored_nights import NIGHT, store_night
from runtime.run_context import RunContext
from wording.defaults import default_name
from wording.texts import fill

BADGES: Final = "badges"
BADGE: Final = "badge"
# The columns of a member that the sentences of a kind speak of.
_SPOKEN: Final[Mapping[str, tuple[str, ...]]] = {
    CONTRIBUTOR: ("contributions_7d", "people_reached_7d"),
    TOOK_OFF: ("contributions_7d", "people_reached_7d"),
    HELPER: ("newcomers_helped_7d",),
    IMPROVED: ("contributions_7d", "contributions_56d"),
    STREAK: ("streak_weeks",),
    BADGE: ("label",),
}

# The column without which a sentence is a shorter one.
_ALONE: Final = {CONTRIBUTOR: "people_reached_7d", TOOK_OFF: "people_reached_7d", IMPROVED: "contributions_56d"}


def recognition_rows(run: RunContext, people: pl.DataFrame | None, earned: pl.DataFrame) -> pl.DataFrame:
    """Return whom to thank: rows of `recognition.csv`, by kind and the best first; none in a community where nobody contributes.

    Args:
        run: The run.
        people: As `measure_contributions` returns it.
        earned: Badges as `earn_badges` returns them.
    """
    thanked = pl.DataFrame(schema={"member_no": pl.Int32, "kind": pl.String})
    if people is not None:
        thanked = recognised(people, as_of=run.as_of, policy=run.settings.recognition)
    rows = pl.concat([thanked, _badges_of_week(run, earned)], how="diagonal_relaxed")
    named = rows.lazy().join(_names(run), on="member_no", how="left", maintain_order="left").collect(engine="streaming")
    sentences = [_sentence(row) for row in named.iter_rows(named=True)]
    return named.select(
        pl.lit(run.as_of).alias("as_of"),
        "member_id",
        "display_name",
        "kind",
        pl.Series("reason", sentences, dtype=pl.String),
        "on_board",
    )


def earn_badges(run: RunContext, known: pl.DataFrame, people: pl.DataFrame | None) -> pl.DataFrame:
    """Store what is earned tonight for the first time, and return all that members hold by the night: `EARNED_SCHEMA`.

    Args:
        run: The run.
        known: One row per member seen by the night with the columns of audiences, and can_profile.
        people: As `measure_contributions` returns it.
    """
    lake, badges = run.workspace.lake, run.settings.badges
    if not badges:
        return pl.DataFrame(schema=EARNED_SCHEMA)
    profiled = known.filter(pl.col("can_profile").fill_null(value=True))
    earlier = lake.scan_or_empty(BADGES, EARNED_SCHEMA).filter(pl.col(NIGHT) < run.as_of).collect()
    earlier = earlier.join(profiled.select("member_no"), on="member_no", how="semi")
    rows = newly_earned(_with_contributions(profiled, people), badges, earlier)
    tonight = rows.select(pl.lit(run.as_of).alias(NIGHT), "member_no", "badge")
    if tonight.height or run.as_of in lake.days(BADGES, column=NIGHT):
        store_night(lake, BADGES, tonight, run.as_of)
    return pl.concat([earlier.select(list(EARNED_SCHEMA)), tonight]).sort(NIGHT, "member_no", "badge")


def badge_rows(run: RunContext, earned: pl.DataFrame) -> pl.DataFrame:
    """Return what members hold: rows of `badges.csv`, most points first."""
    settings = run.settings
    badges = [badge.model_copy(update={"label": default_name(badge.label)}) for badge in settings.badges]
    levels = {default_name(level): points for level, points in settings.recognition.levels.items()}
    held = standing(earned, badges, levels)
    named = held.lazy().join(_names(run), on="member_no", how="left", maintain_order="left").collect(engine="streaming")
    labels = pl.col("badges").list.join(fill("listing.between"))
    return named.select(
        pl.lit(run.as_of).alias("as_of"),
        "member_id",
        "display_name",
        "points",
        "level",
        labels,
    )


def recognition_facts(
    run: RunContext, people: pl.DataFrame | None, rows: pl.DataFrame, earned: pl.DataFrame
) -> Recognition | None:
    """Return what the report says of recognition; None where there is nobody to thank.

    Args:
        run: The run.
        people: As `measure_contributions` returns it.
        rows: As `recognition_rows` returns them.
        earned: As `earn_badges` returns them.
    """
    if people is None or rows.is_empty():
        return None
    folder = f"../lists/{run.as_of.isoformat()}"
    thanked = dict(rows.group_by("kind").len().iter_rows())
    now = standing(earned, run.settings.badges, run.settings.recognition.levels)
    counted = dict(now.drop_nulls("level").group_by("level").len().iter_rows())
    highest_first = reversed(in_order(run.settings.recognition.levels))
    return Recognition(
        contributors=people.filter(pl.col("contributions_7d") > 0).height,
        contributions=int(people["contributions_7d"].sum()),
        not_counted=int(people["contributions_7d"].sum()) - int(people["earned_7d"].sum()),
        thanked=tuple((kind, thanked[kind]) for kind in (*KINDS, BADGE) if kind in thanked),
        levels=tuple((level, counted[level]) for level in highest_first if level in counted),
        flow=level_flow(run, earned),
        path=f"{folder}/{RECOGNITION}.xlsx",
        badges_path=f"{folder}/{BADGES_LIST}.xlsx" if now.height else None,
        board_path=f"{folder}/board.html" if rows["on_board"].any() else None,
        on_board=rows.filter("on_board")["member_id"].n_unique(),
    )


def _badges_of_week(run: RunContext, earned: pl.DataFrame) -> pl.DataFrame:
    """Return the badges earned within the week, the most points first; those of the first night of all are no news."""
    badges = {badge.name: badge for badge in run.settings.badges}
    fresh = earned.filter(
        pl.col(NIGHT) > run.as_of - timedelta(days=WEEK_DAYS), pl.col(NIGHT) > pl.lit(earned[NIGHT].min(), pl.Date)
    ).filter(pl.col("badge").is_in(list(badges)))
    points = pl.col("badge").replace_strict({name: badge.points for name, badge in badges.items()}, return_dtype=pl.Int64)
    label = pl.col("badge").replace_strict(
        {name: default_name(badge.label) for name, badge in badges.items()}, return_dtype=pl.String
    )
    rows = fresh.with_columns(points=points, label=label).sort(["points", NIGHT, "member_no"], descending=[True, True, False])
    return rows.head(run.settings.recognition.most_named).select("member_no", "label", kind=pl.lit(BADGE))


def _with_contributions(known: pl.DataFrame, people: pl.DataFrame | None) -> pl.DataFrame:
    if people is None:
        return known.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in RECOGNITION_COLUMNS.items())
    measured = people.select("member_no", *(pl.col(name).cast(dtype) for name, dtype in RECOGNITION_COLUMNS.items()))
    return known.join(measured, on="member_no", how="left", maintain_order="left", validate="1:1")


def _names(run: RunContext) -> pl.LazyFrame:
    """Scan how members are called, and whether they agreed to be shown: one row per member of the index.

    Shown is only who said yes to it, has a name, and has not refused it in any source.
    """
    lake = run.workspace.lake
    recorded = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", "display_name", "can_show")
    refused = scan_consent(lake).filter(pl.col("can_show").eq(other=False)).select("member_id", refused=pl.lit(value=True))
    known = scan_member_index(lake).join(recorded, on="member_id", how="left").join(refused, on="member_id", how="left")
    agreed = pl.col("can_show").fill_null(value=False) & pl.col("refused").is_null()
    is_named = pl.col("display_name").str.strip_chars().str.len_bytes().fill_null(0) > 0
    return known.select("member_no", "member_id", "display_name", on_board=agreed & is_named)


def _sentence(row: Mapping[str, Any]) -> str:
    """Say what a member is thanked for, in words ready to post."""
    kind = row["kind"]
    values = {name: row[name] for name in _SPOKEN[kind]}
    # Where nobody responds to anybody, or nobody has yet, there is nothing to say of it; nor of a past without contributions.
    alone = kind in _ALONE and not row[_ALONE[kind]]
    return fill(f"thanks.{kind}.alone" if alone else f"thanks.{kind}", **values)
