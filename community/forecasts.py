"""Forecast a daily figure for a day ahead, with the errors that the same forecast would have made in the past.

From day to day it is exponential smoothing in its state-space form, ETS(A, Ad, A): a level, a damped trend and a season of seven
days. Source: Hyndman, Koehler, Ord & Snyder, Forecasting with Exponential Smoothing (2008). Its mean with what the reading is
now misses by less than either (Bates & Granger 1969). Where it would have helped in the past, the change of the days before goes
on, or that of the same days a year before comes again.
How sure a forecast is comes from no model: it is computed for every past day from what was known by then, and its errors there
are those expected now. Source of the idea: conformal prediction, Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World
(2005); as the windows overlap, Student's quantile stands in for the order statistic.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from community.readings import WINDOW_DAYS, Floats, Reading, read, trailing_sums
from features.calendar import WEEK_DAYS, YEAR_DAYS

Kind = Literal["count", "amount", "share", "score"]

# Less cannot tell a season of seven days from chance.
LEAST_DAYS: Final = 56
# Four years: a community of ten years ago was another.
_KNOWN_DAYS: Final = 1_456
# The parameters are those of the newest year; older days only give errors.
_FITTED_DAYS: Final = 365
# The first weeks of smoothing are still looking for their level.
_WARM_UP_DAYS: Final = 28
# Another forecast than the smoothed level has to have missed by less than this share of its squared errors.
_MARGIN: Final = 0.9
# An error counts half when it is so old, or twice the days ahead.
_HALF_LIFE_DAYS: Final = 180
# The share of past errors by which their spread is measured, so that a few exceptional ones do not widen everything after them.
_USUAL_SHARE: Final = 0.8
# Over long horizons few windows are known. Errors over a shorter one, grown as those of a random walk, count as so many windows.
_PRIOR_WINDOWS: Final = 2.0
_SHORT_WINDOWS: Final = 8
# Below so many counts errors are differences rather than ratios, and below that share of the median likewise.
_OFFSET_COUNTS: Final = 5
_OFFSET_SHARE: Final = 0.02
_SMALLEST_OFFSET: Final = 1e-9


@dataclass(frozen=True)
class Forecast:
    """What a reading will be on a day ahead.

    Args:
        expected: The middle of what is expected.
        spread: The standard deviation that past errors show; of the logarithm where `offset` is given.
        windows: How many independent past windows the spread rests on: the degrees of freedom.
        offset: What is added before the logarithm is taken; None where errors are differences.
        kind: What kind of value it is.
    """

    expected: float
    spread: float
    windows: float
    offset: float | None = None
    kind: Kind = "count"

    def interval(self, share: float = 0.9) -> tuple[float, float]:
        """Return the ends of the interval that holds with probability `share`."""
        from scipy.special import stdtrit

        width = float(stdtrit(self.windows, (1 + share) / 2)) * self.spread
        return limit(self._back(self._middle - width), self.kind), limit(self._back(self._middle + width), self.kind)

    def chance(self, target: float) -> float:
        """Return the probability that the reading is `target` or more."""
        from scipy.special import stdtr

        if self.kind == "share" and target > 1:
            return 0.0
        if self.spread <= 0:
            return float(self.expected >= target)
        if self.kind != "score" and target <= 0:
            return 1.0
        return float(stdtr(self.windows, (self._middle - self._forth(target)) / self.spread))

    @property
    def _middle(self) -> float:
        return self._forth(self.expected)

    def _forth(self, value: float) -> float:
        return value if self.offset is None else math.log(max(value, 0.0) + self.offset)

    def _back(self, value: float) -> float:
        return value if self.offset is None else math.exp(value) - self.offset


def limit(value: float, kind: Kind) -> float:
    """Return the possible value of a kind that is nearest."""
    return value if kind == "score" else min(max(value, 0.0), 1.0 if kind == "share" else math.inf)


def forecast(daily: Floats, *, days: int, reading: Reading, kind: Kind = "count") -> Forecast | None:
    """Forecast the reading `days` ahead of the last day; None where fewer than `LEAST_DAYS` are known.

    Args:
        daily: One value per day, the night's last, without gaps.
        days: How far ahead, 1 or more.
        reading: What is read.
        kind: What kind of value it is. Errors of counts and amounts are ratios, those of shares and scores differences.
    """
    if len(daily) < LEAST_DAYS:
        return None
    return ahead(Past.of(daily, reading, kind=kind), days)


def ahead(past: Past, days: int) -> Forecast:
    """Forecast the reading `days` ahead of the last day of a past."""
    lookback = max(1, min(days, len(past.daily) // 4))
    chosen = _choose(past, lookback)
    middle = _candidates(past, days, lookback)[chosen][-1]
    spread, windows = _spread(past, chosen, days, lookback)
    return Forecast(limit(past.back(float(middle)), past.kind), spread, windows, past.offset, past.kind)


@dataclass(frozen=True)
class States:
    """The states of the smoothing after each day.

    Args:
        level: One value per day.
        trend: What a day adds, before damping; one value per day.
        season: The effect of the weekday of each day.
        damping: By what the trend shrinks from day to day.
    """

    level: Floats
    trend: Floats
    season: Floats
    damping: float


def smooth(daily: Floats) -> States:
    """Fit level, damped trend and weekly season to the newest year, and run them over all days."""
    # Slow to import, and a night without goals needs none of it.
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    scale = float(np.std(daily)) or 1.0
    with warnings.catch_warnings():
        # A constant series has no unique parameters; any of them forecast it.
        warnings.simplefilter("ignore")
        fitted = _model(ETSModel, daily[-_FITTED_DAYS:] / scale).fit(disp=False)
        run = _model(ETSModel, daily / scale).smooth(fitted.params)
    damping = float(fitted.damping_trend)
    return States(run.level * scale, run.slope * scale, run.season * scale, damping)


def _model(model: Any, daily: Floats) -> Any:
    return model(
        daily,
        error="add",
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=WEEK_DAYS,
        initialization_method="heuristic",
    )


@dataclass(frozen=True)
class Past:
    """A figure's past, with all that forecasts from any of its days need.

    Args:
        daily: One value per day.
        readings: The reading of each day; NaN for the first days of a window.
        states: The states after each day.
        reading: What is read.
        offset: What is added before logarithms are taken; None where errors are differences.
        kind: What kind of value it is.
    """

    daily: Floats
    readings: Floats
    states: States
    reading: Reading
    offset: float | None
    kind: Kind

    @classmethod
    def of(cls, daily: Floats, reading: Reading, *, kind: Kind = "count") -> Past:
        """Smooth a figure."""
        daily = daily[-_KNOWN_DAYS:]
        readings = read(daily, reading)
        return cls(daily, readings, smooth(daily), reading, _offset(readings, reading, kind), kind)

    def forth(self, values: Floats) -> Floats:
        """Return values on the scale of errors."""
        return values if self.offset is None else np.log(np.maximum(values, 0.0) + self.offset)

    def back(self, value: float) -> float:
        """Return a value from the scale of errors."""
        return value if self.offset is None else math.exp(value) - self.offset

    def smoothed(self, days: int) -> Floats:
        """Return, for each day, the reading expected `days` after it by the smoothing; NaN where none can be."""
        if self.reading == "day":
            return self._day(days)
        steps = [self._day(step) for step in range(max(1, days - WINDOW_DAYS + 1), days + 1)]
        total: Floats = np.sum(steps, axis=0)
        if days < WINDOW_DAYS:
            # The first days of the window have happened.
            total = total + trailing_sums(self.daily, WINDOW_DAYS - days)
        return total if self.reading == "sum" else total / WINDOW_DAYS

    def _day(self, step: int) -> Floats:
        damping = self.states.damping
        reach = damping * (1 - damping**step) / (1 - damping) if damping < 1 else float(step)
        # The newest effect that is known of the same weekday.
        back = (-step) % WEEK_DAYS
        season = _later(self.states.season, back)
        expected: Floats = self.states.level + reach * self.states.trend + season
        return expected


def _candidates(past: Past, days: int, lookback: int) -> dict[str, Floats]:
    """Return forecasts from every day on the scale of errors, by name; NaN where one cannot be made.

    Args:
        past: The past.
        days: How far ahead.
        lookback: The days before whose change goes on in half or as a whole.
    """
    readings, smoothed = past.forth(past.readings), past.forth(past.smoothed(days))
    # Only a reading of the day itself may have a weekday.
    steady = _later(readings, (-days) % WEEK_DAYS) if past.reading == "day" else readings
    level = (smoothed + steady) / 2
    change = (readings - _later(readings, lookback)) * days / lookback
    forecasts = {"level": level, "half the trend": level + change / 2, "trend": level + change}
    if days <= YEAR_DAYS <= len(readings) // 2:
        year_before = _later(readings, YEAR_DAYS - days) - _later(readings, YEAR_DAYS)
        forecasts |= {"half the year before": level + year_before / 2, "year before": readings + year_before}
    return forecasts


def _choose(past: Past, days: int) -> str:
    """Return the name of the forecast with the smallest past errors, over the days from which each could be made."""
    actual = past.forth(past.readings)
    errors = {name: _errors(one, actual, days) for name, one in _candidates(past, days, days).items()}
    known = np.isfinite(np.sum(list(errors.values()), axis=0))
    if known.sum() < days:
        return "level"
    weights = _weights(len(known), days)[known]
    scores = {name: float(np.average(np.square(one[known]), weights=weights)) for name, one in errors.items()}
    best = min(scores, key=lambda name: scores[name])
    return best if scores[best] < _MARGIN * scores["level"] else "level"


def _errors(expected: Floats, actual: Floats, days: int) -> Floats:
    """Return, for each day whose outcome is known, the outcome less what was expected; NaN where nothing was."""
    errors = actual[days:] - expected[: max(0, len(actual) - days)]
    errors[:_WARM_UP_DAYS] = np.nan
    return errors


def _weights(known: int, days: int) -> Floats:
    """Return the weight of each of so many errors, the newest last."""
    ages = np.arange(known - 1, -1, -1)
    weights: Floats = 0.5 ** (ages / max(_HALF_LIFE_DAYS, 2 * days))
    return weights


def _spread(past: Past, chosen: str, days: int, lookback: int) -> tuple[float, float]:
    """Return the standard deviation that past errors show, and the number of independent windows it rests on."""
    short = max(1, min(days, (len(past.daily) - _WARM_UP_DAYS) // (_SHORT_WINDOWS + 1)))
    spread, windows = _usual_error(past, chosen, days, lookback)
    of_short, _ = _usual_error(past, chosen, short, min(short, lookback))
    grown = of_short * math.sqrt(days / short)
    total = windows + _PRIOR_WINDOWS
    return math.sqrt((windows * spread**2 + _PRIOR_WINDOWS * grown**2) / total), total


def _usual_error(past: Past, chosen: str, days: int, lookback: int) -> tuple[float, float]:
    """Return the spread of the errors over one horizon, and how many windows they are; 0 and 0 where there are none."""
    from scipy.special import ndtri

    expected = _candidates(past, days, lookback).get(chosen)
    errors = np.empty(0) if expected is None else np.abs(_errors(expected, past.forth(past.readings), days))
    known = np.isfinite(errors)
    if not known.any():
        return 0.0, 0.0
    weights, errors = _weights(len(errors), days)[known], errors[known]
    order = np.argsort(errors)
    share = np.cumsum(weights[order]) / weights.sum()
    usual = float(errors[order][np.searchsorted(share, _USUAL_SHARE)])
    return usual / float(ndtri((1 + _USUAL_SHARE) / 2)), float(weights.sum()) / days


def _later(values: Floats, days: int) -> Floats:
    """Return the value of so many days before, for each day; NaN for the first days."""
    if days == 0:
        return values
    moved = np.full(len(values), np.nan)
    moved[days:] = values[: max(0, len(values) - days)]
    return moved


def _offset(readings: Floats, reading: Reading, kind: Kind) -> float | None:
    """Return what is added before logarithms are taken, so that zeros and the chance of small counts do not look like changes."""
    if kind in {"share", "score"}:
        return None
    known = np.abs(readings[np.isfinite(readings)])
    of_median = _OFFSET_SHARE * float(np.median(known)) if len(known) else 0.0
    counts = _OFFSET_COUNTS / (WINDOW_DAYS if reading == "mean" else 1) if kind == "count" else 0.0
    return max(of_median, counts, _SMALLEST_OFFSET)
