"""The lists of content: pieces that nobody has answered, and pieces that did better than expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

UNANSWERED: Final = "unanswered"
BEST_CONTENT: Final = "best_content"
_PIECE: Final[Mapping[str, pl.DataType]] = {
    "as_of": pl.Date(),
    "content_id": pl.String(),
    "rank": pl.Int32(),
    "title": pl.String(),
    "topic": pl.String(),
    "format": pl.String(),
    "post_channel": pl.String(),
    "published_at": pl.String(),
}
UNANSWERED_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    **_PIECE,
    "waiting_hours": pl.Float64(),
    "expected_responses": pl.Float64(),
    "is_newcomer": pl.Boolean(),
    "is_first_post": pl.Boolean(),
    "member_id": pl.String(),
    "best_answerer": pl.String(),
}
BEST_CONTENT_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    **_PIECE,
    "responders": pl.Int64(),
    "expected_by_now": pl.Float64(),
    "times_expected": pl.Float64(),
    "times_expected_low": pl.Float64(),
    "times_expected_high": pl.Float64(),
    "member_id": pl.String(),
    "author_posts": pl.Int64(),
    "author_times_expected": pl.Float64(),
}
# Name → columns, and the heading in Excel.
CONTENT_LISTS: Final[Mapping[str, Mapping[str, pl.DataType]]] = {
    UNANSWERED: UNANSWERED_SCHEMA,
    BEST_CONTENT: BEST_CONTENT_SCHEMA,
}


def without_members(listed: pl.DataFrame, is_removed: pl.Expr) -> pl.DataFrame:
    """Remove members from a list of content: their own posts, and their name where they would be asked to answer.

    Args:
        listed: One of the lists.
        is_removed: The condition on a column of ids, which it is applied to as `member_id`.
    """
    own = is_removed.fill_null(value=False)
    left = listed.filter(~own)
    if "best_answerer" not in left.columns:
        return left
    asked = left.select(member_id="best_answerer").select(own).to_series()
    return left.with_columns(best_answerer=pl.when(~asked).then("best_answerer"))
