"""Trivial baselines: always fitted beside the models, and used instead of them where there is too little data.

They read a handful of features by name; a community that lacks one gets the baseline without it, as each function says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.calibration import LogitLine, fit_logit_line, logit
from models.panel import Floats, outcomes

RECENCY: Final = "days_since_last_activity"
GAP: Final = "gap_mean_days_365d"
ACTIVE_DAYS: Final = "active_days_365d"
SPEND: Final = "spend_365d"
TENURE: Final = "tenure_days"
YEAR_DAYS: Final = 365
# Disjoint ages in days and the windows whose difference gives the spend in them.
_SPEND_BANDS: Final = (("spend_28d", None, 0, 28), ("spend_90d", "spend_28d", 28, 90), ("spend_365d", "spend_90d", 90, 365))
_HALF_LIFE_DAYS: Final = 90.0

Signal = Literal["recency", "past_rate"]


@dataclass(frozen=True)
class OneSignal:
    """Churn probability by one number alone, through a one-feature logistic regression.

    Args:
        signal: `recency`, the logarithm of the days of silence, or `past_rate`, that of the active days a day in the past year.
        line: From the signal to log-odds.
        when_unknown: The signal of a member for whom it is null.
    """

    signal: Signal
    line: LogitLine
    when_unknown: float

    def probability(self, features: pl.DataFrame) -> Floats:
        """Return one probability per row, strictly between 0 and 1."""
        return self.line.probability(_signal(features, self.signal, when_unknown=self.when_unknown))


def fit_one_signal(rows: pl.DataFrame, signal: Signal) -> OneSignal:
    """Fit on rows of the panel with known outcomes; a faint pull towards no effect keeps it finite for any outcomes."""
    values = _signal(rows, signal, when_unknown=np.nan)
    finite = values[np.isfinite(values)]
    # Never active is the longest silence and the lowest rate there is.
    when_unknown = 0.0 if not finite.size else float(finite.max() if signal == "recency" else finite.min())
    filled = np.where(np.isfinite(values), values, when_unknown)
    return OneSignal(signal, fit_logit_line(filled, outcomes(rows), slope_prior=0.0, prior_weight=0.01), when_unknown)


def silence_prior(features: pl.DataFrame, *, horizon_days: int) -> Floats:
    """Guess churn before anything was observed to come true.

    A member silent for r days whose active days lie g days apart stays silent for h more with probability
    (r + g) / (r + g + h): the conditional survival of a Lomax law with shape 1 and scale g, the gap of a member whose own
    rate is unknown (Lomax 1954, Business Failures). An unknown g or r counts as h.
    """
    silence = _number(features, RECENCY, default=float(horizon_days))
    gap = np.maximum(_number(features, GAP, default=float(horizon_days)), 1.0)
    return (silence + gap) / (silence + gap + horizon_days)


def past_rate_minor(features: pl.DataFrame, *, horizon_days: int) -> Floats:
    """Expect the net spend of the past year to go on at its rate, in minor units over the horizon, never below 0.

    The rate is taken over min(365, days of membership) days and at least the horizon: a member who joined yesterday is not
    expected to spend every day what was spent yesterday. A community without spend gets 0.
    """
    spend = _number(features, SPEND, default=0.0) * MINOR_UNITS_PER_UNIT
    return np.maximum(spend, 0.0) * horizon_days / _exposure_days(features, at_least=horizon_days)


def recency_weighted_minor(features: pl.DataFrame, *, horizon_days: int) -> Floats:
    """Expect the net spend to go on at a rate in which spend loses half of its weight every 90 days.

    In minor units over the horizon, never below 0, from the spend at ages of 0–27, 28–89 and 90–364 days.
    """
    exposure_days = _exposure_days(features, at_least=horizon_days)
    spend, exposure = np.zeros(features.height), np.zeros(features.height)
    for outer, inner, start, end in _SPEND_BANDS:
        # A band counts by the age of its middle.
        weight = 0.5 ** ((start + end) / 2 / _HALF_LIFE_DAYS)
        inner_spend = _number(features, inner, default=0.0) if inner else 0.0
        spend += weight * (_number(features, outer, default=0.0) - inner_spend)
        exposure += weight * np.clip(exposure_days - start, 0, end - start)
    return np.maximum(spend, 0.0) * MINOR_UNITS_PER_UNIT * horizon_days / exposure


def _exposure_days(features: pl.DataFrame, *, at_least: int) -> Floats:
    # Both the day of joining and as_of are days of membership, hence + 1.
    membership_days = _number(features, TENURE, default=float(YEAR_DAYS)) + 1
    return np.clip(membership_days, min(at_least, YEAR_DAYS), YEAR_DAYS)


def _signal(features: pl.DataFrame, signal: Signal, *, when_unknown: float) -> Floats:
    if signal == "recency":
        return np.log1p(np.maximum(_number(features, RECENCY, default=np.expm1(when_unknown)), 0.0))
    active_days = _number(features, ACTIVE_DAYS, default=np.nan)
    # Nobody has fewer than half an active day, so that the logarithm is finite.
    rate = np.log(np.maximum(active_days, 0.5) / _exposure_days(features, at_least=1))
    return np.where(np.isfinite(rate), rate, when_unknown)


def _number(features: pl.DataFrame, name: str, *, default: float) -> Floats:
    """Read a feature as floats; `default` where it is null and everywhere when the frame lacks it."""
    if name not in features.columns:
        return np.full(features.height, default)
    return features[name].cast(pl.Float64).fill_null(default).to_numpy()


def base_rate_log_odds(outcome: Floats) -> float:
    """Return the log-odds of the share that churned, with one imagined member of each kind (Laplace's rule)."""
    return float(logit(np.array([(float(np.sum(outcome)) + 1) / (outcome.size + 2)]))[0])
