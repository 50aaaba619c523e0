"""The way of newcomers read from the lake, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from community.journey import (
    ANSWERED,
    POSTED,
    READ,
    STAYED,
    Retention,
    first_day_needed,
    funnel,
    retention_by,
    stages_seen,
    way_of_members,
)
from community.proportions import difference
from features.history import EVENT_PREFIX, is_activity
from lake.contracts import MEMBERS
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from outputs.report.people_facts import Invited, Newcomers
from pipeline.history.consent import consenting
from pipeline.history.recent_rollups import RecentRollups
from runtime.run_context import RunContext

_SOURCES_SHOWN: Final = 8
_RECEIVED: Final = "received"
_OTHER: Final = "other"
_OWN_CONTENT: Final = "content"


def newcomer_facts(run: RunContext, seen: pl.DataFrame, members: pl.DataFrame, rollups: RecentRollups) -> Newcomers | None:
    """Return how far newcomers come, who stays, and how many are silent; None where the data tell nothing of it.

    Args:
        run: The run.
        seen: One row per member seen by the night: member_no, member_id, can_profile, seen_from, referrer_no.
        members: One row per segmented member.
        rollups: The daily rollups.
    """
    first = first_day_needed(run.as_of)
    profiled = pl.col("can_profile").fill_null(value=True)
    joined = seen.filter(profiled, pl.col("seen_from") >= first).select("member_no", "referrer_no", joined_on="seen_from")
    way = way_of_members(joined.select("member_no", "joined_on"), _kinds_of_days(run, rollups), as_of=run.as_of)
    active, silent = _silent(members)
    found = funnel(way, as_of=run.as_of, shown=stages_seen(way))
    if found is None and silent is None:
        return None
    return Newcomers(
        funnel=found,
        by_source=_by_source(run, way),
        invited=_invited(way, joined),
        active=active,
        silent=silent,
    )


def _kinds_of_days(run: RunContext, rollups: RecentRollups) -> pl.LazyFrame:
    """Scan what members did and received: one row per member, day and activity, with its kind."""
    community = run.settings.community
    in_window = pl.col(DAY).is_between(first_day_needed(run.as_of), run.as_of)
    daily, _ = consenting(rollups.daily.filter(in_window), rollups.ties.filter(in_window), not_profiled=rollups.not_profiled)
    activity = pl.col("activity")
    kind = (
        pl.when(activity.is_in([_OWN_CONTENT, *_events(community.posting_events)]))
        .then(pl.lit(POSTED))
        .when(activity.is_in(_events(community.reading_events)))
        .then(pl.lit(READ))
        .when(activity == _RECEIVED)
        .then(pl.lit(ANSWERED))
        .when(is_activity())
        .then(pl.lit(_OTHER))
    )
    # The few kinds as numbers: millions of rows carry them.
    return daily.select("member_no", DAY, kind=kind.cast(pl.Enum([POSTED, READ, ANSWERED, _OTHER]))).drop_nulls("kind")


def _events(names: Sequence[str]) -> list[str]:
    return [EVENT_PREFIX + name for name in names]


def _by_source(run: RunContext, way: pl.DataFrame) -> tuple[Retention, ...]:
    lake = run.workspace.lake
    sources = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", name="join_source")
    named = sources.drop_nulls("name").join(scan_member_index(lake), on="member_id").select("member_no", "name")
    return retention_by(way, named.collect(engine="streaming"), most=_SOURCES_SHOWN)


def _invited(way: pl.DataFrame, joined: pl.DataFrame) -> Invited | None:
    """Compare those whom a member brought with the others; None where nobody was brought, or everybody."""
    referred = joined.filter(pl.col("referrer_no").is_not_null(), pl.col("referrer_no") != pl.col("member_no"))
    brought = way.join(referred, on="member_no", how="semi")
    others = way.join(referred, on="member_no", how="anti")
    if brought.is_empty() or others.is_empty():
        return None
    counts = [(int(group[STAYED].sum()), group.height) for group in (brought, others)]
    return Invited(brought.height, counts[0][0] / counts[0][1], counts[1][0] / counts[1][1], difference(*counts[0], *counts[1]))


def _silent(members: pl.DataFrame) -> tuple[int, int | None]:
    """Return who was active in 28 days, and how many of them wrote nothing in a year; None where nothing can be written."""
    active = members.filter(pl.col("active_days_28d") > 0)
    if members["posts_365d"].null_count() == members.height:
        return active.height, None
    return active.height, active.filter(pl.col("posts_365d") == 0).height
