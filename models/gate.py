"""The gate: whether a challenger may take the champion's place.

Both predict the same members at the newest cut-off whose outcome is over and that neither has learnt from. The challenger is
promoted only when it is surely better (paired bootstrap) among those still here, its probabilities are no worse than the
champion's and those of the best simple rule, and it does not turn the contact list over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.bootstrap import Difference, paired_difference
from models.calibration import calibrate, logit
from models.evaluation import auc, ngini, total_ratio
from models.measures import HEADLINE, HEADLINE_NAME, Purpose
from models.panel import Floats, Mask


class GatePolicy(BaseModel):
    """The conditions under which a challenger is promoted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confidence: float = Field(default=0.95, gt=0, lt=1, description="How sure the lead must be: its interval lies above 0.")
    draws: int = Field(default=1000, ge=100, description="Draws of the paired bootstrap.")
    calibration_tolerance: float = Field(
        default=0.01,
        ge=0,
        description="How much worse calibration may be than the champion's and the best simple rule's: mean error of the "
        "probabilities; for value, of the total.",
    )
    brier_tolerance: float = Field(
        default=0.002, ge=0, description="How much worse the Brier score may be than the champion's and the best simple rule's."
    )
    max_list_change: float = Field(default=0.5, ge=0, le=1, description="Share of the contact list that may be new faces.")


@dataclass(frozen=True)
class Contest:
    """The predictions of both models and of the simple rules for the same members, sorted by a key.

    Args:
        actual: Outcomes: 1 churned, or minor units spent.
        champion: The champion's predictions.
        challenger: The challenger's.
        rules: Simple rule → its predictions.
        is_still_here: Whether each member is still here; None to compare among everybody, as for value.
    """

    actual: Floats
    champion: Floats
    challenger: Floats
    rules: Mapping[str, Floats] = field(default_factory=dict)
    is_still_here: Mask | None = None

    def deciding(self) -> Contest:
        """Return the contest among those still here; among everybody where these have one outcome only."""
        among = self.is_still_here
        if among is None or not among.any() or np.ptp(self.actual[among]) == 0:
            return self
        rules = {name: predicted[among] for name, predicted in self.rules.items()}
        return Contest(self.actual[among], self.champion[among], self.challenger[among], rules, among[among])


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
    deciding = contest.deciding()
    lead = paired_difference(
        deciding.actual,
        deciding.challenger,
        deciding.champion,
        metric=HEADLINE[purpose],
        seed=seed,
        draws=policy.draws,
        confidence=policy.confidence,
    )
    among = " among those still here" if deciding is not contest else ""
    lead_text = f"{HEADLINE_NAME[purpose]}{among} {lead.estimate:+.3f} ({lead.lower:+.3f} to {lead.upper:+.3f})"
    # `not … > 0` also stops a bound that is NaN, as where the metric is undefined on every draw.
    if not lead.lower > 0:
        return Decision(False, f"not surely better than the champion: {lead_text}", lead)
    worse = _worse(purpose, deciding, policy)
    if worse is not None:
        return Decision(False, f"better ranked, {lead_text}, but {worse}", lead)
    if list_change > policy.max_list_change:
        return Decision(False, f"better, {lead_text}, but it would change {list_change:.0%} of the contact list", lead)
    return Decision(True, f"surely better than the champion: {lead_text}, changing {list_change:.0%} of the contact list", lead)


def best_rule(purpose: Purpose, actual: Floats, rules: Mapping[str, Floats]) -> str | None:
    """Return the simple rule that orders the members best; the first by name of equals, None without any that is defined."""
    measure = auc if purpose == "churn" else ngini
    figures = {name: measure(actual, predicted) for name, predicted in sorted(rules.items())}
    defined = {name: figure for name, figure in figures.items() if figure is not None}
    return max(defined, key=lambda name: defined[name], default=None)


def _worse(purpose: Purpose, contest: Contest, policy: GatePolicy) -> str | None:
    """Say in which respect the challenger's predictions are worse than the champion's or the best rule's; None if in none."""
    rivals = {"the champion": contest.champion}
    rule = best_rule(purpose, contest.actual, contest.rules)
    if rule is not None:
        rivals[f"the best simple rule, {rule.replace('_', ' ')}"] = contest.rules[rule]
    for rival, predicted in rivals.items():
        loss = _miscalibration(purpose, contest.actual, contest.challenger) - _miscalibration(purpose, contest.actual, predicted)
        if loss > policy.calibration_tolerance:
            return f"worse calibrated than {rival} by {loss:.3f}"
        loss = _brier(contest.actual, contest.challenger) - _brier(contest.actual, predicted) if purpose == "churn" else 0.0
        if loss > policy.brier_tolerance:
            return f"its Brier score is worse than that of {rival} by {loss:.3f}"
    return None


def _brier(churned: Floats, probability: Floats) -> float:
    # Sorted, so that the sum does not depend on the order of the members.
    return float(np.mean(np.sort((probability - churned) ** 2)))


def _miscalibration(purpose: Purpose, actual: Floats, predicted: Floats) -> float:
    """Measure how badly calibrated predictions are; for spend, by the distance of the total ratio from 1.

    For churn the mean distance of the probabilities from their logistic recalibration (the calibration index of Austin and
    Steyerberg 2019 with Cox's line): unlike a binned error it hardly moves with the noise of a few hundred outcomes.
    """
    if purpose == "churn":
        recalibrated = calibrate(logit(predicted), actual).probability(logit(predicted))
        return float(np.mean(np.sort(np.abs(predicted - recalibrated))))
    ratio = total_ratio(actual, predicted)
    return 0.0 if ratio is None else abs(ratio - 1)
