"""The way of newcomers: who joined reads, posts, is answered and stays, and where people fall out.

A cohort joined within 28 days, and everybody of it is followed for 56: the first 28 days show how far they came, the 28 days
after those whether they stayed. The newest cohort that can be told therefore joined 55 to 82 days before the night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import polars as pl

from community.proportions import Estimate, difference, shrunk

STAGE_DAYS: Final = 28
JOINED: Final = "joined"
READ: Final = "read"
POSTED: Final = "posted"
ANSWERED: Final = "answered"
STAYED: Final = "stayed"
STAGES: Final = (JOINED, READ, POSTED, ANSWERED, STAYED)
# Retention by how members came is measured over so many days of joining.
RETENTION_DAYS: Final = 182
# The shares of a smaller cohort, and of fewer who wrote, say nothing.
LEAST_JOINED: Final = 10
_LEAST_WROTE: Final = 5
_LAST_JOINED_DAYS_AGO: Final = 2 * STAGE_DAYS - 1


@dataclass(frozen=True)
class Stage:
    """One stage of the way.

    Args:
        name: One of `STAGES`.
        members: How many of the cohort came as far, the stages before included.
        share: Of those who came to the stage before; 1 for the first, None after a stage that nobody reached.
        earlier_share: The same of the cohort before; None where it is too small.
        change: `share` less `earlier_share` with its interval; None where one is missing.
    """

    name: str
    members: int
    share: float | None
    earlier_share: float | None = None
    change: Estimate | None = None


@dataclass(frozen=True)
class Funnel:
    """How far the newest cohort came.

    Args:
        joined_from: The first day of joining.
        joined_until: The last.
        stages: The stages that the data can show, in order.
        stayed_answered: Of those answered, the share that stayed; None where they were fewer than five, or none can be seen.
        stayed_unanswered: The same of those who posted and were not answered.
    """

    joined_from: date
    joined_until: date
    stages: tuple[Stage, ...]
    stayed_answered: float | None = None
    stayed_unanswered: float | None = None

    @property
    def worst(self) -> tuple[Stage, Stage] | None:
        """Return the two neighbouring stages between which most people were lost; None where nobody was."""
        pairs = [(a, b) for a, b in pairwise(self.stages) if a.members > b.members]
        return max(pairs, key=lambda pair: pair[0].members - pair[1].members, default=None)


@dataclass(frozen=True)
class Retention:
    """How many of those who came in one way stayed.

    Args:
        name: The way they came.
        members: Members who joined in it.
        stayed: The share that stayed, drawn towards that of all.
    """

    name: str
    members: int
    stayed: Estimate


def first_day_needed(as_of: date) -> date:
    """Return the first day of joining, and of activity, that the way of newcomers reads."""
    return as_of - timedelta(days=_LAST_JOINED_DAYS_AGO + RETENTION_DAYS - 1)


def way_of_members(joined: pl.DataFrame, days: pl.LazyFrame, *, as_of: date) -> pl.DataFrame:
    """Return how far each member came: one row per member whose first 56 days are over, sorted by member_no.

    Args:
        joined: One row per member: member_no, joined_on.
        days: Rows of member_no, event_date and kind (read, posted, answered, or another activity of their own), in any order
            and as often as it occurs, those of other members among them.
        as_of: The night.

    Returns:
        member_no, joined_on, whether the member read, posted, answered (was answered after the first post) and stayed, and
        is_reader: whether reading itself was seen, as a member who posted counts as having read.
    """
    followed = joined.filter(pl.col("joined_on") <= as_of - timedelta(days=_LAST_JOINED_DAYS_AGO))
    age = (pl.col("event_date") - pl.col("joined_on")).dt.total_days()
    in_reach = pl.col("age").is_between(0, 2 * STAGE_DAYS - 1)
    known = days.join(followed.lazy(), on="member_no").with_columns(age=age).filter(in_reach)
    at_first, kind = pl.col("age") < STAGE_DAYS, pl.col("kind")
    first_post = pl.col("age").filter(at_first & (kind == POSTED)).min()
    reached = known.group_by("member_no").agg(
        is_reader=(at_first & (kind == READ)).any(),
        posted=(at_first & (kind == POSTED)).any(),
        answered=(pl.col("age").filter(at_first & (kind == ANSWERED)).max() >= first_post).fill_null(value=False),
        stayed=(~at_first & (kind != ANSWERED)).any(),
    )
    flags = pl.col("is_reader", POSTED, ANSWERED, STAYED).fill_null(value=False)
    with_flags = followed.lazy().join(reached, on="member_no", how="left").with_columns(flags)
    return with_flags.with_columns(read=pl.col("is_reader") | pl.col(POSTED)).sort("member_no").collect(engine="streaming")


def stages_seen(way: pl.DataFrame) -> frozenset[str]:
    """Return the stages between joining and staying that the data can show: those that anybody reached."""
    seen = {READ: "is_reader", POSTED: POSTED, ANSWERED: ANSWERED}
    return frozenset(stage for stage, column in seen.items() if way[column].any())


def funnel(way: pl.DataFrame, *, as_of: date, shown: frozenset[str]) -> Funnel | None:
    """Return how far the newest cohort came beside the cohort before; None where fewer than `LEAST_JOINED` joined.

    Args:
        way: As `way_of_members` returns it.
        as_of: The night.
        shown: The stages between joining and staying that the data can show.
    """
    last = as_of - timedelta(days=_LAST_JOINED_DAYS_AGO)
    first = last - timedelta(days=STAGE_DAYS - 1)
    now = way.filter(pl.col("joined_on").is_between(first, last))
    before = way.filter(pl.col("joined_on").is_between(first - timedelta(days=STAGE_DAYS), first - timedelta(days=1)))
    if now.height < LEAST_JOINED:
        return None
    names = [name for name in STAGES if name in shown or name in (JOINED, STAYED)]
    counts, earlier = _nested_counts(now, names), _nested_counts(before, names)
    stages = [Stage(JOINED, now.height, 1.0, 1.0 if before.height >= LEAST_JOINED else None)]
    for previous, name in pairwise(names):
        stages.append(_stage(name, (counts[name], counts[previous]), (earlier[name], earlier[previous])))
    posted = now.filter(POSTED) if ANSWERED in shown else now.clear()
    return Funnel(
        first,
        last,
        tuple(stages),
        stayed_answered=_share(posted.filter(ANSWERED)[STAYED]),
        stayed_unanswered=_share(posted.filter(~pl.col(ANSWERED))[STAYED]),
    )


def _nested_counts(way: pl.DataFrame, names: Sequence[str]) -> dict[str, int]:
    """Return name → members who came as far and through every stage before."""
    counts, reached = {JOINED: way.height}, way
    for name in names[1:]:
        reached = reached.filter(pl.col(name))
        counts[name] = reached.height
    return counts


def _stage(name: str, now: tuple[int, int], before: tuple[int, int]) -> Stage:
    share = now[0] / now[1] if now[1] else None
    earlier = before[0] / before[1] if before[1] >= LEAST_JOINED else None
    change = None if share is None or earlier is None else difference(*now, *before)
    return Stage(name, now[0], share, earlier, change)


def _share(flags: pl.Series) -> float | None:
    return int(flags.sum()) / len(flags) if len(flags) >= _LEAST_WROTE else None


def retention_by(way: pl.DataFrame, ways_in: pl.DataFrame, *, most: int) -> tuple[Retention, ...]:
    """Return how many stayed by the way they came, the largest groups first.

    Args:
        way: As `way_of_members` returns it.
        ways_in: One row per member: member_no, name (null: not known, left out).
        most: The number of groups to return.
    """
    named = way.join(ways_in.drop_nulls("name"), on="member_no")
    if named.is_empty():
        return ()
    share_of_all = int(named[STAYED].sum()) / named.height
    counted = (
        named.group_by("name")
        .agg(members=pl.len(), stayed=pl.col(STAYED).sum())
        .sort(["members", "name"], descending=[True, False])
        .head(most)
    )
    return tuple(
        Retention(name, members, shrunk(stayed, members, share_of_all=share_of_all))
        for name, members, stayed in counted.iter_rows()
    )
