"""The opinion leaders of a night, what is lost when one of them leaves, and the contributor absence factor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from community.absence import PERIOD_DAYS, PERIODS, Absence, absence_trend
from features.eligibility import is_eligible
from features.history import EVENT_PREFIX, History
from pipeline.community.network_window import network_policy
from pipeline.execution.executor import Features
from pipeline.scoring import posts
from runtime.run_context import RunContext

if TYPE_CHECKING:
    from community.leaders import Team
    from features.network.graph import Network

_CONTENT: Final = "content"
_YEAR_DAYS: Final = 365


@dataclass(frozen=True)
class Leader:
    """What is lost when one opinion leader leaves.

    Args:
        alone: Members whom nobody else of the team reaches.
        posts_share: Share of what all members posted in a year; None where nothing is posted.
        given_share: Share of all responses to other members in a year; None where they are not counted.
    """

    alone: int
    posts_share: float | None
    given_share: float | None


def read_activity(run: RunContext, features: Features) -> pl.DataFrame:
    """Return what features know of each member's activity.

    One row per member: member_no, is_compared (active within the network's window), is_eligible, posts and given in a year
    (null where the community has none).

    Args:
        run: The run.
        features: The features of the night.
    """
    columns = features.rows.collect_schema().names()
    given = pl.col("given_count_365d") if "given_count_365d" in columns else pl.lit(None)
    within_window = pl.col("days_since_last_activity") < network_policy(run).window_days
    return features.rows.select(
        "member_no",
        is_compared=within_window.fill_null(value=False),
        is_eligible=is_eligible(run.settings.churn.eligible_days),
        posts=posts(columns, run.settings.community.posting_events, days=_YEAR_DAYS),
        given=given.cast(pl.Int64),
    ).collect()


def of_members(activity: pl.DataFrame, network: Network) -> pl.DataFrame:
    """Return the activity of the members of a network, in the order of their positions.

    Args:
        activity: One row per member, as `read_activity` returns it.
        network: The network.
    """
    numbers = pl.DataFrame([pl.Series("member_no", network.members, dtype=pl.Int32)])
    known = numbers.join(activity, on="member_no", how="left", maintain_order="left", validate="1:1")
    return known.with_columns(pl.col("is_compared", "is_eligible").fill_null(value=False))


def choose_leaders(run: RunContext, network: Network, known: pl.DataFrame) -> Team:
    """Choose the opinion leaders among those who are scored: who is gone cannot be asked for anything.

    Args:
        run: The run.
        network: The network.
        known: The activity of its members, in the order of their positions.
    """
    from community.leaders import choose_team

    candidates = known["is_eligible"].arg_true().to_numpy()
    return choose_team(network, candidates, most=run.settings.network.leaders)


def what_is_lost(activity: pl.DataFrame, known: pl.DataFrame, team: Team) -> tuple[Leader, ...]:
    """Return what is lost when one of the leaders leaves, in the order of the team.

    Args:
        activity: The activity of all members.
        known: The activity of the members of the network, in the order of their positions.
        team: The leaders.
    """
    totals = activity.select(pl.col("posts", "given").sum()).row(0, named=True)
    rows = known.select("posts", "given").rows(named=True)
    return tuple(
        Leader(alone, *(_share(rows[position][of], totals[of]) for of in ("posts", "given")))
        for position, alone in zip(team.positions, team.alone, strict=True)
    )


def measure_absence(run: RunContext, history: History) -> tuple[Absence, ...]:
    """Measure the contributor absence factor of the last periods, by pieces of content or posting events, whichever are more.

    Args:
        run: The run.
        history: The history.
    """
    first = run.as_of - timedelta(days=PERIOD_DAYS * PERIODS - 1)
    events = [f"{EVENT_PREFIX}{name}" for name in run.settings.community.posting_events]
    is_content = pl.col("activity") == _CONTENT
    ago = (pl.lit(run.as_of) - pl.col("event_date")).dt.total_days() // PERIOD_DAYS
    # Counted by period here already: a large community has many times as many rows by day.
    last_day = pl.lit(run.as_of) - pl.duration(days=ago * PERIOD_DAYS)
    made = (
        history.daily.filter(pl.col("event_date").is_between(first, run.as_of), is_content | pl.col("activity").is_in(events))
        .select("member_no", "activity", "n", event_date=last_day)
        .group_by("event_date", "member_no")
        # A piece of content often arrives as an event, too; their sum would count it twice.
        .agg(n=pl.max_horizontal(pl.col("n").filter(is_content).sum(), pl.col("n").filter(~is_content).sum()))
        .collect(engine="streaming")
    )
    return absence_trend(made, as_of=run.as_of)


def _share(part: int | None, whole: int | None) -> float | None:
    return (part or 0) / whole if whole else None
