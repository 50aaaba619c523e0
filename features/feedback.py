"""The last feedback score of each member, and its update from night to night."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.rollups.daily import SCORE_SCALE


def compute_last_scores(daily: pl.LazyFrame) -> pl.DataFrame:
    """Return the scores of each member's last day with scored answers.

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


def update_last_scores(previous: pl.DataFrame, rows_now: pl.DataFrame) -> pl.DataFrame:
    """Update the result of `compute_last_scores` from an earlier night to a later one.

    The rows of members that `lost_last_scores` returns are not correct yet; they must be recomputed.

    Args:
        previous: The last scores of the earlier night.
        rows_now: Every row of the moved days as the later night sees them.
    """
    # The stable sort keeps the rows of now before equal ones of the earlier night: a day that changed counts as it is now.
    candidates = pl.concat([compute_last_scores(rows_now.lazy()), previous])
    return candidates.sort("member_no", "last_date", descending=[False, True], maintain_order=True).unique(
        "member_no", keep="first", maintain_order=True
    )


def lost_last_scores(previous: pl.DataFrame, rows_before: pl.DataFrame, rows_now: pl.DataFrame) -> pl.Series:
    """Return the members whose last day with scored answers has none any more.

    Args:
        previous: The last scores of the earlier night.
        rows_before: Every row of the moved days as the earlier night saw them.
        rows_now: Every row of the moved days as the later night sees them.
    """
    before, after = (
        rows.filter(pl.col("activity") == "feedback").select("member_no", "event_date") for rows in (rows_before, rows_now)
    )
    lost_rows = before.join(after, on=["member_no", "event_date"], how="anti")
    return lost_rows.join(previous, left_on=["member_no", "event_date"], right_on=["member_no", "last_date"], how="semi")[
        "member_no"
    ]


def last_feedback_score(last_scores: pl.DataFrame) -> pl.DataFrame:
    """Return the input of the feature.

    One row per row of `last_scores`: `feedback.last_score`, 0 to 10, the mean of that day's scores.
    """
    # Divided by NumPy: Polars multiplies by the reciprocal in chunks of one row, so its result depends on how rows are chunked.
    scaled = last_scores["n"].to_numpy().astype(np.float64) * SCORE_SCALE
    mean = pl.Series("feedback.last_score", last_scores["amount_minor"].to_numpy() / scaled, dtype=pl.Float64)
    return last_scores.select("member_no", mean)
