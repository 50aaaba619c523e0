"""A change of the whole community is called sure when it is beyond what is usual there, and seldom when nothing changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from community.absence import absence_factor
from community.assessments import FIGURES, Change, Figure, assess
from community.member_periods import PERIOD_SCHEMA, PERIODS
from tests.community.periods import community

QUIET_NIGHTS = 300


def sure_of(by_period: pl.DataFrame) -> set[str]:
    return {one.what for one in assess(by_period, known=PERIODS) if one.change is not None and one.change.is_sure}


def figures(by_period: pl.DataFrame, known: int = PERIODS) -> dict[str, Figure]:
    return {one.what: one for one in assess(by_period, known=known)}


def rows(*done: tuple[int, int, int, int, int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(done, schema=PERIOD_SCHEMA, orient="row")


def test_figures_are_those_of_the_newest_period_of_the_one_before_and_of_a_year_before() -> None:
    told = figures(rows((0, 1, 1, 5, 3, 1, 700), (0, 2, 1, 1, 0, 0, 0), (1, 1, 1, 4, 1, 1, 350), (13, 3, 1, 2, 0, 0, 0)))
    assert list(told) == list(FIGURES)
    values = {name: (one.now, one.before, one.year_before) for name, one in told.items()}
    assert values == {
        "active_members": (2, 1, 1),
        "contributions_per_active": ((5 + 1) / 2, 4, 2),
        "connected_share": (1 / 2, 1, 0),
        "responses_per_active": (3 / 2, 1, 0),
        "absence_factor": (1, 1, 1),
        "spend": (7.0, 3.5, 0.0),
    }
    assert told["spend"].change == Change(7.0 / 3.5 - 1)


def test_what_a_community_has_no_data_for_is_left_out() -> None:
    assert list(figures(rows((0, 1, 1, 0, 0, 0, 700), (0, 2, 1, 0, 0, 0, 0)))) == ["active_members", "spend"]
    assert assess(pl.DataFrame(schema=PERIOD_SCHEMA), known=PERIODS) == ()


def test_a_period_that_is_not_known_as_a_whole_is_not_compared_with() -> None:
    by_period = community(1)
    young = figures(by_period, known=1)["active_members"]
    assert (young.before, young.year_before, young.change) == (None, None, None)
    older = figures(by_period, known=PERIODS - 1)["active_members"]
    assert (older.before is None, older.year_before) == (False, None)


def test_no_interval_is_given_while_too_little_is_known_or_too_few_are_active() -> None:
    # The newest change and four earlier ones need six periods.
    for by_period, known, has_interval in (
        (community(1), 5, False),
        (community(1), 6, True),
        (community(1, members=9), 14, False),
    ):
        change = figures(by_period, known)["active_members"].change
        assert change is not None
        assert (change.low is not None) == has_interval


@pytest.mark.parametrize(
    "quiet", [{}, {"members": 60, "months": 0.1}, {"growth": 0.02}], ids=["steady", "small, good and bad months", "growing"]
)
def test_a_quiet_community_is_seldom_said_to_have_changed(quiet: dict[str, Any]) -> None:
    alarms = sum(bool(sure_of(community(seed, **quiet))) for seed in range(QUIET_NIGHTS))
    # Measured: 4 of 100 nights, where 5 are meant.
    assert alarms / QUIET_NIGHTS <= 0.09


def test_a_planted_rise_and_a_planted_fall_are_found() -> None:
    for rise, sign in ((1.0, 1), (-0.6, -1)):
        found = [figures(community(seed, members=2_000, months=0.05, rise=rise))["active_members"].change for seed in range(20)]
        assert sum(one is not None and one.is_sure and np.sign(one.ratio) == sign for one in found) >= 18


def test_one_exceptional_month_does_not_hide_what_comes_after_it() -> None:
    found = [sure_of(community(seed, members=2_000, months=0.05, rise=1.0, exceptional=6)) for seed in range(20)]
    assert sum("active_members" in sure for sure in found) >= 15


def test_the_interval_holds_the_change_and_the_rows_may_come_in_any_order() -> None:
    by_period = community(3)
    for one in assess(by_period, known=PERIODS):
        assert one.change is not None
        assert one.change.low is not None
        assert one.change.high is not None
        assert one.change.low < one.change.ratio < one.change.high
    assert assess(by_period.sample(fraction=1, shuffle=True, seed=1), known=PERIODS) == assess(by_period, known=PERIODS)


def test_the_factor_is_that_of_the_community_s_carriers() -> None:
    by_period = community(4)
    made = by_period.filter(pl.col("period") == 0)["contributions"].to_list()
    assert figures(by_period)["absence_factor"].now == absence_factor(made)
