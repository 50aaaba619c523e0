from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engagement.adjustment import adjust

UNITS = pl.DataFrame({"outcome": [1.0, 2.0, 4.0, 9.0], "before": [0.0, 1.0, None, 2.0], "score": [0.5] * 4})


def test_what_the_window_before_predicts_is_subtracted() -> None:
    # The null takes the mean of the others, 1; theta = covariance / variance = ((-3) · (-1) + 5 · 1) / (1 + 1).
    theta = (3 + 5) / 2
    expected = [1 + theta, 2, 4, 9 - theta]
    assert adjust(UNITS, outcome="outcome", covariates=["before"]).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("same", [0.1, None])
def test_a_constant_covariate_changes_nothing(same: float | None) -> None:
    units = UNITS.with_columns(score=pl.lit(same, pl.Float64))
    both = adjust(units, outcome="outcome", covariates=["before", "score"])
    assert both.tolist() == adjust(units, outcome="outcome", covariates=["before"]).tolist()
    assert adjust(units, outcome="outcome", covariates=["score"]).tolist() == [1, 2, 4, 9]


def test_a_covariate_that_the_frame_does_not_have_is_left_out() -> None:
    assert adjust(UNITS.drop("before"), outcome="outcome", covariates=["before"]).tolist() == [1, 2, 4, 9]


def test_two_covariates_that_say_the_same_count_once() -> None:
    units = UNITS.with_columns(score=pl.col("before") * 3 + 1)
    both = adjust(units, outcome="outcome", covariates=["before", "score"])
    assert both.tolist() == pytest.approx(adjust(units, outcome="outcome", covariates=["before"]).tolist())


def test_two_covariates_are_those_of_least_squares() -> None:
    random = np.random.default_rng(4)
    known = random.normal(size=(200, 2))
    outcome = known @ [2.0, -1.0] + random.normal(size=200)
    theta = np.linalg.lstsq(np.column_stack([np.ones(200), known]), outcome, rcond=None)[0][1:]
    units = pl.DataFrame({"outcome": outcome, "before": known[:, 0], "score": known[:, 1]})
    adjusted = adjust(units, outcome="outcome", covariates=["before", "score"])
    assert adjusted.tolist() == pytest.approx((outcome - (known - known.mean(axis=0)) @ theta).tolist())
