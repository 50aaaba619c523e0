"""Forecasts know the weekday, go with a trend, and hold as often as they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from community import forecasts
from community.forecasts import LEAST_DAYS, Forecast, Past, States, ahead, forecast
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
    assert forecast(np.ones(LEAST_DAYS), days=7, reading="day") is not None


def known(readings: Floats, *, level: Floats | None = None) -> Past:
    """A past of a score whose smoothing is not fitted but given: the readings themselves, unless a level is."""
    nothing = np.zeros(len(readings))
    states = States(readings if level is None else level, nothing, nothing, 0.9)
    return Past(readings, readings, states, "day", None, "score")


def test_a_trend_goes_on_over_the_days_ahead_in_half_or_as_a_whole_and_is_damped_in_the_smoothing() -> None:
    told = forecasts._candidates(known(np.arange(100.0)), 14, 7)
    assert {name: values[-1] for name, values in told.items()} == {"level": 99, "half the trend": 99 + 7, "trend": 99 + 14}
    one = np.ones(100)
    for damping, three_days in ((0.5, 0.5 + 0.25 + 0.125), (1.0, 3)):
        states = States(10 * one, 2 * one, 0 * one, damping)
        assert Past(one, one, states, "day", None, "score").smoothed(3)[-1] == 10 + 2 * three_days


def test_what_came_after_the_same_day_a_year_of_weeks_before_comes_again_once_two_are_known() -> None:
    squares = np.arange(728.0) ** 2
    told = forecasts._candidates(known(squares), 14, 7)
    came = (727 - 364 + 14) ** 2 - (727 - 364) ** 2
    assert told["year before"][-1] == 727**2 + came
    assert told["half the year before"][-1] == 727**2 + came / 2
    assert "year before" not in forecasts._candidates(known(squares[1:]), 14, 7)
    assert "year before" not in forecasts._candidates(known(squares), 365, 7)


def test_another_forecast_than_the_level_is_chosen_where_its_squared_errors_were_clearly_smaller() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 400)
    chosen = {slope: forecasts._choose(known(slope * np.arange(400.0) + noise), 14) for slope in (0.0, 0.1, 0.13, 1.0)}
    # At 0.1 half the trend would have had 3 % smaller squared errors, at 0.13 a fifth.
    assert chosen == {0.0: "level", 0.1: "level", 0.13: "half the trend", 1.0: "trend"}
    # With fewer days than it looks ahead nothing is known of what would have helped.
    assert forecasts._choose(known(np.arange(100.0)), 40) == "level"


def test_old_errors_count_half_after_half_a_year_or_twice_the_days_ahead() -> None:
    for days, half_life in ((10, 180), (90, 180), (200, 400)):
        weights = forecasts._weights(801, days)
        assert (weights[-1], weights[-1 - half_life]) == (1, 0.5)


def test_the_spread_is_that_of_the_usual_errors_from_the_fifth_week_on() -> None:
    readings = np.random.default_rng(2).normal(0, 1, 300)
    # The level is twice the reading, and with the reading itself the forecast half as much again; the first days are far off.
    level = np.where(np.arange(300) < 28, 1e6, 2 * readings)
    errors = np.array([abs(readings[day + 7] - 1.5 * readings[day]) for day in range(28, 293)])
    weights = 0.5 ** (np.arange(264, -1, -1) / 180)
    usual = next(size for size in sorted(errors) if weights[errors <= size].sum() >= 0.8 * weights.sum())
    spread, windows = forecasts._usual_error(known(readings, level=level), "level", 7, 7)
    assert spread == pytest.approx(usual / 1.2815516)
    assert windows == pytest.approx(weights.sum() / 7)


def test_over_days_ahead_that_no_past_has_seen_errors_grow_as_those_of_a_random_walk() -> None:
    past = known(np.cumsum(np.random.default_rng(3).normal(0, 1, 100)))
    over_8_days, _ = forecasts._usual_error(past, "level", 8, 8)
    spread, windows = forecasts._spread(past, "level", 400, 25)
    assert windows == 2
    assert spread == pytest.approx(over_8_days * (400 / 8) ** 0.5)
    over_14, windows_of_14 = forecasts._usual_error(past, "level", 14, 14)
    both, of_both = forecasts._spread(past, "level", 14, 14)
    assert of_both == windows_of_14 + 2
    assert both == pytest.approx(((windows_of_14 * over_14**2 + 2 * over_8_days**2 * 14 / 8) / of_both) ** 0.5)


def test_intervals_and_chances_are_those_of_the_distribution() -> None:
    told = Forecast(100, 2, 1e9, None, "score")
    assert list(told.interval(0.9)) == pytest.approx([100 - 2 * 1.644854, 100 + 2 * 1.644854])
    assert told.chance(102) == pytest.approx(0.158655, abs=1e-6)
    assert Forecast(100, 0, 5).chance(100) == 1
    assert Forecast(100, 0.1, 5, 1.0).chance(0) == 1
    assert list(Forecast(50, 0.5, 5, 1.0).interval(0.0)) == pytest.approx([50, 50])
    assert 0 < Forecast(0.9, 0.1, 5, None, "share").chance(1) < 0.5
    assert Forecast(0.9, 0.1, 5, None, "share").chance(1.01) == 0


def test_errors_of_counts_and_amounts_are_ratios_but_of_small_numbers() -> None:
    offsets = {
        (kind, reading, level): forecasts._offset(np.array([np.nan, level, level]), reading, kind)
        for kind in ("count", "amount", "share", "score")
        for reading in ("mean", "sum")
        for level in (0.0, 100.0, 1_000.0)
    }
    assert {place for place, offset in offsets.items() if offset is None} == {
        place for place in offsets if place[0] in {"share", "score"}
    }
    assert [offsets["count", "sum", level] for level in (0.0, 100.0, 1_000.0)] == [5, 5, 20]
    assert [offsets["count", "mean", level] for level in (0.0, 100.0, 1_000.0)] == [5 / 28, 2, 20]
    assert offsets["amount", "sum", 0.0] == 1e-9


def test_of_a_long_past_the_newest_four_years_are_known_and_the_newest_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    daily, model = np.arange(1_500.0), forecasts._model
    lengths: list[int] = []

    def counted(kind: Any, values: Floats) -> Any:
        lengths.append(len(values))
        return model(kind, values)

    monkeypatch.setattr(forecasts, "_model", counted)
    assert Past.of(daily, "day").daily.tolist() == daily[-1_456:].tolist()
    assert lengths == [365, 1_456]


def test_what_would_have_helped_is_asked_over_a_quarter_of_the_past_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def chosen(_: Past, days: int) -> str:
        asked.append(days)
        return "level"

    monkeypatch.setattr(forecasts, "_choose", chosen)
    for days in (60, 10):
        ahead(known(np.arange(100.0)), days)
    assert asked == [25, 10]
