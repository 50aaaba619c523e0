"""The gate: whether a challenger may take the champion's place.

Both predict the same members at the newest cut-off whose outcome is over and that neither has learnt from. The challenger is
promoted only when it is surely better (paired bootstrap), no worse calibrated, and does not turn the contact list over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.bootstrap import Difference, paired_difference
from models.calibration import calibrate, logit
from models.evaluation import total_ratio
from models.measures import HEADLINE, HEADLINE_NAME, Purpose
from models.panel import Floats


class GatePolicy(BaseModel):
    """The conditions under which a challenger is promoted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confidence: float = Field(default=0.95, gt=0, lt=1, description="How sure the lead must be: its interval lies above 0.")
    draws: int = Field(default=1000, ge=100, description="Draws of the paired bootstrap.")
    calibration_tolerance: float = Field(
        default=0.01,
        ge=0,
        description="How much worse calibration may be: mean error of the probabilities; for value, of the total.",
    )
    max_list_change: float = Field(default=0.5, ge=0, le=1, description="Share of the contact list that may be new faces.")


@dataclass(frozen=True)
class Contest:
    """The predictions of both models for the same members, sorted by a key.

    Args:
        actual: Outcomes: 1 churned, or minor units spent.
        champion: The champion's predictions.
        challenger: The challenger's.
    """

    actual: Floats
    champion: Floats
    challenger: Floats


@dataclass(frozen=True)
class Decision:
    """The decision of the gate.

    Args:
        promote: Whether the challenger takes over.
        reason: Why, in one plain sentence.
        lead: Challenger minus champion in the headline metric, or None when they could not be compared.
    """

    promote: bool
    reason: str
    lead: Difference | None = None


def decide(purpose: Purpose, contest: Contest | None, *, list_change: float, policy: GatePolicy, seed: int) -> Decision:
    """Decide on a challenger.

    Args:
        purpose: What is predicted.
        contest: Their predictions on the newest outcomes neither has learnt from; None when there are none yet.
        list_change: Share of tonight's contact list that the challenger would change, 0 to 1.
        policy: The conditions of promotion.
        seed: Seed of the bootstrap.
    """
    if contest is None or not contest.actual.size:
        return Decision(False, "no outcome has matured yet that the champion has not learnt from")
    lead = paired_difference(
        contest.actual,
        contest.challenger,
        contest.champion,
        metric=HEADLINE[purpose],
        seed=seed,
        draws=policy.draws,
        confidence=policy.confidence,
    )
    lead_text = f"{HEADLINE_NAME[purpose]} {lead.estimate:+.3f} ({lead.lower:+.3f} to {lead.upper:+.3f})"
    # `not … > 0` also stops a bound that is NaN, as where the metric is undefined on every draw.
    if not lead.lower > 0:
        return Decision(False, f"not surely better than the champion: {lead_text}", lead)
    calibration_loss = _miscalibration(purpose, contest.actual, contest.challenger) - _miscalibration(
        purpose, contest.actual, contest.champion
    )
    if calibration_loss > policy.calibration_tolerance:
        return Decision(False, f"better ranked, {lead_text}, but worse calibrated by {calibration_loss:.3f}", lead)
    if list_change > policy.max_list_change:
        return Decision(False, f"better, {lead_text}, but it would change {list_change:.0%} of the contact list", lead)
    return Decision(True, f"surely better than the champion: {lead_text}, changing {list_change:.0%} of the contact list", lead)


def _miscalibration(purpose: str, actual: Floats, predicted: Floats) -> float:
    """Measure how badly calibrated predictions are; for spend, by the distance of the total ratio from 1.

    For churn the mean distance of the probabilities from their logistic recalibration (the calibration index of Austin and
    Steyerberg 2019 with Cox's line): unlike a binned error it hardly moves with the noise of a few hundred outcomes.
    """
    if purpose == "churn":
        recalibrated = calibrate(logit(predicted), actual).probability(logit(predicted))
        return float(np.mean(np.sort(np.abs(predicted - recalibrated))))
    ratio = total_ratio(actual, predicted)
    return 0.0 if ratio is None else abs(ratio - 1)
