"""The list of pieces that nobody has answered, as files for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

UNANSWERED: Final = "unanswered"
UNANSWERED_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "as_of": pl.Date(),
    "content_id": pl.String(),
    "rank": pl.Int32(),
    "title": pl.String(),
    "topic": pl.String(),
    "format": pl.String(),
    "post_channel": pl.String(),
    "published_at": pl.String(),
    "waiting_hours": pl.Float64(),
    "expected_responses": pl.Float64(),
    "is_newcomer": pl.Boolean(),
    "is_first_post": pl.Boolean(),
    "member_id": pl.String(),
    "best_answerer": pl.String(),
}


def without_members(unanswered: pl.DataFrame, is_removed: pl.Expr) -> pl.DataFrame:
    """Remove members from the list: their own posts, and their name where they would be asked to answer.

    Args:
        unanswered: The list, in `UNANSWERED_SCHEMA`.
        is_removed: The condition on a column of ids, which it is applied to as `member_id`.
    """
    own = is_removed.fill_null(value=False)
    left = unanswered.filter(~own)
    asked = left.select(member_id="best_answerer").select(own).to_series()
    return left.with_columns(best_answerer=pl.when(~asked).then("best_answerer"))
