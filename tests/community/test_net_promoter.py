from __future__ import annotations

from datetime import date
from math import sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.figures import COUNTS_SCHEMA
from community.net_promoter import (
    ANSWERS,
    DETRACTORS,
    LEAST_ANSWERS,
    PROMOTERS,
    is_detractor,
    is_promoter,
    net_promoter_scores,
)

DAY = date(2026, 3, 1)


def figures_of(scores: list[float]) -> dict[str, float]:
    given_scores = pl.DataFrame({"score": scores}, schema={"score": pl.Float64})
    counts = {
        ANSWERS: len(scores),
        PROMOTERS: given_scores.filter(is_promoter(pl.col("score"))).height,
        DETRACTORS: given_scores.filter(is_detractor(pl.col("score"))).height,
    }
    # As `count_points` leaves them out, a count of none has no row.
    rows = [(DAY, name, "", n) for name, n in counts.items() if n]
    found = net_promoter_scores(pl.DataFrame(rows, schema=COUNTS_SCHEMA, orient="row"))
    return dict(found.select("figure", "value").iter_rows())


@given(st.lists(st.sampled_from([0, 3, 6, 6.5, 7, 8, 8.5, 9, 10]), min_size=LEAST_ANSWERS, max_size=80))
def test_the_score_is_the_share_of_9_and_10_less_that_of_6_and_below(scores: list[float]) -> None:
    found = figures_of(scores)
    if max(scores) < 7:
        assert not found
        return
    slow = 100 * sum((score >= 9) - (score < 7) for score in scores) / len(scores)
    assert found["nps_30d"] == pytest.approx(slow)
    assert -100 <= found["nps_30d_low"] <= found["nps_30d_high"] <= 100


def test_the_interval_is_that_of_three_more_answers() -> None:
    found = figures_of([10] * 20 + [8] * 10 + [2] * 10)
    top, bottom = 20.75 / 43, 10.75 / 43
    half = 1.959964 * sqrt((top + bottom - (top - bottom) ** 2) / 43)
    assert found["nps_30d_low"] == pytest.approx(100 * (top - bottom - half), abs=1e-4)
    assert found["nps_30d_high"] == pytest.approx(100 * (top - bottom + half), abs=1e-4)


def test_few_answers_give_no_score() -> None:
    assert not figures_of([10.0] * (LEAST_ANSWERS - 1))
    assert figures_of([10.0] * LEAST_ANSWERS)["nps_30d"] == 100


def test_the_interval_holds_the_truth_about_19_times_in_20() -> None:
    random, truth, hits = np.random.default_rng(7), 100 * (0.8 - 0.05), 0
    for _ in range(400):
        found = figures_of(random.choice([10.0, 7.0, 1.0], LEAST_ANSWERS + 10, p=[0.8, 0.15, 0.05]).tolist())
        hits += found["nps_30d_low"] <= truth <= found["nps_30d_high"]
    assert 0.92 <= hits / 400 <= 0.99
