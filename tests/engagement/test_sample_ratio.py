from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from engagement.sample_ratio import MISMATCH, p_of_counts, p_of_draws


def draws(*, treated: int, held_out: int, share: float) -> pl.DataFrame:
    return pl.DataFrame({"is_treated": [True] * treated + [False] * held_out, "holdout_share": share})


def test_counts_that_fit_have_a_high_p() -> None:
    assert p_of_counts({"control": 20, "mail": 80}, {"control": 1, "mail": 4}) == 1


def test_a_mismatch_of_45_to_55_in_4000_is_found() -> None:
    p = p_of_counts({"control": 1_800, "mail": 2_200}, {"control": 0.5, "mail": 0.5})
    assert p is not None
    assert p < MISMATCH
    assert p_of_draws(draws(treated=2_200, held_out=1_800, share=0.5)) == pytest.approx(p)


def test_an_arm_that_nobody_is_in_counts() -> None:
    p = p_of_counts({"control": 50, "mail": 50, "call": 0}, {"control": 1, "mail": 1, "call": 1})
    assert p == pytest.approx(stats.chisquare([50, 50, 0]).pvalue)


def test_one_arm_or_nobody_cannot_be_tested() -> None:
    assert p_of_counts({"control": 50}, {"control": 1}) is None
    assert p_of_counts({"control": 0, "mail": 0}, {"control": 1, "mail": 1}) is None
    assert p_of_draws(draws(treated=0, held_out=0, share=0.5)) is None


def test_draws_of_one_share_are_pearsons_chi_square() -> None:
    expected = stats.chisquare([870, 130], [900, 100]).pvalue
    assert p_of_draws(draws(treated=870, held_out=130, share=0.1)) == pytest.approx(expected)


def test_a_share_that_was_raised_is_no_mismatch() -> None:
    raised = pl.concat([draws(treated=900, held_out=100, share=0.1), draws(treated=700, held_out=300, share=0.3)])
    assert p_of_draws(raised) == pytest.approx(1)


def test_p_is_uniform_when_shares_differ() -> None:
    random = np.random.default_rng(1)
    share = np.repeat([0.02, 0.5], 500)
    p = [p_of_draws(pl.DataFrame({"is_treated": random.random(1_000) >= share, "holdout_share": share})) for _ in range(300)]
    assert stats.kstest([one for one in p if one is not None], "uniform").pvalue > 0.01
