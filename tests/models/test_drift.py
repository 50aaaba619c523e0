from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from models.drift import Drift, drift, learn_reference

FEATURES = ("visits", "platform", "score")


def members(count: int, *, seed: int, shift: float = 0.0, platforms: tuple[str, ...] = ("web", "ios")) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "visits": random.poisson(3, count) + shift,
            "platform": random.choice(platforms, count),
            "score": random.beta(2, 3, count),
            "joined": pl.Series([None] * count, dtype=pl.Date),
        }
    )
    return frame.with_columns(pl.when(pl.int_range(pl.len()) % 7 > 0).then("visits"))


def found(then: pl.DataFrame, now: pl.DataFrame) -> dict[str, Drift]:
    # Through JSON, as it is stored.
    reference = json.loads(json.dumps(learn_reference(then, then.columns), allow_nan=False))
    assert reference.keys() == set(FEATURES)
    return {one.feature: one for one in drift(reference, now)}


@pytest.mark.parametrize("count", [30, 300, 5_000])
def test_other_members_of_the_same_kind_have_not_drifted(count: int) -> None:
    for seed in range(20):
        drifts = found(members(count, seed=seed), members(count, seed=seed + 100)).values()
        assert not any(one.is_much or one.has_new_value for one in drifts)
    assert all(one.index == 0 for one in found(members(500, seed=1), members(500, seed=1)).values())


def test_features_that_have_moved_are_found_and_come_first() -> None:
    moved = members(1_000, seed=2, shift=2.0)
    drifts = found(members(1_000, seed=1), moved)
    assert next(iter(drifts)) == "visits"
    assert drifts["visits"].is_much
    assert not drifts["score"].is_much
    missing = found(members(1_000, seed=1), moved.with_columns(visits=pl.lit(None, pl.Float64)))
    assert missing["visits"].index > drifts["visits"].index


def test_the_index_is_the_sum_over_bins_as_it_is_defined() -> None:
    then, now = pl.DataFrame({"platform": ["a"] * 60 + ["b"] * 40}), pl.DataFrame({"platform": ["a"] * 30 + ["b"] * 70})
    # Bins are a, b, other values and nulls, each with half a member more.
    shares = [(60.5 / 102, 30.5 / 102), (40.5 / 102, 70.5 / 102)]
    expected = sum((after - before) * np.log(after / before) for before, after in shares) - 3 * (2 / 102)
    assert drift(learn_reference(then, ["platform"]), now)[0].index == pytest.approx(expected)


def test_a_text_that_was_never_seen_is_a_new_value() -> None:
    drifts = found(members(1_000, seed=1), members(1_000, seed=2, platforms=("web", "ios", "kiosk")))
    assert drifts["platform"].has_new_value
    assert drifts["platform"].is_much
    assert not drifts["visits"].has_new_value


def test_a_feature_that_is_gone_or_changed_its_kind_is_not_compared() -> None:
    then = members(100, seed=1)
    assert set(found(then, then.drop("visits"))) == {"platform", "score"}
    assert found(then, then.with_columns(platform=pl.lit(1.0)))["platform"] == Drift("platform", 0.0, is_much=False)
    assert drift(learn_reference(then, ["visits"]), then.clear()) == []
