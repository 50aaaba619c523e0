"""Churn risk is read off the probability; odds ratios that a file still sets are read against the base rate."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segments.risk import RISKS, RiskPolicy, churn_risk, mean_probability, probability_at

POLICY = RiskPolicy()


def risk(*probabilities: float | None, base_rate: float | None = 0.5, policy: RiskPolicy = POLICY) -> list[str | None]:
    frame = pl.DataFrame({"churn_probability": probabilities}, schema={"churn_probability": pl.Float64})
    return frame.select(churn_risk(base_rate=base_rate, policy=policy)).to_series().to_list()


def test_risk_begins_at_the_documented_probabilities_and_is_null_for_the_not_eligible() -> None:
    assert risk(0.6, 0.59, 0.3, 0.29, None) == ["high", "medium", "medium", "low", None]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_probability_has_one_class_whatever_the_community_is_like(probability: float, one: float, other: float) -> None:
    assert risk(probability, base_rate=one) == risk(probability, base_rate=other) == risk(probability, base_rate=None)


def test_thresholds_are_settings() -> None:
    assert risk(0.2, 0.05, policy=RiskPolicy(medium_from=0.1, high_from=0.2)) == ["high", "low"]


def test_odds_ratios_of_a_file_keep_their_effect() -> None:
    ratios = RiskPolicy(medium_from_odds_ratio=0.5, high_from_odds_ratio=2)
    # Odds 1 : 2, so high from 1 : 1, that is 0.5, and medium from 1 : 4, that is 0.2.
    assert risk(0.51, 0.49, 0.21, 0.19, base_rate=1 / 3, policy=ratios) == ["high", "medium", "medium", "low"]
    assert risk(0.4, base_rate=0.1, policy=ratios) == ["high"]
    assert risk(0.4, base_rate=0.6, policy=ratios) == ["low"]
    # Of one class only: the other is read off the probability.
    assert risk(0.45, 0.35, 0.25, base_rate=0.2, policy=RiskPolicy(high_from_odds_ratio=3)) == ["high", "medium", "low"]


@pytest.mark.parametrize("key", ["medium_from", "high_from"])
def test_two_thresholds_for_one_class_are_refused(key: str) -> None:
    with pytest.raises(ValidationError, match=f"{key} and {key}_odds_ratio both say where one class begins"):
        RiskPolicy.model_validate({key: 0.5, f"{key}_odds_ratio": 1})


def test_medium_risk_above_high_risk_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"medium risk from 0.7 begins above high risk from 0.6"):
        RiskPolicy(medium_from=0.7)


def test_an_odds_ratio_of_one_is_the_base_rate() -> None:
    assert probability_at(1, base_rate=0.16) == pytest.approx(0.16)


def test_the_mean_probability_leaves_out_the_unknown() -> None:
    assert mean_probability(pl.Series([0.2, None, 0.4])) == pytest.approx((0.2 + 0.4) / 2)
    assert mean_probability(pl.Series([None], dtype=pl.Float64)) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([POLICY, RiskPolicy(high_from_odds_ratio=2)]))
def test_risk_never_falls_as_the_probability_rises(one: float, other: float, base_rate: float, policy: RiskPolicy) -> None:
    low, high = risk(*sorted((one, other)), base_rate=base_rate, policy=policy)
    assert RISKS.index(str(low)) <= RISKS.index(str(high))
