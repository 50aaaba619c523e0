"""Forecasts know the weekday, go with a trend, and hold as often as they say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community.forecasts import LEAST_DAYS, Forecast, Past, ahead, forecast
from community.readings import Floats, Reading, read

WEEK = np.array([1.0, 1.0, 1.0, 1.0, 1.2, 1.6, 0.4])


def community(seed: int, *, days: int = 700, trend: float = 0.0) -> Floats:
    """A daily count with a weekly season, a level that wanders, noise, and a trend a year."""
    random = np.random.default_rng(seed)
    level = np.exp(np.cumsum(random.normal(trend / 365, 0.01, days)))
    season = np.tile(WEEK, days // 7 + 1)[:days]
    return random.poisson(200 * level * season).astype(np.float64)


def test_a_series_that_repeats_itself_is_forecast_to_the_weekday() -> None:
    daily = np.tile(100 * WEEK, 30)
    for days in (1, 5, 6, 13, 40):
        told = forecast(daily, days=days, reading="day")
        assert told is not None
        assert told.expected == pytest.approx(100 * WEEK[(days - 1) % 7], rel=0.02), days


@pytest.mark.parametrize("reading", ["sum", "mean"])
def test_days_of_the_window_that_have_happened_are_not_forecast(reading: Reading) -> None:
    daily = community(1, days=200)
    past = Past.of(daily, reading)
    factor = 1 if reading == "sum" else 1 / 28
    assert past.smoothed(1)[-1] == pytest.approx((daily[-27:].sum() + past._day(1)[-1]) * factor)
    assert past.smoothed(30)[-1] == pytest.approx(sum(past._day(step)[-1] for step in range(3, 31)) * factor)


def test_steady_growth_goes_on() -> None:
    told = forecast(np.linspace(100, 400, 300), days=60, reading="day")
    assert told is not None
    assert told.expected == pytest.approx(460, rel=0.05)


def test_the_time_of_the_year_comes_again_where_two_years_are_known() -> None:
    days = np.arange(1_000)
    yearly = 300 + 200 * np.sin(2 * np.pi * days / 364)
    random = np.random.default_rng(5)
    daily = yearly * np.tile(WEEK, 143)[:1_000] + random.normal(0, 5, 1_000)
    true = yearly[-1] + 200 * (np.sin(2 * np.pi * (999 + 91) / 364) - np.sin(2 * np.pi * 999 / 364))
    long, short = (forecast(known, days=91, reading="mean") for known in (daily, daily[-400:]))
    assert long is not None
    assert short is not None
    assert abs(long.expected - true) < 0.5 * abs(short.expected - true)


def outcomes(reading: Reading) -> Iterator[tuple[Forecast, float]]:
    for seed in range(12):
        daily = community(seed, trend=(seed % 3 - 1) * 0.4)
        for origin in (250, 400, 550):
            past = Past.of(daily[: origin + 1], reading)
            yield from ((ahead(past, days), float(read(daily, reading)[origin + days])) for days in (14, 42, 91))


def test_intervals_hold_as_often_as_they_say_on_simulated_communities() -> None:
    held = [low <= actual <= high for told, actual in outcomes("mean") for low, high in [told.interval(0.9)]]
    assert len(held) == 108
    assert 0.85 <= np.mean(held) <= 0.97


@given(
    expected=st.floats(0, 1e6),
    spread=st.floats(0, 2),
    windows=st.floats(2, 60),
    targets=st.tuples(st.floats(-10, 2e6), st.floats(-10, 2e6)),
    kind=st.sampled_from(["count", "share", "score"]),
)
def test_the_chance_falls_with_the_target_and_intervals_hold_the_expected(
    expected: float, spread: float, windows: float, targets: tuple[float, float], kind: str
) -> None:
    expected = min(expected, 1.0) if kind == "share" else expected
    told = Forecast(expected, spread, windows, 1.0 if kind == "count" else None, kind)  # type: ignore[arg-type]
    low_target, high_target = sorted(targets)
    assert 0 <= told.chance(high_target) <= told.chance(low_target) <= 1
    low, high = told.interval()
    assert low <= expected + 1e-6 * max(1, expected)
    assert high >= expected - 1e-6 * max(1, expected)
    narrow = told.interval(0.5)
    assert low <= narrow[0]
    assert narrow[1] <= high
    if kind == "share":
        assert 0 <= low <= high <= 1


@settings(max_examples=8, deadline=None)
@given(daily=st.lists(st.integers(0, 4), min_size=LEAST_DAYS, max_size=150), days=st.integers(1, 400))
def test_any_series_has_a_finite_forecast(daily: list[int], days: int) -> None:
    told = forecast(np.array(daily, dtype=np.float64), days=days, reading="sum")
    assert told is not None
    assert np.isfinite([told.expected, told.spread, *told.interval(), told.chance(5.0)]).all()


def test_too_short_a_past_has_no_forecast() -> None:
    assert forecast(np.ones(LEAST_DAYS - 1), days=7, reading="day") is None
