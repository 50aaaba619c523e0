"""The score a member gave last."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.rollups.daily import SCORE_SCALE


def compute_last_scores(daily: pl.LazyFrame) -> pl.DataFrame:
    """Find the scores of each member's last day of scored answers.

    One row per member_no who ever gave a score, sorted: `last_date`, `amount_minor` (Int64), the sum of that day's scores in
    hundredths, and `n` (Int32), their number. Nothing is null.
    """
    day = pl.col("event_date")
    return (
        daily.filter(pl.col("activity") == "feedback")
        .group_by("member_no")
        .agg(last_date=day.max(), **{name: pl.col(name).filter(day == day.max()).sum() for name in ("amount_minor", "n")})
        .sort("member_no")
        .collect(engine="streaming")
    )


def update_last_scores(held: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Carry `compute_last_scores` to a later night; members named by `lost_last_scores` are not right yet.

    Args:
        held: The last scores of the earlier night.
        now: Every row of the moved days as the later night sees them.
    """
    # What is seen now comes first, so that a day seen again counts as it is now.
    both = pl.concat([compute_last_scores(now.lazy()), held])
    return both.sort("member_no", "last_date", descending=[False, True], maintain_order=True).unique(
        "member_no", keep="first", maintain_order=True
    )


def lost_last_scores(held: pl.DataFrame, was: pl.DataFrame, now: pl.DataFrame) -> pl.Series:
    """Members whose last day of scored answers has none any more.

    Args:
        held: The last scores of the earlier night.
        was: Every row of the moved days as the earlier night saw them.
        now: Every row of the moved days as the later night sees them.
    """
    before, after = (rows.filter(pl.col("activity") == "feedback").select("member_no", "event_date") for rows in (was, now))
    gone = before.join(after, on=["member_no", "event_date"], how="anti")
    return gone.join(held, left_on=["member_no", "event_date"], right_on=["member_no", "last_date"], how="semi")["member_no"]


def last_feedback_score(last_scores: pl.DataFrame) -> pl.DataFrame:
    """Name the ingredient of the feature.

    One row per row of `last_scores`: `feedback.last_score`, 0 to 10, the mean of that day's scores.
    """
    # Polars divides by the reciprocal wherever a chunk has but one row; a quotient must not depend on how rows are chunked.
    scaled = last_scores["n"].to_numpy().astype(np.float64) * SCORE_SCALE
    mean = pl.Series("feedback.last_score", last_scores["amount_minor"].to_numpy() / scaled, dtype=pl.Float64)
    return last_scores.select("member_no", mean)
