"""What members contributed lately, read from the lake: the measures that recognition and the rules of badges read."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from community.recognition import (
    HELPED_DAYS,
    STREAK_WEEKS,
    contributors_of_week,
    find_bursts,
    helpers,
    improvement,
    streaks,
)
from features.calendar import WEEK_DAYS
from features.history import EVENT_PREFIX
from lake.contracts import CONTENT, EVENTS, Table
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from pipeline.history.consent import consenting, of_profiled
from pipeline.history.recent_rollups import RecentRollups
from runtime.run_context import RunContext

_OWN_CONTENT: Final = "content"
_MOMENTS_SCHEMA: Final = {"member_no": pl.Int32(), DAY: pl.Date(), "occurred_at": pl.Datetime("us", "UTC")}


def measure_contributions(run: RunContext, seen: pl.DataFrame, rollups: RecentRollups) -> pl.DataFrame | None:
    """Return what members contributed lately: one row per member who may be profiled, sorted by member_no.

    None where nobody contributed in `STREAK_WEEKS` weeks, as in a shop.

    Args:
        run: The run.
        seen: One row per member seen by the night: member_no, can_profile, seen_from.
        rollups: The daily rollups.

    Returns:
        member_no, joined_on, and what `recognised` and the rules of badges read.
    """
    posts, ties = _posts(run, rollups)
    if posts.is_empty():
        return None
    as_of, policy = run.as_of, run.settings.recognition
    week = contributors_of_week(posts, find_bursts(_moments_of_week(run)), ties, as_of=as_of, policy=policy)
    profiled = seen.filter(pl.col("can_profile").fill_null(value=True))
    joined = profiled.select("member_no", joined_on="seen_from").sort("member_no")
    measured = [
        week,
        improvement(posts, week, as_of=as_of, policy=policy),
        streaks(posts, as_of=as_of),
        *(
            helpers(ties, joined, as_of=as_of, days=days).rename({"newcomers_helped": f"newcomers_helped_{days}d"})
            for days in (WEEK_DAYS, HELPED_DAYS)
        ),
    ]
    for columns in measured:
        joined = joined.join(columns, on="member_no", how="left", maintain_order="left", validate="1:1")
    return joined


def _posts(run: RunContext, rollups: RecentRollups) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return contributions, one row per member_no and event_date with n, and the ties of the newest weeks."""
    as_of = run.as_of
    posting = [EVENT_PREFIX + name for name in run.settings.community.posting_events]
    in_weeks = pl.col(DAY).is_between(as_of - timedelta(days=STREAK_WEEKS * WEEK_DAYS - 1), as_of)
    in_window = pl.col(DAY).is_between(as_of - timedelta(days=HELPED_DAYS - 1), as_of)
    daily, ties = consenting(
        rollups.daily.filter(in_weeks, pl.col("activity").is_in([_OWN_CONTENT, *posting])),
        rollups.ties.filter(in_window),
        not_profiled=rollups.not_profiled,
    )
    is_content, n = pl.col("activity") == _OWN_CONTENT, pl.col("n").cast(pl.Int64)
    # A piece of content often arrives as an event, too; their sum would count it twice.
    most = pl.max_horizontal(n.filter(is_content).sum(), n.filter(~is_content).sum())
    posts = daily.group_by("member_no", DAY).agg(n=most).sort("member_no", DAY)
    return posts.collect(engine="streaming"), ties.collect(engine="streaming")


def _moments_of_week(run: RunContext) -> pl.DataFrame:
    """Return when members contributed in the week, by events or, in a community without such events, by content."""
    posting = pl.col("event_type").is_in(list(run.settings.community.posting_events))
    events = _moments(run, EVENTS, posting)
    return events if events.height else _moments(run, CONTENT, pl.lit(value=True))


def _moments(run: RunContext, table: Table, is_wanted: pl.Expr) -> pl.DataFrame:
    lake = run.workspace.lake
    if not lake.exists(table.name):
        return pl.DataFrame(schema=_MOMENTS_SCHEMA)
    in_week = pl.col(DAY).is_between(run.as_of - timedelta(days=WEEK_DAYS - 1), run.as_of)
    rows = of_profiled(lake, table).filter(in_week, is_wanted).rename({table.owner: "member_id"}, strict=False)
    known = rows.join(scan_member_index(lake), on="member_id")
    return known.select("member_no", DAY, occurred_at=pl.col(table.time or "")).collect(engine="streaming")
