"""The health index is the mean of its factors, each beside the community's own year; what they moved adds up to its change."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.figures import FIGURES_SCHEMA
from community.health import COMPARED_DAYS, FACTORS, assess_health
from features.calendar import YEAR_DAYS

FIRST = date(2023, 1, 1)
DAYS = 800
NIGHT = FIRST + timedelta(days=DAYS - 1)


def figures(**daily: np.ndarray) -> pl.DataFrame:
    rows = [(FIRST + timedelta(days=n), name, "", float(v)) for name, values in daily.items() for n, v in enumerate(values)]
    return pl.DataFrame(rows, schema=FIGURES_SCHEMA, orient="row").sort("day", "figure")


def wandering(seed: int, days: int = DAYS) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.round(100 * np.exp(np.cumsum(random.normal(0, 0.02, days))))


def community(seed: int, days: int = DAYS) -> pl.DataFrame:
    names = ("mau", "new_members", "contributors", "silent_share_30d", "dau", "lost_members", "spend", "buyers")
    return figures(**{name: wandering(seed + place, days) for place, name in enumerate(names)})


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_the_factors_moved_adds_up_to_the_change_and_their_mean_is_the_index(seed: int) -> None:
    health = assess_health(community(seed), as_of=NIGHT)
    assert health is not None
    assert health.index == pytest.approx(np.mean([factor.score for factor in health.factors]))
    assert set(health.before) == set(COMPARED_DAYS)
    for days in COMPARED_DAYS:
        assert sum(factor.moved[days] for factor in health.factors) == pytest.approx(health.index - health.before[days], abs=1e-9)
    assert all(0 <= factor.score <= 100 for factor in health.factors)


def test_the_index_of_a_past_day_is_what_that_night_said() -> None:
    every = community(7)
    health = assess_health(every, as_of=NIGHT)
    assert health is not None
    for days, index in health.before.items():
        then = assess_health(every, as_of=NIGHT - timedelta(days=days))
        assert then is not None
        assert then.index == pytest.approx(index)


def test_what_comes_after_the_night_changes_nothing() -> None:
    night = NIGHT - timedelta(days=100)
    every = community(3)
    assert assess_health(every, as_of=night) == assess_health(every.filter(pl.col("day") <= night), as_of=night)


def test_a_measure_is_scored_by_the_share_of_the_days_of_its_year_on_which_it_was_worse() -> None:
    mau = wandering(1)
    health = assess_health(figures(mau=mau), as_of=NIGHT)
    assert health is not None
    (members,) = health.factors
    past = mau[-YEAR_DAYS - 1 : -1]
    assert members.score == 100 * (sum(past < mau[-1]) + sum(past == mau[-1]) / 2) / YEAR_DAYS


def test_steady_growth_is_100_and_a_figure_that_is_better_low_counts_the_other_way() -> None:
    rising = np.arange(DAYS) + 100.0
    health = assess_health(figures(mau=rising, unanswered_share_30d=rising / 2_000), as_of=NIGHT)
    assert health is not None
    assert {factor.what: factor.score for factor in health.factors} == {"members": 100, "answers": 0}
    assert health.index == 50


def test_lost_members_are_judged_by_how_many_members_there_are_on_the_same_days() -> None:
    mau, lost = np.full(DAYS, 100.0), np.full(DAYS, 10.0)
    mau[-28:], lost[-28:] = 1_000 + 100 * np.arange(28), 15
    # Nobody could be lost in the first days, so that the two figures begin on different days.
    lost[:100] = 0
    known = figures(mau=mau, lost_members=lost).filter(pl.col("value") > 0)
    health = assess_health(known, as_of=NIGHT)
    assert health is not None
    assert {factor.what: factor.score for factor in health.factors} == {"members": 100, "loyalty": 100}


def test_a_factor_without_figures_or_without_variation_is_left_out_and_the_others_share_its_weight() -> None:
    health = assess_health(figures(mau=wandering(1), dau=wandering(2), buyers=np.zeros(DAYS)), as_of=NIGHT)
    assert health is not None
    assert [factor.what for factor in health.factors] == ["members", "liveliness"]
    assert [factor.what for factor in health.factors] == [name for name in FACTORS if name in {"members", "liveliness"}]


def test_a_day_on_which_a_measure_of_tonight_was_not_known_yet_is_not_compared_with() -> None:
    began = wandering(3)
    began[: DAYS - 200] = 0
    known = figures(mau=wandering(1), new_members=began, dau=wandering(2)).filter(pl.col("value") > 0)
    health = assess_health(known, as_of=NIGHT)
    assert health is not None
    assert [factor.what for factor in health.factors] == ["members", "liveliness"]
    assert set(health.before) == {days for days in COMPARED_DAYS if days < YEAR_DAYS}
    assert health.days == YEAR_DAYS


def test_a_community_in_its_first_twelve_weeks_has_no_index() -> None:
    young = figures(mau=wandering(1, 84), spend=wandering(2, 84))
    last = FIRST + timedelta(days=83)
    assert assess_health(young, as_of=last) is None
    older = assess_health(figures(mau=wandering(1, 85)), as_of=FIRST + timedelta(days=84))
    assert older is not None
    assert older.days == 56
    assert older.before == {}
    assert assess_health(pl.DataFrame(schema=FIGURES_SCHEMA), as_of=NIGHT) is None
