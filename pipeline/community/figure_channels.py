"""Count the figures of channels, from the events of the days and of the 30 before: the rollups do not keep the channel.

A channel is where an event happened, so a member is in as many as they were active in; other dimensions are groups of members.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from community.figures import (
    ACTIVE_WINDOWS,
    GROUPS_SCHEMA,
    MONTH_DAYS,
    WHOLE,
    Days,
    count_points,
    count_spans,
    named,
    window_spans,
    window_sums,
)
from lake.contracts import EVENTS
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from pipeline.community.figure_members import FigureMembers
from runtime.run_context import RunContext

# Of a day, the channels with the most members in 30 days: a community may have thousands, and nobody reads their figures.
MOST_CHANNELS: Final = 50
_RANKED_BY: Final = "mau"
# Figure of members → the kind of events of which they have one on the day.
_PEOPLE: Final = (("readers", "reads"), ("commenters", "comments"), ("contributors", "posts"), ("leaves", "leavings"))


def count_channels(run: RunContext, days: Days, members: FigureMembers) -> list[pl.DataFrame]:
    """Return what is counted of each channel, as frames of rows of `community.figures.COUNTS_SCHEMA`; none without channels.

    Args:
        run: The run.
        days: The days.
        members: The members.
    """
    lake = run.workspace.lake
    if not lake.exists(EVENTS.name) or "channel" not in lake.filled_columns(EVENTS.name):
        return []
    rows = _rows(run, days, members)
    # A member counts once in each channel: pairs of member and channel are counted as members are elsewhere.
    pairs = rows.select("member", "channel").unique().with_row_index("member_no").with_columns(pl.col("member_no").cast(pl.Int32))
    numbered = rows.join(pairs, on=["member", "channel"])
    always = pl.lit(None, pl.Date())
    dimension = "channel=" + pl.col("channel").cast(pl.String)
    groups = pairs.select("member_no", dimension=dimension, since=always, until=always).cast(GROUPS_SCHEMA)
    points, spans = _facts(numbered, days)
    counted = pl.concat([count_points(points, groups), count_spans(spans, groups, days)])
    in_channels = counted.filter(pl.col("dimension") != WHOLE)
    return [in_channels.join(_largest(in_channels), on=["day", "dimension"], how="semi")]


def _rows(run: RunContext, days: Days, members: FigureMembers) -> pl.DataFrame:
    """Return one row per member, channel and day: how many events, and how many of each kind."""
    community, lake = run.settings.community, run.workspace.lake
    kinds = {
        "posts": community.posting_events,
        "reads": community.reading_events,
        "shares": community.sharing_events,
        "comments": community.commenting_events,
        "leavings": community.leaving_events,
    }
    numbers = scan_member_index(lake).join(members.counted.lazy().select("member_no"), on="member_no", how="semi")
    rows = (
        lake.scan(EVENTS.name)
        .filter(pl.col(DAY).is_between(days.first_read, days.last), pl.col("channel") != "")
        .join(numbers, on="member_id")
        # Integers are grouped several times faster than texts.
        .select(pl.col("channel").cast(pl.Categorical()), member="member_no", day=DAY, kind="event_type")
        .group_by("member", "channel", "day")
        .agg(pl.col("kind").is_in(list(names)).sum().cast(pl.Int64).alias(name) for name, names in kinds.items())
    )
    return rows.collect(engine="streaming")


def _facts(rows: pl.DataFrame, days: Days) -> tuple[pl.DataFrame, pl.DataFrame]:
    def of(kind: str, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(pl.col(kind) > 0).select("member_no", "day", n=kind)

    def who(kind: str, rows: pl.DataFrame) -> pl.DataFrame:
        return of(kind, rows).drop("n")

    asked = rows.filter(days.include())
    points = [
        *(named(kind, of(kind, asked)) for kind in ("reads", "shares", "comments")),
        *(named(figure, who(kind, asked)) for figure, kind in _PEOPLE),
    ]
    active = rows.select("member_no", "day")
    spans = [
        *(window_spans(active, name, window_days=width, first=days.first) for name, width in ACTIVE_WINDOWS.items()),
        window_spans(who("posts", rows), "contributors_30d", window_days=MONTH_DAYS),
        window_spans(who("leavings", rows), "leaves_30d", window_days=MONTH_DAYS),
        *(window_sums(named(f"{kind}_30d", of(kind, rows)), window_days=MONTH_DAYS) for kind in ("reads", "shares", "comments")),
    ]
    return pl.concat(points), pl.concat(spans)


def _largest(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the channels of each day that are shown: rows of day and dimension."""
    members = counts.filter(pl.col("figure") == _RANKED_BY, pl.col("n") > 0).sort("n", "dimension", descending=[True, False])
    return members.group_by("day", maintain_order=True).head(MOST_CHANNELS).select("day", "dimension")
