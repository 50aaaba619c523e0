"""Known effects, drawn a thousand times: whether the bounds hold as often as they promise; a few draws in `make test`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
import pytest

from engagement.effects import measure_effect
from engagement.experiments import compare_arms
from tests.engagement.communities import decisions
from tests.hillstrom import FILE as HILLSTROM

WEEKS = 52
COMMUNITIES: dict[str, tuple[float, dict[str, object]]] = {
    "members who return": (0.06, {}),
    "few members": (0.06, {"members": 300}),
    "spend": (5.0, {"spend": True}),
    "no effect": (0.0, {}),
    "no effect on spend, few held out": (0.0, {"spend": True, "share": 0.1}),
    "no effect, clusters": (0.0, {"members": 4_000, "clusters": 60, "share": 0.5}),
    "no effect, few clusters held out": (0.0, {"members": 4_000, "clusters": 60}),
}


def coverage(effect: float, seeds: range, drop: Iterator[str] | tuple[str, ...] = (), **community: object) -> float:
    """In which share of the draws the fixed bounds hold the true effect."""
    drawn = [measure_effect(decisions(seed, effect=effect, **community).drop(*drop)) for seed in seeds]  # type: ignore[arg-type]
    return sum(one.fixed_low <= effect <= one.fixed_high for one in drawn) / len(drawn)  # type: ignore[operator]


def year_is_covered(seed: int, *, effect: float, per_week: int = 60, bounds: Callable[[object], tuple[float, float]]) -> bool:
    """Whether the bounds held the true effect at every weekly look of a year, from the first look with both arms on."""
    units = decisions(seed, members=per_week * WEEKS, effect=effect)
    # 2 from the first look on, since it will be read again.
    looks = (measure_effect(units.head(per_week * week), looks=week + 1) for week in range(1, WEEKS + 1))
    held = [bounds(look) for look in looks if look.low is not None]
    return all(low <= effect <= high for low, high in held)


def of_all_looks(look: object) -> tuple[float, float]:
    return look.low, look.high  # type: ignore[attr-defined, no-any-return]


def of_one_look(look: object) -> tuple[float, float]:
    return look.fixed_low, look.fixed_high  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", COMMUNITIES)
def test_fixed_bounds_hold_the_truth_nearly_always(name: str) -> None:
    effect, community = COMMUNITIES[name]
    assert coverage(effect, range(60), **community) >= 0.86


@pytest.mark.soak
@pytest.mark.parametrize("name", COMMUNITIES)
def test_fixed_bounds_hold_the_truth_in_95_of_100(name: str) -> None:
    effect, community = COMMUNITIES[name]
    held = coverage(effect, range(1_000), **community)
    assert 0.93 <= held <= 0.97
    if effect == 0:
        # A false alarm is an interval that leaves out 0.
        assert 1 - held <= 0.065


def test_bounds_of_all_looks_hold_over_a_year_of_weekly_looks() -> None:
    assert all(year_is_covered(seed, effect=0.06, bounds=of_all_looks) for seed in range(5))


@pytest.mark.soak
@pytest.mark.parametrize("effect", [0.06, 0.0])
def test_bounds_of_all_looks_hold_in_95_of_100_years(effect: float) -> None:
    assert sum(year_is_covered(seed, effect=effect, bounds=of_all_looks) for seed in range(1_000)) >= 950


def test_fixed_bounds_do_not_hold_over_a_year_of_weekly_looks() -> None:
    assert sum(year_is_covered(seed, effect=0.0, bounds=of_one_look) for seed in range(30)) < 28


def test_members_as_if_on_their_own_hide_how_unsure_clusters_are() -> None:
    naive = coverage(0.0, range(60), ("cluster",), members=4_000, clusters=60, share=0.5)
    assert naive < 0.75


def test_an_effect_that_is_there_is_found() -> None:
    found = [measure_effect(decisions(seed, effect=0.15)) for seed in range(20)]
    assert all(one.low > 0 for one in found)  # type: ignore[operator]


@pytest.mark.skipif(not HILLSTROM.exists(), reason="the Hillstrom experiment is not here (EVENFALL_HILLSTROM)")
def test_the_effect_of_the_womens_e_mail_on_visits_is_reproduced() -> None:
    units = pl.read_csv(HILLSTROM, infer_schema_length=None).select(
        pl.col("history").alias("before"), arm="segment", outcome=pl.col("visit").cast(pl.Float64)
    )
    experiment = compare_arms(units, control="No E-Mail")
    womens = {one.arm: one for one in experiment.comparisons}["Womens E-Mail"]
    assert womens.effect_unadjusted == pytest.approx(0.0452, abs=5e-5)
    assert womens.effect == pytest.approx(0.04509494235220492, abs=1e-9)
    assert 0.037 < womens.low < womens.high < 0.053
    assert experiment.is_trustworthy
