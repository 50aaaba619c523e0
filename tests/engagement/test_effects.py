from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import polars as pl
import pytest

from engagement.effects import measure_effect
from tests.engagement.communities import decisions

SMALL = pl.DataFrame(
    {
        "is_treated": [True, True, True, False, False],
        "outcome": [1.0, 0.0, 1.0, 0.0, 1.0],
        "before": [None, 2.0, 2.0, 2.0, 2.0],
        "score": [0.5] * 5,
        "holdout_share": [0.4] * 5,
        "cluster": [None] * 5,
    },
    schema_overrides={"cluster": pl.String},
)


def test_rates_and_effect_of_a_few_members_are_as_by_hand() -> None:
    effect = measure_effect(SMALL)
    assert (effect.n_treated, effect.n_holdout) == (3, 2)
    assert effect.rate_treated == pytest.approx(2 / 3)
    assert effect.rate_holdout == 1 / 2
    assert effect.effect == effect.effect_unadjusted == pytest.approx(2 / 3 - 1 / 2)
    # Variance over members of each arm: 1/3 and 1/2.
    assert effect.standard_error == pytest.approx(math.sqrt(1 / 3 / 3 + 1 / 2 / 2))
    assert effect.p_srm == pytest.approx(1)
    assert effect.is_trustworthy is False


@pytest.mark.parametrize("kept", [True, False])
def test_an_empty_arm_has_no_effect_and_nothing_is_nan(kept: bool) -> None:
    effect = measure_effect(SMALL.filter(pl.col("is_treated") == kept))
    assert (effect.rate_treated is None, effect.rate_holdout is None) == (not kept, kept)
    assert effect.effect is effect.effect_unadjusted is effect.low is effect.fixed_high is effect.standard_error is None
    assert not any(isinstance(one, float) and math.isnan(one) for one in astuple(effect))


def test_nobody_is_no_effect() -> None:
    effect = measure_effect(SMALL.clear())
    assert (effect.n_treated, effect.n_holdout, effect.effect, effect.p_srm, effect.is_trustworthy) == (0, 0, None, None, False)


def test_an_outcome_that_never_happens_has_no_interval() -> None:
    effect = measure_effect(decisions(1).with_columns(outcome=0.0))
    assert (effect.effect, effect.low, effect.is_trustworthy) == (0, None, False)


def test_rows_that_could_not_have_been_held_out_are_left_out() -> None:
    certain = SMALL.with_columns(holdout_share=pl.Series([0.0, 1.0, 0.0, None, 0.4]))
    assert measure_effect(certain).n_treated == 0
    assert measure_effect(pl.concat([SMALL, SMALL.with_columns(holdout_share=0.0)])) == measure_effect(SMALL)


def test_a_share_that_was_raised_does_not_pass_for_an_effect() -> None:
    # Nobody gains; but later members, of whom more are held out, return more often.
    early = decisions(1, members=8_000, effect=0, share=0.1).with_columns(outcome=pl.col("outcome") * 0.2)
    both = pl.concat([early, decisions(2, members=8_000, effect=0, share=0.5)]).drop("before", "score")
    naive = both.group_by("is_treated").agg(pl.col("outcome").mean()).sort("is_treated")["outcome"].to_list()
    effect = measure_effect(both)
    assert naive[1] - naive[0] < -0.08
    assert effect.low is not None
    assert effect.high is not None
    assert effect.low < 0 < effect.high
    assert effect.high - effect.low < 0.08


def test_the_effect_agrees_with_an_independent_reference() -> None:
    """Figures of tea-tasting 1.14.0: Mean("outcome", "before") and Mean("outcome") of these rows."""
    effect = measure_effect(decisions(3, members=1_000, spend=True, effect=5).drop("score", "cluster"))
    assert effect.effect == pytest.approx(4.027323024161888, abs=1e-9)
    assert (effect.low, effect.high) == pytest.approx((1.003318293533645, 7.05132775479013), abs=1e-9)
    assert effect.effect_unadjusted == pytest.approx(4.404242436312508, abs=1e-9)


def test_bounds_for_many_looks_are_wider_and_the_fixed_ones_stay() -> None:
    units = decisions(1)
    once, often = measure_effect(units), measure_effect(units, looks=12)
    assert once.low is not None
    assert often.low is not None
    assert (once.low, once.high) == (once.fixed_low, once.fixed_high) == (often.fixed_low, often.fixed_high)
    assert often.low < once.low
    assert (often.effect, often.looks) == (once.effect, 12)


def test_another_outcome_can_be_named() -> None:
    assert measure_effect(SMALL.rename({"outcome": "spend"}), outcome="spend") == measure_effect(SMALL)


def test_covariates_narrow_the_interval() -> None:
    units = decisions(1, spend=True)
    adjusted, plain = measure_effect(units), measure_effect(units.drop("before", "score"))
    assert plain.standard_error is not None
    assert adjusted.standard_error is not None
    assert adjusted.standard_error < 0.97 * plain.standard_error
    assert adjusted.effect_unadjusted == pytest.approx(plain.effect)


def test_a_row_without_cluster_is_one_of_its_own() -> None:
    alone = decisions(1).with_columns(cluster=pl.int_range(pl.len()))
    some = alone.with_columns(cluster=pl.when(pl.col("cluster") < 1_000).then("cluster"))
    assert measure_effect(some).standard_error == pytest.approx(measure_effect(alone.drop("cluster")).standard_error)


def test_clusters_of_any_type_are_the_same_clusters() -> None:
    numbered = decisions(1, clusters=60)
    named = numbered.with_columns(cluster=pl.format("region {}", "cluster"))
    assert measure_effect(named).standard_error == pytest.approx(measure_effect(numbered).standard_error)


def test_what_was_drawn_by_cluster_is_checked_by_cluster() -> None:
    # 30 of 60 clusters held out, as drawn; members alone would say 1,100 of 1,700.
    sizes = np.where(np.arange(60) < 30, 20, 37)
    cluster = np.repeat(np.arange(60), sizes)
    units = pl.DataFrame(
        {"is_treated": cluster >= 30, "outcome": np.arange(cluster.size) % 7 / 7, "holdout_share": 0.5, "cluster": cluster}
    )
    assert measure_effect(units).p_srm == pytest.approx(1)
    assert measure_effect(units).is_trustworthy
    by_member = measure_effect(units.drop("cluster"))
    assert by_member.p_srm is not None
    assert by_member.p_srm < 0.001
    assert not by_member.is_trustworthy


def test_few_clusters_are_not_trusted() -> None:
    assert measure_effect(decisions(1, clusters=12, share=0.5)).is_trustworthy is False


def test_clusters_with_both_arms_are_checked_by_member() -> None:
    units = decisions(1).with_columns(cluster=pl.int_range(pl.len()) % 50)
    assert measure_effect(units).p_srm == measure_effect(units.drop("cluster")).p_srm
