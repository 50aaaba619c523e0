"""Ranges of scores hold the score of the same habits eight times of ten, and say nothing where nothing is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.score_ranges import ACTIVITY_RANGE, COMMERCIAL_RANGE, add_score_ranges
from segments.scores import ScorePolicy, add_scores

POLICY = ScorePolicy()
WINDOWS = (28, 90, 365)


def ranged(frame: pl.DataFrame, policy: ScorePolicy = POLICY) -> pl.DataFrame:
    return add_score_ranges(add_scores(frame, policy=policy), policy=policy)


def members(days: np.ndarray, **columns: object) -> pl.DataFrame:
    """Members who did three things on each active day, from a year of days with and without activity."""
    counts = {f"active_days_{window}d": days[:, -window:].sum(axis=1) for window in WINDOWS}
    known = {"member_no": range(len(days)), "is_eligible": counts["active_days_365d"] > 0, **counts, **columns}
    return pl.DataFrame(known | {"event_count_90d": 3 * counts["active_days_90d"]}, strict=False)


def year_of(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.random((shares.size, 365)) < shares[:, None]


@pytest.mark.parametrize(("a", "b"), [(0.4, 4.0), (2.0, 6.0), (0.3, 0.6)])
def test_the_range_holds_the_usual_score_of_the_same_habits_eight_times_of_ten(a: float, b: float) -> None:
    rng = np.random.default_rng(3)
    shares = rng.beta(a, b, 1_500)
    years = [members(year_of(shares, rng)) for _ in range(12)]
    usual = np.mean([ranged(year)["activity_score"].to_numpy() for year in years], axis=0)
    told = ranged(years[0])
    # Of who comes about once a month or more; of the others a whole month shows nothing.
    often = shares * 28 >= 1
    held = told["activity_low"].to_numpy()[often] - 1e-9 <= usual[often]
    held &= usual[often] <= told["activity_high"].to_numpy()[often] + 1e-9
    assert 0.74 < held.mean() < 0.9


@given(st.lists(st.tuples(st.integers(0, 28), st.integers(0, 62), st.integers(0, 275), st.booleans()), min_size=1, max_size=40))
def test_the_score_is_within_its_range_and_who_is_not_scored_has_none(rows: list[tuple[int, int, int, bool]]) -> None:
    d28, d90, d365 = (np.array([sum(row[:n]) for row in rows]) for n in (1, 2, 3))
    eligible = [is_eligible for *_, is_eligible in rows]
    frame = pl.DataFrame(
        {"member_no": range(len(rows)), "is_eligible": eligible, "active_days_28d": d28, "active_days_90d": d90}
        | {"active_days_365d": d365, "event_count_90d": d90 * 2}
    )
    told = ranged(frame)
    assert told.select(frame.columns).equals(frame)
    if not any(eligible):
        assert ACTIVITY_RANGE[0] not in told.columns
        return
    for name in ACTIVITY_RANGE:
        assert told[name].is_not_null().to_list() == eligible
    low, score, high = (told.filter("is_eligible")[name] for name in (ACTIVITY_RANGE[0], "activity_score", ACTIVITY_RANGE[1]))
    assert (low <= score).all()
    assert (score <= high).all()
    assert ((low >= 0) & (high <= 100)).all()


def test_the_less_is_known_of_a_member_the_wider_the_range() -> None:
    rng = np.random.default_rng(5)
    # The first comes every day, and will come every day again.
    told = ranged(members(np.vstack([np.ones((1, 365)), year_of(rng.beta(0.4, 4.0, 2_000), rng)])))
    width = pl.col("activity_high") - pl.col("activity_low")
    assert told.select(width).row(0)[0] < 1
    assert told.filter(pl.col("active_days_90d").is_between(2, 4)).select(width.mean()).item() > 10


def test_a_weight_on_what_is_no_count_widens_nothing() -> None:
    rng = np.random.default_rng(7)
    frame = members(year_of(rng.beta(0.4, 4.0, 200), rng), tenure_days=range(200))
    alone = ranged(frame, ScorePolicy(activity_weights={"tenure_days": 1.0}))
    assert not set(ACTIVITY_RANGE) & set(alone.columns)


def test_the_commercial_range_is_the_place_of_both_ends_of_the_expected_spend() -> None:
    frame = pl.DataFrame(
        {
            "member_no": range(5),
            "is_eligible": [True] * 5,
            "active_days_365d": [9] * 5,
            "spend_365d": [10.0, 20.0, 30.0, 40.0, 0.0],
            "spend_lifetime": [10.0, 20.0, 30.0, 40.0, 0.0],
            "expected_value": [0.0, 0.0, 0.0, 0.0, 7.0],
            "expected_value_low": [0.0, -5.0, 0.0, None, 1.0],
            "expected_value_high": [0.0, 15.0, 0.0, None, 90.0],
        }
    )
    told = ranged(frame)
    # 0, 10, 20, 30 and 40 lie at 10, 30, 50, 70 and 90; 15 and 35 half way between them.
    assert told["commercial_score"].to_list() == pytest.approx([30, 50, 70, 90, 10], abs=1e-4)
    low, high = (told[name].to_list() for name in COMMERCIAL_RANGE)
    assert low == pytest.approx([30, 40, 70, None, 10], abs=1e-4)
    assert high == pytest.approx([30, 80, 70, None, 10], abs=1e-4)
    for without in (frame.drop("expected_value_low"), frame.with_columns(expected_value_low=pl.lit(None, pl.Float64))):
        assert not set(COMMERCIAL_RANGE) & set(ranged(without).columns)
    weighted = ScorePolicy(commercial_weights={"spend_365d": 1.0})
    assert not set(COMMERCIAL_RANGE) & set(ranged(frame, weighted).columns)
