from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from engagement.experiments import Comparison, compare_arms, detectable, holm


def three_arms(*, members: int = 900, seed: int = 5, effect: float = 0.2) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    arm, before = random.choice(["control", "mail", "call"], members), random.normal(size=members)
    outcome = before + random.normal(size=members) + effect * (arm == "mail")
    return pl.DataFrame({"arm": arm, "before": before, "outcome": outcome})


def test_each_arm_is_compared_with_the_control() -> None:
    units = three_arms()
    experiment = compare_arms(units, control="control")
    assert list(experiment.arms) == ["control", "call", "mail"]
    assert sum(experiment.arms.values()) == 900
    assert [(one.arm, one.control) for one in experiment.comparisons] == [("call", "control"), ("mail", "control")]
    _, mail = experiment.comparisons
    assert mail.effect_unadjusted == pytest.approx(experiment.rates["mail"] - experiment.rates["control"])
    assert mail.relative == pytest.approx(mail.effect / experiment.rates["control"])
    assert experiment.is_trustworthy


def test_effects_agree_with_an_independent_reference() -> None:
    """Figures of tea-tasting 1.14.0: Mean("outcome", "before") of each arm with the control, before any correction."""
    call, mail = compare_arms(three_arms(), control="control").comparisons
    assert (call.effect, mail.effect) == pytest.approx((-0.022713445099407772, 0.19287736523479015), abs=1e-9)
    assert (call.p, mail.p) == pytest.approx((0.781791236560565, 2 * 0.02064469973645712), abs=1e-9)
    only_mail = compare_arms(three_arms().filter(pl.col("arm") != "call"), control="control").comparisons[0]
    assert (only_mail.low, only_mail.high) == pytest.approx((0.0296412153258733, 0.35611351514370704), abs=1e-9)
    assert mail.low < only_mail.low < only_mail.high < mail.high


def test_equal_shares_are_expected_unless_others_are_given() -> None:
    units = three_arms().filter((pl.col("arm") != "call") & ((pl.col("arm") == "mail") | (pl.int_range(pl.len()) % 4 == 0)))
    equal = compare_arms(units, control="control")
    given = compare_arms(units, control="control", shares={"control": 1, "mail": 4})
    assert equal.p_srm < 0.001 < given.p_srm
    assert (equal.is_trustworthy, given.is_trustworthy) == (False, True)


def test_an_arm_of_the_shares_without_members_is_a_mismatch() -> None:
    shares = {"control": 1, "mail": 1, "call": 1, "letter": 1}
    assert compare_arms(three_arms(), control="control", shares=shares).p_srm < 1e-9


def test_the_control_alone_has_nothing_to_compare() -> None:
    experiment = compare_arms(three_arms().filter(pl.col("arm") == "control"), control="control")
    assert (experiment.comparisons, experiment.p_srm, experiment.minimum_detectable_effect) == ((), None, None)


def test_an_arm_of_one_member_and_a_control_of_zeros_have_nulls() -> None:
    units = pl.DataFrame({"arm": ["control", "control", "mail"], "outcome": [0.0, 0.0, 1.0]})
    experiment = compare_arms(units, control="control")
    assert experiment.comparisons == (Comparison("mail", "control", 1.0, 1.0, None, None, None, None),)
    assert experiment.minimum_detectable_effect is None


def test_the_smallest_arm_sets_the_minimum_detectable_effect() -> None:
    units = three_arms().filter((pl.col("arm") != "mail") | (pl.int_range(pl.len()) % 5 == 0))
    experiment = compare_arms(units, control="control")
    assert min(experiment.arms, key=experiment.arms.__getitem__) == "mail"
    variances = units.with_columns(outcome=pl.col("outcome") - pl.col("before"))
    spread = {arm: one["outcome"].var() / one.height for (arm,), one in variances.partition_by("arm", as_dict=True).items()}
    wanted = (stats.norm.ppf(1 - 0.025 / 2) + stats.norm.ppf(0.8)) * np.sqrt(spread["mail"] + spread["control"])
    assert experiment.minimum_detectable_effect == pytest.approx(wanted, rel=0.02)


def test_the_minimum_detectable_effect_is_found_four_times_in_five() -> None:
    units = [three_arms(members=600, seed=seed, effect=0.0).filter(pl.col("arm") != "call") for seed in range(200)]
    wanted = compare_arms(units[0], control="control").minimum_detectable_effect
    treated = pl.when(pl.col("arm") == "mail").then(wanted).otherwise(0.0)
    moved = [compare_arms(one.with_columns(pl.col("outcome") + treated), control="control").comparisons[0] for one in units]
    assert np.mean([one.low > 0 for one in moved]) == pytest.approx(0.8, abs=0.08)
    assert detectable(1.0) == pytest.approx(1.96 + 0.8416, abs=1e-3)


def test_p_values_are_corrected_as_holm_says() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {
        "a": pytest.approx(0.03),
        "b": pytest.approx(0.06),
        "c": pytest.approx(0.06),
    }
    assert holm({"a": 0.9, "b": None}) == {"a": 1.0, "b": None}
    assert holm({}) == {}


def test_clusters_widen_what_members_on_their_own_would_show() -> None:
    random = np.random.default_rng(3)
    cluster = random.integers(0, 40, 2_000)
    units = pl.DataFrame(
        {
            "arm": np.where(cluster % 2, "mail", "control"),
            "outcome": random.normal(size=2_000) + random.normal(size=40)[cluster],
            "cluster": cluster,
        }
    )
    robust, naive = (compare_arms(one, control="control").comparisons[0] for one in (units, units.drop("cluster")))
    assert robust.high - robust.low > 3 * (naive.high - naive.low)
