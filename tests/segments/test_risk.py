"""Churn risk is read against the base rate."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.risk import RISKS, RiskPolicy, churn_risk, mean_probability, probability_at

POLICY = RiskPolicy()


def risk(*probabilities: float | None, base_rate: float) -> list[str | None]:
    frame = pl.DataFrame({"churn_probability": probabilities}, schema={"churn_probability": pl.Float64})
    return frame.select(churn_risk(base_rate=base_rate, policy=POLICY)).to_series().to_list()


def test_twice_the_base_odds_is_high_and_half_is_medium() -> None:
    # A base rate of 1 in 3 has odds 1/2: high from odds 1 (0.5), medium from odds 1/4 (0.2).
    assert risk(0.51, 0.49, 0.21, 0.19, None, base_rate=1 / 3) == ["high", "medium", "medium", "low", None]


def test_the_same_probability_means_less_where_more_drift_away() -> None:
    assert risk(0.4, base_rate=0.1) == ["high"]
    assert risk(0.4, base_rate=0.6) == ["low"]


def test_an_odds_ratio_of_one_is_the_base_rate() -> None:
    assert probability_at(1, base_rate=0.16) == pytest.approx(0.16)


def test_the_mean_probability_leaves_out_the_unknown() -> None:
    assert mean_probability(pl.Series([0.2, None, 0.4])) == pytest.approx((0.2 + 0.4) / 2)
    assert mean_probability(pl.Series([None], dtype=pl.Float64)) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_risk_never_falls_as_the_probability_rises(one: float, other: float, base_rate: float) -> None:
    low, high = risk(*sorted((one, other)), base_rate=base_rate)
    assert low is not None
    assert high is not None
    assert RISKS.index(low) <= RISKS.index(high)
