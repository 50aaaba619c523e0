"""What to show whom: for each member the pieces of content that a rule ranks first, of those they have not seen.

Three rules, the simplest first. `popular`: pieces that many members came to lately. `popular_in_topics`: the same, weighted by
how much of what the member did was on the piece's topic. `item_to_item`: pieces of those who also came to what the member came
to. Which rule a community uses is decided on its own past (`community.rule_choice`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from community.item_to_item import item_to_item_scores
from community.show_policy import ShowPolicy

Rule: TypeAlias = Literal["popular", "popular_in_topics", "item_to_item"]
# From the simplest to the least simple.
RULES: Final[tuple[Rule, ...]] = get_args(Rule)
SEEN_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "content_id": pl.String(), "event_date": pl.Date()})
PIECES_SCHEMA: Final = pl.Schema(
    {"content_id": pl.String(), "author_no": pl.Int32(), "event_date": pl.Date(), "topic": pl.String()}
)
SHOWN_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "place": pl.Int32(), "content_id": pl.String()})

# An interaction counts half after so many days: what was read a month ago is no longer what people talk about.
_HALF_LIFE_DAYS: Final = 14
# Pieces that compete: beyond these nobody came lately, and a dense row a member would not fit into memory.
_MOST_CANDIDATES: Final = 5_000
_MEMBERS_AT_ONCE: Final = 500

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Board:
    """What happened in the window of a night, numbered.

    Members and items are numbered in the order of `members` and `items`. Candidates come first among the items, the most popular
    first, so that a stable sort breaks ties by popularity.

    Args:
        members: `member_no`, sorted.
        items: `content_id` of the candidates, then of other pieces that somebody came to. Writing a piece counts as coming to it.
        candidates: How many of the items can be shown.
        popularity: Of each candidate: members who came, each counted less the longer ago.
        topics: Topic of each candidate as a number; -1 without one.
        came_member: Member of each pair of member and item, sorted by member, then item.
        came_item: Item of each pair.
        came_days: Days on which the member came to the item.
    """

    members: Ints
    items: list[str]
    candidates: int
    popularity: Floats
    topics: Ints
    came_member: Ints
    came_item: Ints
    came_days: Floats


def recommend(
    seen: pl.DataFrame, pieces: pl.DataFrame, members: pl.Series, *, rule: Rule, as_of: date, policy: ShowPolicy
) -> pl.DataFrame:
    """Choose the pieces to show to each member.

    One row per member and place, the best at place 1: member_no, place, content_id; fewer rows where fewer pieces are left. A
    piece that the member wrote, or came to on any day of the window, is never shown: it was published within the window, so
    that nobody came to it before.

    Args:
        seen: One row per member, piece and day they did anything with it: `SEEN_SCHEMA`. Days after `as_of` do not count.
        pieces: One row per piece that can be shown: `PIECES_SCHEMA`; topic null where it has none.
        members: `member_no` of the members to choose for; without duplicates.
        rule: How pieces are ranked.
        as_of: The night.
        policy: How many pieces, of which days.
    """
    return rank(make_board(seen, pieces, members, as_of=as_of, policy=policy), members, rule=rule, pieces=policy.pieces)


def rank(board: Board, members: pl.Series, *, rule: Rule, pieces: int) -> pl.DataFrame:
    """Choose the pieces to show by a board that was made before; see `recommend`.

    Args:
        board: What happened in the window.
        members: `member_no` of the members to choose for; among those the board was made for.
        rule: How pieces are ranked.
        pieces: Pieces for each member at most.
    """
    numbers = np.searchsorted(board.members, members.sort().to_numpy())
    if not board.candidates or not pieces:
        return pl.DataFrame(schema=SHOWN_SCHEMA)
    parts = [
        _best(board, numbers[start : start + _MEMBERS_AT_ONCE], rule, pieces)
        for start in range(0, len(numbers), _MEMBERS_AT_ONCE)
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=SHOWN_SCHEMA)


def make_board(seen: pl.DataFrame, pieces: pl.DataFrame, members: pl.Series, *, as_of: date, policy: ShowPolicy) -> Board:
    """Cut the window of a night out of what happened, and number members and pieces.

    Args:
        seen: As for `recommend`.
        pieces: As for `recommend`.
        members: Members to number even if they did nothing.
        as_of: The night.
        policy: The window.
    """
    is_in_window = pl.col("event_date").is_between(policy.first_day(as_of), as_of)
    fresh = pieces.filter(is_in_window).sort("content_id").unique("content_id", keep="first", maintain_order=True)
    # Who writes a piece has seen it, and is interested in it.
    wrote = fresh.select(pl.col("author_no").alias("member_no"), "content_id", "event_date").drop_nulls()
    came = (
        pl.concat([seen.filter(is_in_window).select(list(SEEN_SCHEMA)), wrote])
        .group_by("member_no", "content_id")
        .agg(days=pl.col("event_date").n_unique(), last=pl.col("event_date").max())
        .sort("member_no", "content_id")
    )
    ranked = _most_popular_first(fresh, came, as_of)
    others = came.select("content_id").unique().join(ranked, on="content_id", how="anti").sort("content_id")
    items = pl.concat([ranked["content_id"], others["content_id"]])
    number = pl.DataFrame({"content_id": items, "item": pl.int_range(len(items), dtype=pl.Int64, eager=True)})
    numbered = came.join(number, on="content_id", how="left").sort("member_no", "item")
    everyone = np.unique(np.concatenate([numbered["member_no"].to_numpy(), members.to_numpy()])).astype(np.int64)
    return Board(
        members=everyone,
        items=items.to_list(),
        candidates=ranked.height,
        popularity=ranked["popularity"].to_numpy(),
        topics=_topic_numbers(ranked["topic"]),
        came_member=np.searchsorted(everyone, numbered["member_no"].to_numpy()),
        came_item=numbered["item"].to_numpy(),
        came_days=numbered["days"].to_numpy().astype(np.float64),
    )


def _most_popular_first(fresh: pl.DataFrame, came: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Add `popularity`, and keep the most popular; of equal ones the newest comes first."""
    age_days = (pl.lit(as_of) - pl.col("last")).dt.total_days()
    # Members are counted by age first, in whole numbers, so that the sum of fractions has one order.
    by_age = came.group_by("content_id", age_days.alias("age")).agg(members=pl.len()).sort("content_id", "age")
    weight = by_age["members"].to_numpy() * 0.5 ** (by_age["age"].to_numpy() / _HALF_LIFE_DAYS)
    ids, place = np.unique(by_age["content_id"].to_numpy(), return_inverse=True)
    counted = pl.DataFrame(
        {"content_id": ids.tolist(), "popularity": np.bincount(place, weights=weight, minlength=len(ids))},
        schema={"content_id": pl.String(), "popularity": pl.Float64()},
    )
    return (
        fresh.join(counted, on="content_id", how="left")
        .with_columns(pl.col("popularity").fill_null(0.0))
        .sort("popularity", "event_date", "content_id", descending=[True, True, False])
        .head(_MOST_CANDIDATES)
    )


def _topic_numbers(topics: pl.Series) -> Ints:
    known = {topic: number for number, topic in enumerate(sorted(topics.drop_nulls().unique()))}
    return np.array([-1 if topic is None else known[topic] for topic in topics], dtype=np.int64)


def _best(board: Board, members: Ints, rule: Rule, pieces: int) -> pl.DataFrame:
    """Rank the candidates for some members, and keep the best that each has not seen."""
    scores = _scores(board, members, rule)
    scores[_known(board, members)] = -np.inf
    # Stable: of equal scores the more popular piece comes first.
    order = np.argsort(-scores, axis=1, kind="stable")[:, :pieces]
    row, place = np.nonzero(np.take_along_axis(scores, order, axis=1) > -np.inf)
    columns = {
        "member_no": board.members[members[row]],
        "place": place + 1,
        "content_id": [board.items[item] for item in order[row, place]],
    }
    return pl.DataFrame(columns, schema=SHOWN_SCHEMA)


def _known(board: Board, members: Ints) -> npt.NDArray[np.bool_]:
    """Return for members × candidates whether the member came to the piece."""
    rows = np.full(len(board.members), -1, dtype=np.int64)
    rows[members] = np.arange(len(members))
    known = np.zeros((len(members), board.candidates), dtype=bool)
    is_known = (rows[board.came_member] >= 0) & (board.came_item < board.candidates)
    known[rows[board.came_member[is_known]], board.came_item[is_known]] = True
    return known


def _scores(board: Board, members: Ints, rule: Rule) -> Floats:
    """Return members × candidates."""
    if rule == "item_to_item":
        similar = item_to_item_scores(
            board.came_member,
            board.came_item,
            board.came_days,
            shape=(len(board.members), len(board.items)),
            members=members,
            candidates=board.candidates,
        )
        # Without it, a piece that two people came to long ago stands above what everybody talks about.
        damped: Floats = similar * np.sqrt(board.popularity)
        return damped
    by_popularity = np.repeat(board.popularity[None, :], len(members), axis=0)
    return by_popularity if rule == "popular" else by_popularity * _topic_shares(board, members)


def _topic_shares(board: Board, members: Ints) -> Floats:
    """Return members × candidates: the share of the member's pieces on the candidate's topic; alike for who has done nothing.

    One piece is added to each topic, and pieces without a topic count as one topic, so that no share is 0.
    """
    topics = int(board.topics.max(initial=-1)) + 2
    topic_of = board.topics + 1
    is_candidate = board.came_item < board.candidates
    cell = board.came_member[is_candidate] * topics + topic_of[board.came_item[is_candidate]]
    counts = np.bincount(cell, minlength=len(board.members) * topics).reshape(-1, topics)[members] + 1.0
    shares: Floats = (counts / counts.sum(axis=1, keepdims=True))[:, topic_of]
    return shares
