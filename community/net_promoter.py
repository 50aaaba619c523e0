"""The net promoter score: who gave 9 or 10 less who gave 6 or less, in percent of all answers, with its interval.

Interval: adjusted Wald. Three answers are added to the n given, three quarters of one to the promoters and to the detractors and
one and a half to the middle: p = (promoters + 3/4) / (n + 3), d = (detractors + 3/4) / (n + 3). To both sides of p - d it reaches
z times the root of (p + d - (p - d)²) / (n + 3).

Source: B. Rocks, Interval Estimation for the "Net Promoter Score", The American Statistician 70 (4), 2016, 365-372
(arXiv:1601.07235), which finds variations on it, and an iterative score test, to do best. These added answers are the default of
its author's R package, NPS.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from community.figures import FIGURES_SCHEMA
from community.shares import Z95

NET_PROMOTER: Final = ("nps_30d", "nps_30d_low", "nps_30d_high")
PROMOTERS: Final = "promoters_30d"
DETRACTORS: Final = "detractors_30d"
ANSWERS: Final = "feedback_answers_30d"
# Of fewer answers the interval is wider than half of the scale.
LEAST_ANSWERS: Final = 30
_PROMOTER_FROM, _DETRACTOR_BELOW = 9, 7
_ADDED_ANSWERS, _ADDED_AT_EACH_END = 3.0, 0.75


def is_promoter(score: pl.Expr) -> pl.Expr:
    """Return whether a score, 0 to 10, is a promoter's."""
    return score >= _PROMOTER_FROM


def is_detractor(score: pl.Expr) -> pl.Expr:
    """Return whether a score, 0 to 10, is a detractor's."""
    return score < _DETRACTOR_BELOW


def net_promoter_scores(counts: pl.DataFrame) -> pl.DataFrame:
    """Return `nps_30d`, `nps_30d_low` and `nps_30d_high`, -100 to 100, where there are enough answers: rows of `FIGURES_SCHEMA`.

    There is none either where no answer of the 30 days reaches 7: a scale that ends at 5 never does, and would say -100 of people
    who are content.

    Args:
        counts: Rows of `community.figures.COUNTS_SCHEMA`, with `PROMOTERS`, `DETRACTORS` and `ANSWERS`.
    """
    key = ["day", "dimension"]
    answers = counts.filter(pl.col("figure") == ANSWERS, pl.col("n") >= LEAST_ANSWERS).select(*key, answers="n")
    for name in (PROMOTERS, DETRACTORS):
        answers = answers.join(counts.filter(pl.col("figure") == name).select(*key, pl.col("n").alias(name)), on=key, how="left")
    answers = answers.with_columns(pl.col(PROMOTERS, DETRACTORS).fill_null(0))
    top, bottom, given = (answers[name].to_numpy() for name in (PROMOTERS, DETRACTORS, "answers"))
    promoters = (top + _ADDED_AT_EACH_END) / (given + _ADDED_ANSWERS)
    detractors = (bottom + _ADDED_AT_EACH_END) / (given + _ADDED_ANSWERS)
    middle = promoters - detractors
    half = Z95 * np.sqrt((promoters + detractors - middle**2) / (given + _ADDED_ANSWERS))
    values = ((top - bottom) / given, np.maximum(middle - half, -1.0), np.minimum(middle + half, 1.0))
    rows = [
        answers.with_columns(figure=pl.lit(name), value=pl.Series(100 * value)).filter(pl.col(DETRACTORS) < pl.col("answers"))
        for name, value in zip(NET_PROMOTER, values, strict=True)
    ]
    return pl.concat([row.select(FIGURES_SCHEMA.names()).cast(FIGURES_SCHEMA) for row in rows])
