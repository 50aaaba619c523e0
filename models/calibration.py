"""Calibration of scores to probabilities, by a line on the scale of log-odds.

Platt's method (Platt 1999, with the smoothed targets of his paper, which keep it finite when only one outcome was seen).
Beta calibration and isotonic regression were measured beside it and gave no better Brier score or log loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.panel import Floats

LOWEST_PROBABILITY: Final = 1e-6
_MOST_STEPS: Final = 100
_MOST_HALVINGS: Final = 40
_CONVERGED: Final = 1e-12
_TINY: Final = 1e-12
# A slope of 0 or below would lose or reverse the order of members.
_FLATTEST_SLOPE: Final = 0.05


@dataclass(frozen=True)
class LogitLine:
    """Probability = logistic(intercept + slope · score)."""

    slope: float
    intercept: float

    def probability(self, score: Floats) -> Floats:
        """Turn scores into probabilities, strictly between 0 and 1."""
        return np.clip(logistic(self.intercept + self.slope * score), LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)


UNCALIBRATED: Final = LogitLine(slope=1.0, intercept=0.0)


def logistic(log_odds: Floats) -> Floats:
    """Turn log-odds into probabilities without overflow."""
    # The textbook form 1 / (1 + exp(-x)) overflows for very negative x; tanh does not.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)), dtype=np.float64)


def logit(probability: Floats) -> Floats:
    """Turn probabilities into log-odds; 0 and 1 become large and finite."""
    clipped = np.clip(probability, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), dtype=np.float64)


def calibrate(score: Floats, outcome: Floats) -> LogitLine:
    """Fit Platt's line to scores that are log-odds already, on outcomes the scores have not seen.

    One pseudo-observation pulls the slope towards 1, which matters only where outcomes are few. The slope stays above zero,
    so that calibration never reverses the order of members.
    """
    if outcome.size == 0:
        return UNCALIBRATED
    line = fit_logit_line(score, platt_targets(outcome), slope_prior=1.0, prior_weight=1.0)
    if line.slope >= _FLATTEST_SLOPE:
        return line
    return LogitLine(_FLATTEST_SLOPE, fit_intercept(_FLATTEST_SLOPE * score, platt_targets(outcome)))


def fit_intercept(offset: Floats, target: Floats) -> float:
    """Find the intercept that makes the mean of logistic(offset + intercept) equal the mean target, which is inside (0, 1)."""
    # With a score of zeros only the prior acts on the slope, and the intercept is fitted alone.
    line = fit_logit_line(np.zeros_like(offset), target, slope_prior=0.0, prior_weight=1.0, offset=offset)
    return line.intercept


def fit_logit_line(
    score: Floats, target: Floats, *, slope_prior: float = 0.0, prior_weight: float = 0.0, offset: Floats | float = 0.0
) -> LogitLine:
    """Fit a one-feature logistic regression by Newton's method with step halving.

    Args:
        score: The feature.
        target: Outcomes, or smoothed outcomes, from 0 to 1.
        slope_prior: The slope that `prior_weight` pulls towards.
        prior_weight: Strength of the pull: half of it times the squared distance is added to the log loss.
        offset: Known log-odds added to the line.

    Without observations the prior slope and an intercept of 0 remain.
    """
    if not score.size:
        return LogitLine(slope_prior, 0.0)

    problem = _LogitProblem(score, target, slope_prior, prior_weight, offset)
    line = LogitLine(slope_prior, 0.0)
    loss = problem.loss(line)
    for _ in range(_MOST_STEPS):
        proposed = problem.improve(line, loss)
        proposed_loss = problem.loss(proposed)
        if loss - proposed_loss <= _CONVERGED * max(1.0, abs(loss)):
            return proposed
        line, loss = proposed, proposed_loss
    return line


@dataclass(frozen=True)
class _LogitProblem:
    """The loss that `fit_logit_line` minimises: log loss plus the penalty of the prior on the slope."""

    score: Floats
    target: Floats
    slope_prior: float
    prior_weight: float
    offset: Floats | float

    def loss(self, line: LogitLine) -> float:
        log_odds = line.intercept + line.slope * self.score + self.offset
        # log(1 + exp(x)) - y x is the log loss of one row; logaddexp computes it without overflow.
        penalty = self.prior_weight / 2 * (line.slope - self.slope_prior) ** 2
        return float(np.sum(np.logaddexp(0.0, log_odds) - self.target * log_odds)) + penalty

    def improve(self, line: LogitLine, loss: float) -> LogitLine:
        """Take the longest of the Newton step, its half, its quarter and so on that does not raise the loss."""
        slope_step, intercept_step = self._newton_step(line)
        # The loss is convex, so a short enough step along Newton's direction lowers it; the full one may overshoot.
        for halvings in range(_MOST_HALVINGS):
            scale = 0.5**halvings
            proposed = LogitLine(line.slope - scale * slope_step, line.intercept - scale * intercept_step)
            if self.loss(proposed) <= loss:
                return proposed
        return line

    def _newton_step(self, line: LogitLine) -> tuple[float, float]:
        probability = logistic(line.intercept + line.slope * self.score + self.offset)
        residual, weight = probability - self.target, probability * (1 - probability) + _TINY
        # `_TINY` keeps the weights positive where every probability has reached 0 or 1.
        # Plain sums and no matrix product, whose last digits depend on the number of threads.
        slope_gradient = float(np.sum(residual * self.score)) + self.prior_weight * (line.slope - self.slope_prior)
        intercept_gradient = float(np.sum(residual))
        slope_slope = float(np.sum(weight * self.score * self.score)) + self.prior_weight
        slope_intercept, intercept_intercept = float(np.sum(weight * self.score)), float(np.sum(weight))
        determinant = slope_slope * intercept_intercept - slope_intercept**2
        # A nearly constant score leaves slope and intercept undetermined together: move the intercept alone.
        if determinant <= _TINY * slope_slope * intercept_intercept:
            return 0.0, intercept_gradient / intercept_intercept
        return (
            (intercept_intercept * slope_gradient - slope_intercept * intercept_gradient) / determinant,
            (slope_slope * intercept_gradient - slope_intercept * slope_gradient) / determinant,
        )


def platt_targets(outcome: Floats) -> Floats:
    """Move outcomes away from 0 and 1, by one imagined observation of each kind (Platt 1999)."""
    positives = float(np.sum(outcome))
    negatives = outcome.size - positives
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    return np.where(outcome > 0, high, low)
