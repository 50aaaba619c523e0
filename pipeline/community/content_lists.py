"""Make the lists of content: pieces to answer tomorrow, and pieces that did better than expected."""

from __future__ import annotations

from typing import Final

import polars as pl

from community.answers import best_answerers, in_order_of_action
from community.quality import by_author, by_piece
from community.works import expected_responses
from outputs.content_lists import BEST_CONTENT, BEST_CONTENT_SCHEMA, UNANSWERED, UNANSWERED_SCHEMA
from outputs.lists import conform
from pipeline.community.content import NightContent
from runtime.run_context import RunContext

_MOST_PIECES: Final = 1_000


def content_lists(run: RunContext, content: NightContent | None) -> dict[str, pl.DataFrame]:
    """Return the lists of content that the community has, by name.

    Args:
        run: The run.
        content: The content of the night.
    """
    made = {UNANSWERED: unanswered_list(run, content), BEST_CONTENT: best_content_list(run, content)}
    return {name: rows for name, rows in made.items() if rows is not None}


def unanswered_list(run: RunContext, content: NightContent | None) -> pl.DataFrame | None:
    """One row per piece that waits for an answer, in the order of action, in `UNANSWERED_SCHEMA`.

    Authors who may not be contacted are not named. None for a community without content, or in which nobody answers.

    Args:
        run: The run.
        content: The content of the night.
    """
    if content is None or not content.has_answers:
        return None
    named = _named(content)
    ordered = in_order_of_action(content.answers, _expected(content))
    answerers = best_answerers(content.answers, content.responses, may_ask=named)
    rows = (
        ordered.join(named, left_on="author_no", right_on="member_no", how="left", maintain_order="left")
        .join(answerers, on="topic", how="left", maintain_order="left")
        .join(named.rename({"member_id": "best_answerer"}), left_on="answerer_no", right_on="member_no", how="left",
              maintain_order="left")
        .select(
            "content_id",
            "title",
            "topic",
            "format",
            "member_id",
            "best_answerer",
            expected_responses=pl.col("expected_responses").round(1),
            as_of=pl.lit(run.as_of),
            rank=pl.int_range(1, pl.len() + 1),
            post_channel="channel",
            published_at=_local("published_at", run.timezone),
            waiting_hours=pl.col("waited_hours").round(1),
            is_newcomer="is_by_newcomer",
            is_first_post="is_first_piece",
        )
    )  # fmt: skip
    return conform(rows, schema=UNANSWERED_SCHEMA)


def best_content_list(run: RunContext, content: NightContent | None) -> pl.DataFrame | None:
    """One row per piece that did better than expected beyond chance, the best first, in `BEST_CONTENT_SCHEMA`; at most 1,000.

    Authors who may not be contacted are not named. None for a community without content, or in which nobody responds.

    Args:
        run: The run.
        content: The content of the night.
    """
    if content is None or content.measured is None:
        return None
    best = by_piece(content.measured).filter(pl.col("low") > 1).head(_MOST_PIECES)
    pieces = content.pieces.drop("author_no", "author_seen_from", "age_days")
    authors = by_author(content.measured).select("author_no", author_posts="pieces", author_times_expected="quality")
    rows = (
        best.join(pieces, on="piece_no", how="left", maintain_order="left")
        .join(authors, on="author_no", how="left", maintain_order="left")
        .join(_named(content), left_on="author_no", right_on="member_no", how="left", maintain_order="left")
        .select(
            "content_id",
            "title",
            "topic",
            "format",
            "responders",
            "member_id",
            "author_posts",
            pl.col("author_times_expected").round(2),
            as_of=pl.lit(run.as_of),
            rank=pl.int_range(1, pl.len() + 1),
            post_channel="channel",
            published_at=_local("published_at", run.timezone),
            expected_by_now=pl.col("expected").round(1),
            times_expected=pl.col("quality").round(2),
            times_expected_low=pl.col("low").round(2),
            times_expected_high=pl.col("high").round(2),
        )
    )
    return conform(rows, schema=BEST_CONTENT_SCHEMA)


def _named(content: NightContent) -> pl.DataFrame:
    """Return the members who may be contacted, and so be named: member_no, member_id."""
    return content.people.filter(pl.col("can_contact").fill_null(value=True)).select("member_no", "member_id")


def _local(column: str, timezone: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(timezone).dt.to_string("%Y-%m-%d %H:%M")


def _expected(content: NightContent) -> pl.DataFrame:
    if content.measured is None:
        return pl.DataFrame(schema={"piece_no": pl.UInt32, "expected_responses": pl.Float64})
    return expected_responses(content.pieces, content.measured)
