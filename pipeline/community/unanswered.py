"""Make the list of pieces to answer tomorrow."""

from __future__ import annotations

import polars as pl

from community.answers import best_answerers, in_order_of_action
from community.works import expected_responses
from outputs.lists import conform
from outputs.unanswered import UNANSWERED_SCHEMA
from pipeline.community.content import NightContent
from runtime.run_context import RunContext


def unanswered_list(run: RunContext, content: NightContent | None) -> pl.DataFrame | None:
    """One row per piece that waits for an answer, in the order of action, in `UNANSWERED_SCHEMA`.

    Authors who may not be contacted are not named. None for a community without content, or in which nobody answers.

    Args:
        run: The run.
        content: The content of the night.
    """
    if content is None or not content.has_answers:
        return None
    contactable = content.people.filter(pl.col("can_contact").fill_null(value=True))
    named = contactable.select("member_no", "member_id")
    ordered = in_order_of_action(content.answers, _expected(content))
    answerers = best_answerers(content.answers, content.responses, may_ask=named)
    local = pl.col("published_at").dt.convert_time_zone(run.timezone).dt.to_string("%Y-%m-%d %H:%M")
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
            published_at=local,
            waiting_hours=pl.col("waited_hours").round(1),
            is_newcomer="is_by_newcomer",
            is_first_post="is_first_piece",
        )
    )  # fmt: skip
    return conform(rows, schema=UNANSWERED_SCHEMA)


def _expected(content: NightContent) -> pl.DataFrame:
    if content.measured is None:
        return pl.DataFrame(schema={"piece_no": pl.UInt32, "expected_responses": pl.Float64})
    return expected_responses(content.pieces, content.measured)
