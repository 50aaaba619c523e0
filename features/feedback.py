"""The score a member gave last."""

from __future__ import annotations

import polars as pl

from features.history import SeenHistory
from features.rollups import SCORE_SCALE


def last_feedback_score(seen: SeenHistory) -> pl.LazyFrame:
    """Read the last score of each member.

    One row per member_no who ever gave a score: `feedback.last_score`, 0 to 10, the mean of that day's scores.
    """
    day = pl.col("event_date")
    answered = seen.daily.filter(pl.col("activity") == "feedback")
    latest = pl.col("amount_minor", "n").filter(day == day.max()).sum()
    return (
        answered.group_by("member_no")
        .agg(latest)
        .select("member_no", (pl.col("amount_minor") / (pl.col("n") * SCORE_SCALE)).alias("feedback.last_score"))
    )
