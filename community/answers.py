"""Answers: which pieces somebody else has answered, how long that took, and whom nobody has answered yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from community.answer_times import DAY_HOURS, AnswerTimes, answer_times
from community.content_policy import ContentPolicy
from community.shares import is_more, z_for

NEWCOMER_DAYS: Final = 28
COMPARED_DAYS: Final = 28
# Of fewer pieces nothing is told by topic, channel, hour or weekday.
LEAST_PIECES: Final = 8
PIECES_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "piece_no": pl.UInt32(),
    "content_id": pl.String(),
    "author_no": pl.Int32(),
    "published_at": pl.Datetime("us", "UTC"),
    "published_on": pl.Date(),
    "hour": pl.Int8(),
    "weekday": pl.Int8(),
    "topic": pl.String(),
    "format": pl.String(),
    "title": pl.String(),
    "channel": pl.String(),
    "author_seen_from": pl.Date(),
}
RESPONSES_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "piece_no": pl.UInt32(),
    "member_no": pl.Int32(),
    "is_staff": pl.Boolean(),
    "answered_at": pl.Datetime("us", "UTC"),
    "responded_on": pl.Date(),
    "has_read": pl.Boolean(),
}
PLACES: Final = ("topic", "channel", "hour", "weekday")
_HOUR_MICROSECONDS: Final = 3_600_000_000


@dataclass(frozen=True)
class Responsiveness:
    """How fast a community answers.

    Args:
        recent: Pieces of the last 28 days; None where there is none.
        earlier: Pieces of the 28 days before; None where there is none.
        newcomers: Pieces by newcomers among the recent ones; None where there is none.
        is_faster: Whether more of the recent ones than of the earlier are answered within a day; None where that may be chance.
        by: Topic, channel, hour or weekday → its value → how fast, over the whole window; values with few pieces are left out.
        odd: Where answers come faster or slower than elsewhere beyond chance, by far the oddest first: topic, channel, hour or
            weekday, its value, and whether it is slower.
    """

    recent: AnswerTimes | None
    earlier: AnswerTimes | None
    newcomers: AnswerTimes | None
    is_faster: bool | None
    by: Mapping[str, Mapping[str | int, AnswerTimes]]
    odd: tuple[tuple[str, str | int, bool], ...]


def asking(pieces: pl.DataFrame, *, formats: tuple[str, ...], has_asking_format: bool) -> pl.DataFrame:
    """Return the pieces that want an answer: those of a format that asks, or every piece where the community has none of these.

    Args:
        pieces: One row per piece, in `PIECES_SCHEMA`.
        formats: The formats that ask, in any case.
        has_asking_format: Whether any piece of the community has one of them.
    """
    if not has_asking_format:
        return pieces
    return pieces.filter(is_asking_format(formats))


def is_asking_format(formats: tuple[str, ...]) -> pl.Expr:
    """Return whether a piece has one of the formats, in any case; never null."""
    wanted = [name.strip().lower() for name in formats]
    return pl.col("format").str.strip_chars().str.to_lowercase().is_in(wanted).fill_null(value=False)


def find_answers(asked: pl.DataFrame, responses: pl.DataFrame, *, night_ends_at: datetime, policy: ContentPolicy) -> pl.DataFrame:
    """Find the first answer of each piece.

    One row per piece, sorted by piece_no, with the columns of `asked` and: `first_answer_at` (null: none), `waited_hours` until
    then, or until the end of the night, `is_answered`, `is_by_staff_only` (null without an answer), `is_unanswered` (no answer,
    and older than the policy allows), `is_by_newcomer`, `is_first_piece`.

    Args:
        asked: One row per piece that wants an answer, in `PIECES_SCHEMA`.
        responses: One row per piece and other person who responded to or read it, in `RESPONSES_SCHEMA`.
        night_ends_at: The end of the night.
        policy: The policy.
    """
    given = responses.filter(pl.col("answered_at").is_not_null())
    first = given.group_by("piece_no").agg(first_answer_at=pl.col("answered_at").min(), is_by_staff_only=pl.col("is_staff").all())
    waited = (pl.coalesce("first_answer_at", pl.lit(night_ends_at)) - pl.col("published_at")).dt.total_microseconds()
    known_days = (pl.col("published_on") - pl.col("author_seen_from")).dt.total_days()
    return (
        asked.join(first, on="piece_no", how="left")
        .with_columns(waited_hours=waited / _HOUR_MICROSECONDS, is_answered=pl.col("first_answer_at").is_not_null())
        .with_columns(
            is_unanswered=~pl.col("is_answered") & (pl.col("waited_hours") >= policy.unanswered_after_hours),
            is_by_newcomer=(known_days < NEWCOMER_DAYS).fill_null(value=False),
            is_first_piece=pl.col("piece_no") == pl.col("piece_no").min().over("author_no"),
        )
        .sort("piece_no")
    )


def responsiveness(answers: pl.DataFrame) -> Responsiveness:
    """Say how fast the community answers: now, before, newcomers, and by topic, channel, hour and weekday.

    Args:
        answers: One row per piece, as `find_answers` returns it, with `age_days` at the night.
    """
    recent = answers.filter(pl.col("age_days") < COMPARED_DAYS)
    earlier = answers.filter(pl.col("age_days").is_between(COMPARED_DAYS, 2 * COMPARED_DAYS - 1))
    by = {column: times for column in PLACES if (times := _by(answers, column))}
    return Responsiveness(
        recent=_times(recent),
        earlier=_times(earlier),
        newcomers=_times(recent.filter("is_by_newcomer")),
        is_faster=is_more(*_within_a_day(recent), *_within_a_day(earlier)),
        by=by,
        odd=_odd(answers, by),
    )


def waiting_by_member(answers: pl.DataFrame) -> pl.DataFrame:
    """One row per author with a piece in the window: `member_no`, `unanswered_posts`, those that wait; sorted."""
    waiting = answers.group_by(pl.col("author_no").alias("member_no")).agg(pl.col("is_unanswered").sum().cast(pl.Int64))
    return waiting.rename({"is_unanswered": "unanswered_posts"}).sort("member_no")


def in_order_of_action(answers: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """Return the pieces to answer tomorrow, with `expected_responses`, null where they are not known.

    First pieces of newcomers come first, then their others, then the rest. Of these the shortest wait in whole days comes first,
    as an answer is worth most while the asker still waits for it; then the piece that more people are expected to respond to.

    Args:
        answers: One row per piece, as `find_answers` returns it.
        expected: One row per piece: piece_no, expected_responses.
    """
    is_first = pl.col("is_by_newcomer") & pl.col("is_first_piece")
    days = pl.col("waited_hours") // DAY_HOURS
    order = [is_first, pl.col("is_by_newcomer"), days, pl.col("expected_responses"), pl.col("waited_hours"), pl.col("content_id")]
    waiting = answers.filter("is_unanswered").join(expected, on="piece_no", how="left")
    return waiting.sort(order, descending=[True, True, False, True, False, False], nulls_last=True)


def best_answerers(asked: pl.DataFrame, responses: pl.DataFrame, *, may_ask: pl.DataFrame) -> pl.DataFrame:
    """Find the member who answered most pieces of each topic.

    One row per topic that has one: `topic`, `answerer_no`, `answerer_pieces`; of equals the lowest number.

    Args:
        asked: One row per piece that wants an answer.
        responses: One row per piece and other person.
        may_ask: The members who may be contacted: `member_no`.
    """
    given = responses.filter(pl.col("answered_at").is_not_null() & ~pl.col("is_staff")).join(may_ask, on="member_no", how="semi")
    counted = (
        given.join(asked.select("piece_no", "topic").drop_nulls("topic"), on="piece_no")
        .group_by("topic", answerer_no="member_no")
        .agg(answerer_pieces=pl.len().cast(pl.Int64))
    )
    return counted.sort("topic", "answerer_pieces", "answerer_no", descending=[False, True, False]).unique(
        "topic", keep="first", maintain_order=True
    )


def _by(answers: pl.DataFrame, column: str) -> dict[str | int, AnswerTimes]:
    known = answers.drop_nulls(column).sort(column, "piece_no").partition_by(column, as_dict=True, maintain_order=True)
    timed = {key[0]: _times(rows) for key, rows in known.items() if rows.height >= LEAST_PIECES}
    return {value: times for value, times in timed.items() if times is not None}


def _odd(answers: pl.DataFrame, by: Mapping[str, Mapping[str | int, AnswerTimes]]) -> tuple[tuple[str, str | int, bool], ...]:
    """Return where the share answered within a day differs from that of all other pieces, by all that are compared at once."""
    compared = [(column, value) for column, values in by.items() for value in values]
    z = z_for(len(compared))
    found = []
    for column, value in compared:
        is_here = pl.col(column).eq_missing(value)
        here, elsewhere = _within_a_day(answers.filter(is_here)), _within_a_day(answers.filter(~is_here))
        is_faster = is_more(*here, *elsewhere, z=z)
        if is_faster is not None:
            found.append((abs(here[0] / here[1] - elsewhere[0] / elsewhere[1]), (column, value, not is_faster)))
    return tuple(place for _, place in sorted(found, key=lambda one: (-one[0], one[1][0], str(one[1][1]))))


def _within_a_day(answers: pl.DataFrame) -> tuple[int, int]:
    """Return how many pieces were answered within a day, of those for which that is known by now."""
    is_known = pl.col("is_answered") | (pl.col("waited_hours") >= DAY_HOURS)
    known = answers.filter(is_known & (pl.col("age_days") >= 1))
    return int((known["is_answered"] & (known["waited_hours"] <= DAY_HOURS)).sum()), known.height


def _times(answers: pl.DataFrame) -> AnswerTimes | None:
    if answers.is_empty():
        return None
    return answer_times(answers["waited_hours"].to_numpy(), answers["is_answered"].to_numpy())
