from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.returns import NOT_ELIGIBLE, RETURNS_SCHEMA
from models.level import Level, churn_level, level_probabilities, level_spend, level_windows, value_level

AS_OF = date(2024, 6, 30)
FIRST_DAY = date(2021, 1, 1)
HORIZON_DAYS = 28
BANDS = (1, 7)
SHORT_DAYS = 14
Share = Callable[[date, int, int], float]


def counts(members: int, share: Share, *, spend: int = 100, bands: tuple[int, ...] = BANDS) -> pl.DataFrame:
    """Counts of a community with as many members in each band at every cut-off."""
    rows = []
    for cutoff, days in sorted(set(level_windows(AS_OF, horizon_days=HORIZON_DAYS, first_day=FIRST_DAY))):
        for band in bands:
            returned = round(members * share(cutoff, days, band)) if days else 0
            rows.append((cutoff, days, band, members, returned, returned, returned * spend))
    return pl.DataFrame(rows, schema=RETURNS_SCHEMA, orient="row")


def steady(_cutoff: date, days: int, band: int) -> float:
    return (0.6 if days == HORIZON_DAYS else 0.4) / (1 if band == 1 else 2)


def windy(change: float) -> Share:
    """The community is as ever, but for the past four weeks."""
    since = AS_OF - timedelta(days=2 * SHORT_DAYS)
    return lambda cutoff, days, band: steady(cutoff, days, band) * (change if days == SHORT_DAYS and cutoff >= since else 1)


def found(members: int, share: Share) -> Level:
    level = churn_level(counts(members, share), AS_OF, horizon_days=HORIZON_DAYS)
    assert level is not None
    return level


def test_a_steady_community_stays_at_its_level() -> None:
    level = found(1000, steady)
    assert level.mean == pytest.approx(1 - (0.6 + 0.3) / 2, abs=0.001)
    assert [level.recent, level.season] == pytest.approx([0, 0], abs=0.01)
    value = value_level(counts(1000, steady), AS_OF, horizon_days=HORIZON_DAYS)
    assert value is not None
    assert value.mean == pytest.approx((60 + 30) / 2, rel=0.001)


def test_when_fewer_return_more_are_expected_to_leave_and_the_more_members_show_it_the_more() -> None:
    leaving = [found(members, windy(0.5)) for members in (10, 100, 1000)]
    assert 0.01 < leaving[0].recent < leaving[1].recent < leaving[2].recent
    # Half as many return: log-odds of -.405 and -1.386 become -1.386 and -2.197; about 500 outcomes carry 5 / 6 of .7 of it.
    assert leaving[2].recent == pytest.approx(0.7 * 5 / 6 * 0.9, abs=0.05)
    assert leaving[2].mean > 1 - (0.6 + 0.3) / 2 + 0.1
    assert found(1000, windy(1.5)).recent < -0.3
    falling = value_level(counts(1000, windy(0.5)), AS_OF, horizon_days=HORIZON_DAYS)
    assert falling is not None
    assert falling.recent == pytest.approx(0.7 * np.log(0.5), abs=0.1)


def test_a_change_in_who_the_members_are_is_no_change_of_level() -> None:
    table = counts(1000, steady)
    is_newest = pl.col("cutoff") >= AS_OF - timedelta(days=2 * SHORT_DAYS)
    numbers = pl.col("members", "returned", "spenders", "spend_minor")
    level = churn_level(
        table.with_columns(pl.when(is_newest & (pl.col("band") == 1)).then(numbers // 5).otherwise(numbers)),
        AS_OF,
        horizon_days=HORIZON_DAYS,
    )
    assert level is not None
    assert level.recent == pytest.approx(0, abs=0.02)
    assert level.mean == pytest.approx(1 - (0.6 + 5 * 0.3) / 6, abs=0.005)


def test_the_same_days_of_last_year_move_the_level() -> None:
    last_year = AS_OF - timedelta(days=364)
    level = found(1000, lambda cutoff, days, band: steady(cutoff, days, band) * (0.5 if cutoff == last_year else 1))
    assert level.season > 0.1
    for age_days, is_known in ((90, True), (89, False)):
        windows = level_windows(AS_OF, horizon_days=90, first_day=last_year - timedelta(days=age_days))
        assert ((last_year, 90) in windows) == is_known


def test_levels_that_were_off_make_the_level_less_certain() -> None:
    swinging = found(1000, lambda cutoff, days, band: steady(cutoff, days, band) * (0.6 if cutoff.month % 2 else 1.2))
    assert swinging.standard_error > 1.5 * found(1000, steady).standard_error


def test_nothing_is_expected_of_a_community_without_outcomes_or_without_members() -> None:
    table = counts(1000, steady)
    assert churn_level(table.filter(pl.col("window_days") == 0), AS_OF, horizon_days=HORIZON_DAYS) is None
    assert churn_level(table.filter(pl.col("cutoff") < AS_OF), AS_OF, horizon_days=HORIZON_DAYS) is None
    assert churn_level(counts(9, steady, bands=(NOT_ELIGIBLE,)), AS_OF, horizon_days=HORIZON_DAYS) is None
    assert value_level(counts(9, lambda *_: 0.0), AS_OF, horizon_days=HORIZON_DAYS) is None


def test_no_window_begins_before_the_community_or_ends_after_the_night() -> None:
    for horizon_days in (7, 14, 28, 90, 180, 730):
        windows = level_windows(AS_OF, horizon_days=horizon_days, first_day=date(2023, 1, 1))
        assert all(date(2023, 1, 1) + timedelta(days=30) <= cutoff for cutoff, _ in windows)
        assert all(cutoff + timedelta(days=days) <= AS_OF for cutoff, days in windows)


probabilities = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=30).map(np.array)
levels = st.builds(Level, st.floats(0.01, 0.99), st.just(0.1), st.just(0.0), st.just(0.0), st.floats(0, 1))


@given(probabilities, levels)
def test_a_level_keeps_the_order_and_brings_the_mean_as_near_as_it_is_trusted(probability: np.ndarray, level: Level) -> None:
    moved = level_probabilities(probability, level)
    assert np.all((moved > 0) & (moved < 1))
    assert np.array_equal(np.argsort(probability, kind="stable"), np.argsort(moved, kind="stable"))
    own = probability.mean()
    log_odds = (1 - level.trust) * np.log(own / (1 - own)) + level.trust * np.log(level.mean / (1 - level.mean))
    assert moved.mean() == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=0.001)
    spend = level_spend(probability * 1000, level)
    assert spend.mean() == pytest.approx((own * 1000) ** (1 - level.trust) * level.mean**level.trust)


def test_spend_that_nobody_is_expected_to_make_stays_nothing() -> None:
    level = Level(100.0, 0.1, 0.0, 0.0, 0.9)
    assert level_spend(np.zeros(3), level).tolist() == [0, 0, 0]
    assert level_spend(np.zeros(0), level).size == 0
