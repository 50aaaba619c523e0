"""What members of communities have in common: topics, channels, kinds of activity, hours, region and platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import polars as pl

from community.names import TRAIT_SCHEMA
from features.history import EVENT_PREFIX, History
from lake.contracts import TABLES
from lake.storage.delta import DAY
from pipeline.community.network_window import first_day_within, network_policy
from pipeline.history.consent import of_profiled
from runtime.run_context import RunContext

# In a large community a shorter time than the network's window tells enough, and costs less.
_MOST_EVENTS: Final = 5_000_000
PARTS: Final = {"n_night": "night", "n_morning": "morning", "n_afternoon": "afternoon", "n_evening": "evening"}
# A login says nothing of what somebody does here.
_NO_HABITS: Final = (f"{EVENT_PREFIX}login",)


def member_traits(run: RunContext, history: History, members: pl.DataFrame) -> pl.DataFrame:
    """Collect the traits of members as of the night.

    One row per member_no, kind and value; columns of `TRAIT_SCHEMA`. Topics are those of own pieces, and of pieces the member did
    something about; kind of activity and part of the day are those that a member has most.

    Args:
        run: The run.
        history: The history.
        members: One row per member_no of interest.
    """
    wanted = history.members.select("member_no", "member_id", "platform", "region").join(
        members.lazy().select("member_no"), on="member_no", how="semi"
    )
    known = wanted.collect().lazy()
    parts = [*_profile(known), *_from_content(run, history, known), *_habits(run, history, known)]
    traits = pl.concat([part.select(TRAIT_SCHEMA.names()).cast(TRAIT_SCHEMA) for part in parts])
    return traits.filter(pl.col("value").is_not_null()).unique().sort(TRAIT_SCHEMA.names()).collect(engine="streaming")


def _profile(known: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    for kind in ("region", "platform"):
        yield known.select("member_no", kind=pl.lit(kind), value=kind)


def _from_content(run: RunContext, history: History, known: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """Yield topics and channels of what members wrote or did something about."""
    lake = run.workspace.lake
    has_topics = "content.topic" in history.available
    since = run.as_of - timedelta(days=network_policy(run).window_days - 1)
    if has_topics:
        pieces = of_profiled(lake, TABLES["content"]).filter(pl.col(DAY).is_between(since, run.as_of))
        yield pieces.join(known, left_on="author_id", right_on="member_id").select(
            "member_no", kind=pl.lit("topic"), value="topic"
        )
    if "events" not in history.available:
        return
    events = (
        of_profiled(lake, TABLES["events"])
        .filter(pl.col(DAY).is_between(_first_day(run), run.as_of))
        .select("member_id", "content_id", "channel")
    )
    if has_topics and "events.content_id" in history.available:
        topics = of_profiled(lake, TABLES["content"]).filter(pl.col(DAY) <= run.as_of).select("content_id", "topic")
        about = events.select("member_id", "content_id").unique().join(known, on="member_id").join(topics, on="content_id")
        yield about.select("member_no", kind=pl.lit("topic"), value="topic")
    if "events.channel" in history.available:
        yield (
            events.select("member_id", "channel")
            .unique()
            .join(known, on="member_id")
            .select("member_no", kind=pl.lit("channel"), value="channel")
        )


def _habits(run: RunContext, history: History, known: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    recent = pl.col(DAY).is_between(_first_day(run), run.as_of)
    activity = pl.col("activity")
    own = activity.str.starts_with(EVENT_PREFIX) & ~activity.is_in(_NO_HABITS)
    daily = history.daily.filter(recent & own).join(known.select("member_no"), on="member_no", how="semi")
    sums = (
        daily.group_by("member_no", "activity").agg(pl.col("n", *PARTS).cast(pl.Int64).sum()).collect(engine="streaming").lazy()
    )
    kinds = sums.select("member_no", value=activity.str.strip_prefix(EVENT_PREFIX), n="n")
    yield _most(kinds).with_columns(kind=pl.lit("event_type"))
    parts = sums.group_by("member_no").agg(pl.col(*PARTS).sum()).rename(PARTS)
    yield _most(parts.unpivot(index="member_no", variable_name="value", value_name="n")).with_columns(kind=pl.lit("day_part"))


def _first_day(run: RunContext) -> date:
    """Return the first day of which events are read: of the network's window as much as holds so many events."""
    since = run.as_of - timedelta(days=network_policy(run).window_days - 1)
    return first_day_within(run, "events", since=since, most_rows=_MOST_EVENTS)


def _most(counted: pl.LazyFrame) -> pl.LazyFrame:
    """Return the value with the largest n of each member, the first by name of equal ones."""
    return counted.sort("member_no", "n", "value", descending=[False, True, False]).unique(
        "member_no", keep="first", maintain_order=True
    )
