"""The level of tonight: how many of the eligible members leave, and how much the community spends, whoever it is.

A model learns its level from outcomes that began a whole horizon ago, the newest of them at a single cut-off. The level here is
that of the past year's outcomes, member by member band, moved by what has been known since: how many were active again within
two weeks of the past four weeks, compared with the year, and, where two years are known, how the same days of last year differed.
Each of these moves the level less, the fewer outcomes it rests on. The predictions keep their order; their mean becomes this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final, Protocol

import numpy as np
import polars as pl

from features.calendar import YEAR_DAYS
from features.returns import BANDS, NOT_ELIGIBLE
from models.calibration import LOWEST_PROBABILITY, fit_intercept, logistic, logit
from models.panel import Floats, floats

# All of this was chosen on the older cut-offs of nine data sets (decision 52); neighbouring values measured nearly alike.
_STEP_DAYS: Final = 28
_CUTOFFS: Final = 14
_SHORT_DAYS: Final = 14
# Days after which returns say something of a night whose horizon is not over.
EARLY_DAYS: Final = (7, 14)
_SHORT_WINDOWS: Final = 2
_WARM_UP_DAYS: Final = 30
_SEASON_WARM_UP_DAYS: Final = 90
# Most of a change that is carried to tonight: of the past four weeks, and of the same days of last year.
_RECENT_SHARE: Final = 0.7
_SEASON_SHARE: Final = 0.3
# Most of the way from the model's own level to this one.
_LEVEL_SHARE: Final = 0.9
# Outcomes with which half of each share is gone.
_HALF_TRUST: Final = 100.0
# Outcomes of the whole community that a band starts with.
_BAND_PRIOR: Final = 2.0
# Standard deviation of a level before any was seen to come true, and the number of cut-offs it counts as.
_PRIOR_DEVIATION: Final = 0.3
_PRIOR_CUTOFFS: Final = 3.0
_PULL: Final = 0.5
_MOST_STEPS: Final = 60
_CONVERGED: Final = 1e-9


@dataclass(frozen=True)
class Level:
    """What is expected of the whole community over a horizon that begins tonight.

    Args:
        mean: The share of eligible members that leaves, or the minor units that one member known tonight spends on average.
        standard_error: Of `mean`, on the scale of log-odds or of logarithms; from how far earlier levels were off.
        recent: The part of the past four weeks in it, as a difference from the past year on that scale.
        season: The part of the same days of last year; 0 where they are not known.
        trust: How far predictions are moved from their own mean to this one, 0 to 1.
        early_shares: Days → share of the members who return within the horizon that does so within these days.
    """

    mean: float
    standard_error: float
    recent: float
    season: float
    trust: float
    early_shares: Mapping[int, float] = field(default_factory=dict)


def level_windows(as_of: date, *, horizon_days: int, first_day: date) -> list[tuple[date, int]]:
    """List the cut-offs and windows whose returns the level of a night needs, as `features.returns.count_returns` takes them.

    Args:
        as_of: The night.
        horizon_days: Days of the horizon.
        first_day: First day of the history; cut-offs soon after it do not know yet who is usually active.
    """
    short, matured = min(_SHORT_DAYS, horizon_days), _matured(as_of, horizon_days, first_day)
    windows = [(as_of, 0), *((cutoff, days) for cutoff in matured for days in (horizon_days, short, *_early(horizon_days)))]
    earliest = first_day + timedelta(days=_WARM_UP_DAYS)
    windows += [(cutoff, short) for cutoff in _recent(as_of, short) if cutoff >= earliest]
    last_year = as_of - timedelta(days=YEAR_DAYS)
    is_known = horizon_days <= YEAR_DAYS and last_year >= first_day + timedelta(days=_SEASON_WARM_UP_DAYS)
    return [*windows, *([(last_year, horizon_days)] if is_known else [])]


def first_day_needed(as_of: date, *, horizon_days: int, eligible_days: int) -> date:
    """Return the first day of activity that the level of a night needs."""
    return as_of - timedelta(days=max(horizon_days + _STEP_DAYS * (_CUTOFFS - 1), YEAR_DAYS) + eligible_days)


def churn_level(counts: pl.DataFrame, as_of: date, *, horizon_days: int) -> Level | None:
    """Expect the share of tonight's eligible members that leaves; None while no outcome is known or nobody is eligible.

    Args:
        counts: What `features.returns.count_returns` returned of `level_windows`.
        as_of: The night.
        horizon_days: Days of the churn horizon.
    """
    stays = _level(counts.filter(pl.col("band") != NOT_ELIGIBLE), as_of, horizon_days, _Returns())
    if stays is None:
        return None
    return replace(stays, mean=1 - stays.mean, recent=-stays.recent, season=-stays.season)


def value_level(counts: pl.DataFrame, as_of: date, *, horizon_days: int) -> Level | None:
    """Expect the mean spend of the members known tonight; None while no spend is known.

    Args:
        counts: What `features.returns.count_returns` returned of `level_windows`.
        as_of: The night.
        horizon_days: Days of the value horizon.
    """
    return _level(counts, as_of, horizon_days, _Spend())


def level_probabilities(probability: Floats, level: Level) -> Floats:
    """Move the log-odds of all probabilities of leaving alike, so that their mean comes to the level as far as it is trusted."""
    own_mean = float(np.mean(np.sort(probability)))
    log_odds, own = logit(probability), float(logit(np.array([own_mean]))[0])
    aim = logistic(np.array([own + level.trust * (float(logit(np.array([level.mean]))[0]) - own)]))[0]
    shift = fit_intercept(log_odds, np.full(probability.shape, aim))
    return np.clip(logistic(log_odds + shift), LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)


def level_spend(expected_minor: Floats, level: Level) -> Floats:
    """Multiply all expectations alike, so that their mean comes to the level as far as it is trusted."""
    return np.asarray(expected_minor * spend_factor(expected_minor, level), dtype=np.float64)


def spend_factor(expected_minor: Floats, level: Level) -> float:
    """Return what `level_spend` multiplies by; ends of ranges are multiplied by the same."""
    own_mean = float(np.mean(np.sort(expected_minor))) if expected_minor.size else 0.0
    return float((level.mean / own_mean) ** level.trust) if own_mean > 0 and level.mean > 0 else 1.0


@dataclass(frozen=True)
class _Counts:
    """Counts of some cut-offs together, one entry per band: members, and the columns of `RETURNS_SCHEMA` beside them."""

    members: Floats
    returned: Floats
    spenders: Floats
    spend_minor: Floats


class _Scale(Protocol):
    """The outcome whose level is estimated, and the scale on which levels are compared."""

    def rates(self, counts: _Counts) -> Floats:
        """Return the outcome per member of each band."""

    def outcomes(self, counts: _Counts) -> float:
        """Return the number of outcomes that say something about the level."""

    def difference(self, counts: _Counts, rates: Floats) -> tuple[float, float]:
        """Return how far the outcomes are from what these rates expect, and the number of outcomes that says so."""

    def mean(self, members: Floats, rates: Floats, difference: float) -> float:
        """Return the outcome per member, that far from these rates."""


class _Returns:
    """Shares of members who return, compared in log-odds."""

    def rates(self, counts: _Counts) -> Floats:
        overall = (np.sum(counts.returned) + 1) / (np.sum(counts.members) + 2)
        shares = (counts.returned + _BAND_PRIOR * overall) / (counts.members + _BAND_PRIOR)
        return np.asarray(shares, dtype=np.float64)

    def outcomes(self, counts: _Counts) -> float:
        return float(np.sum(counts.members))

    def difference(self, counts: _Counts, rates: Floats) -> tuple[float, float]:
        """Solve for the difference by bands: the members of a band are equal, so that they count as one row with a weight."""
        log_odds, difference = logit(rates), 0.0
        for _ in range(_MOST_STEPS):
            shares = logistic(log_odds + difference)
            information = float(np.sum(counts.members * shares * (1 - shares)))
            # A faint pull to 0 keeps the difference finite where nobody or everybody returned.
            slope = float(np.sum(counts.members * shares - counts.returned)) + _PULL * difference
            step = float(np.clip(slope / (information + _PULL), -1, 1))
            difference -= step
            if abs(step) < _CONVERGED:
                break
        return difference, information

    def mean(self, members: Floats, rates: Floats, difference: float) -> float:
        return float(np.sum(members * logistic(logit(rates) + difference)) / np.sum(members))


class _Spend:
    """Spend per member, compared in logarithms."""

    def rates(self, counts: _Counts) -> Floats:
        overall = np.sum(counts.spend_minor) / np.sum(counts.members)
        shares = (counts.spend_minor + _BAND_PRIOR * overall) / (counts.members + _BAND_PRIOR)
        return np.asarray(np.maximum(shares, 0.0), dtype=np.float64)

    def outcomes(self, counts: _Counts) -> float:
        return float(np.sum(counts.spenders))

    def difference(self, counts: _Counts, rates: Floats) -> tuple[float, float]:
        expected, actual = float(np.sum(counts.members * rates)), float(np.sum(counts.spend_minor))
        if expected <= 0 or actual <= 0:
            return 0.0, 0.0
        return float(np.log(actual / expected)), self.outcomes(counts)

    def mean(self, members: Floats, rates: Floats, difference: float) -> float:
        return float(np.sum(members * rates) / np.sum(members) * np.exp(difference))


def _level(counts: pl.DataFrame, as_of: date, horizon_days: int, scale: _Scale) -> Level | None:
    matured = sorted(_cutoffs(counts, horizon_days) & set(_matured(as_of, horizon_days, date.min)))
    tonight, year = _sum(counts, [as_of], 0), _sum(counts, matured, horizon_days)
    if not np.sum(tonight.members) or not scale.outcomes(year):
        return None
    rates, short = scale.rates(year), min(_SHORT_DAYS, horizon_days)
    usual = scale.rates(_sum(counts, matured, short))
    recent = _carried(scale.difference(_sum(counts, _recent(as_of, short), short), usual), _RECENT_SHARE)
    last_year = [as_of - timedelta(days=YEAR_DAYS)]
    season = _carried(scale.difference(_sum(counts, last_year, horizon_days), rates), _SEASON_SHARE)
    off = [scale.difference(_sum(counts, [cutoff], horizon_days), rates)[0] for cutoff in matured]
    mean = scale.mean(tonight.members, rates, recent + season)
    early = {days: _sum(counts, matured, days) for days in _early(horizon_days)}
    # At least one return, so that a share is defined.
    shares = {days: float(np.sum(soon.returned) / max(float(np.sum(year.returned)), 1.0)) for days, soon in early.items()}
    return Level(mean, _standard_error(off), recent, season, _LEVEL_SHARE * _trust(scale.outcomes(year)), shares)


def _carried(difference: tuple[float, float], most: float) -> float:
    found, outcomes = difference
    return most * _trust(outcomes) * found


def _trust(outcomes: float) -> float:
    return outcomes / (outcomes + _HALF_TRUST)


def _standard_error(off: list[float]) -> float:
    squares = float(np.sum(np.square(off))) + _PRIOR_CUTOFFS * _PRIOR_DEVIATION**2
    return float(np.sqrt(squares / (len(off) + _PRIOR_CUTOFFS)))


def _matured(as_of: date, horizon_days: int, first_day: date) -> list[date]:
    """List the cut-offs of about a year whose outcome is over, the newest first."""
    cutoffs = [as_of - timedelta(days=horizon_days + _STEP_DAYS * back) for back in range(_CUTOFFS)]
    return [cutoff for cutoff in cutoffs if cutoff.toordinal() >= first_day.toordinal() + _WARM_UP_DAYS]


def _recent(as_of: date, short_days: int) -> list[date]:
    """List the cut-offs whose short windows follow one another up to the night."""
    return [as_of - timedelta(days=short_days * (back + 1)) for back in range(_SHORT_WINDOWS)]


def _early(horizon_days: int) -> list[int]:
    return [days for days in EARLY_DAYS if days < horizon_days]


def _cutoffs(counts: pl.DataFrame, window_days: int) -> set[date]:
    return set(counts.filter(pl.col("window_days") == window_days)["cutoff"])


def _sum(counts: pl.DataFrame, cutoffs: list[date], window_days: int) -> _Counts:
    chosen = counts.filter((pl.col("window_days") == window_days) & pl.col("cutoff").is_in(cutoffs))
    columns = ("members", "returned", "spenders", "spend_minor")
    # Every band has an entry, so that counts of different cut-offs fit each other.
    summed = pl.DataFrame({"band": range(BANDS)}, schema={"band": pl.Int32}).join(
        chosen.group_by("band").agg(pl.col(columns).sum()), on="band", how="left", maintain_order="left"
    )
    return _Counts(*(floats(summed[column].fill_null(0)) for column in columns))
