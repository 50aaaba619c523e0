"""Qini: how much more a ranking gains than contacting members in random order, on decisions that were randomised.

Whom an action reaches first decides what it gains. The curve says, for each share of the members contacted in the order of a
ranking, the gain per member so far; the coefficient is the area between it and the straight line of a random order, in the unit
of the outcome per member. 0 is random, also where the action does nothing, so that no division by a small effect is needed.
Radcliffe (2007), "Using control groups to target on predicted lift", here with inverse-probability weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from models.bootstrap import Difference, draw_weights
from models.gate import GatePolicy
from models.measures import Weighted, tie_groups
from models.panel import Floats

# Below these an interval of the bootstrap promises more than it holds.
FEWEST_TREATED: Final = 500
FEWEST_HELD_OUT: Final = 100
FEWEST_CLUSTERS: Final = 10

Integers = npt.NDArray[np.int64]
# Why a challenger was accepted, or not.
UpliftReason = Literal["no later decisions", "too few decisions", "not surely better", "surely better"]


@dataclass(frozen=True)
class Randomised:
    """Members whom chance has given to an action or held out, one entry per decision, sorted by a key.

    Args:
        outcome: What came of it: 1 returned, or what is gained, in any unit.
        is_treated: Whether the member was chosen rather than held out.
        propensity: The chance of being chosen, above 0 and below 1: 1 - `holdout_share`.
        cluster: What was drawn together, such as the decisions of one member, numbered from 0 without gaps; None where each is
            on its own.
    """

    outcome: Floats
    is_treated: npt.NDArray[np.bool_]
    propensity: Floats
    cluster: Integers | None = None

    @property
    def treated(self) -> int:
        """Return the number of decisions chosen."""
        return int(self.is_treated.sum())

    @property
    def held_out(self) -> int:
        """Return the number of decisions held out."""
        return self.is_treated.size - self.treated

    @property
    def has_both_outcomes(self) -> bool:
        """Return whether the outcome differs within each arm."""
        return all(arm.size > 0 and np.ptp(arm) > 0 for arm in (self.outcome[self.is_treated], self.outcome[~self.is_treated]))

    @property
    def is_enough(self) -> bool:
        """Return whether there are enough decisions, of enough clusters, to learn or judge uplift from."""
        is_large = self.treated >= FEWEST_TREATED and self.held_out >= FEWEST_HELD_OUT
        return is_large and self.has_both_outcomes and min(self._clusters_by_arm()) >= FEWEST_CLUSTERS

    def where(self, chosen: npt.NDArray[np.bool_]) -> Randomised:
        """Return some of the decisions."""
        cluster = None if self.cluster is None else self.cluster[chosen]
        return Randomised(self.outcome[chosen], self.is_treated[chosen], self.propensity[chosen], cluster)

    def _clusters_by_arm(self) -> tuple[int, int]:
        if self.cluster is None:
            return self.treated, self.held_out
        return np.unique(self.cluster[self.is_treated]).size, np.unique(self.cluster[~self.is_treated]).size


@dataclass(frozen=True)
class UpliftDecision:
    """Whether uplift may rank an action.

    Args:
        accepted: Whether it takes the place of the champion's ranking.
        reason: Why.
        qini: Qini of the uplift ranking; None where it could not be measured.
        champion_qini: Qini of the champion's ranking.
        low: Lower bound of their difference.
        high: Upper bound.
        treated: Decisions with a contact that it was judged on.
        held_out: Decisions held out that it was judged on.
    """

    accepted: bool
    reason: UpliftReason
    qini: float | None = None
    champion_qini: float | None = None
    low: float | None = None
    high: float | None = None
    treated: int = 0
    held_out: int = 0


def effects_by_member(units: Randomised, *, if_treated: Floats, if_held_out: Floats) -> Floats:
    """Return what each member says of the effect: unbiased on average wherever the propensity is true, alone very noisy.

    The doubly robust score (Robins, Rotnitzky & Zhao 1994): the predicted effect, and the residual weighted by the inverse chance
    of the arm. The better the two predictions, the less the noise.

    Args:
        units: The members.
        if_treated: The outcome predicted if chosen, from other members.
        if_held_out: The outcome predicted if held out, from other members.
    """
    in_treated = np.where(units.is_treated, (units.outcome - if_treated) / units.propensity, 0.0)
    in_held_out = np.where(units.is_treated, 0.0, (units.outcome - if_held_out) / (1 - units.propensity))
    return np.asarray(if_treated - if_held_out + in_treated - in_held_out, dtype=np.float64)


def qini(units: Randomised, score: Floats) -> float:
    """Measure the Qini coefficient of a ranking, highest score first; equal scores are reached at random. NaN without members.

    Args:
        units: Members whose outcome the ranking has not learnt from.
        score: What they are ranked by.
    """
    if not units.outcome.size:
        return float("nan")
    return float(_coefficient(_effects(units), score)(np.ones((1, score.size)))[0])


def qini_curve(units: Randomised, score: Floats, *, points: int = 20) -> pl.DataFrame:
    """Measure the gain of contacting the members with the highest scores only.

    One row per share of the members, ascending from 0: share, gain (per member of all, contacted or not), random (the gain in
    random order).
    """
    order, starts = tie_groups(-score)
    members = np.diff(np.append(starts, score.size))
    gained = np.append(0.0, np.cumsum(np.add.reduceat(_effects(units)[order], starts))) / score.size
    reached = np.append(0.0, np.cumsum(members)) / score.size
    share = np.linspace(0, 1, points + 1)
    return pl.DataFrame({"share": share, "gain": np.interp(share, reached, gained), "random": share * gained[-1]})


def qini_lead(
    units: Randomised, first: Floats, second: Floats, *, seed: int, draws: int = 1000, confidence: float = 0.95
) -> Difference:
    """Bootstrap how far the Qini of one ranking is above that of another, by the same draws of members or clusters for both.

    Args:
        units: Members whose outcome neither ranking has learnt from.
        first: What the first ranking goes by.
        second: What the second one goes by; a constant for random order, whose Qini is 0.
        seed: Seed of the draws.
        draws: Number of draws.
        confidence: Share of the draws that lie inside the interval.
    """
    if not units.outcome.size:
        return Difference(np.nan, np.nan, np.nan, 0)
    effects = _effects(units)
    of_first, of_second = _coefficient(effects, first), _coefficient(effects, second)
    cluster = np.arange(units.outcome.size) if units.cluster is None else units.cluster
    batches = draw_weights(int(cluster.max()) + 1, seed=seed, draws=draws)
    drawn = np.concatenate([of_first(weights[:, cluster]) - of_second(weights[:, cluster]) for weights in batches])
    lower, upper = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Difference(qini(units, first) - qini(units, second), float(lower), float(upper), draws)


def uplift_decision(
    units: Randomised | None, *, uplift: Floats, champion: Floats, policy: GatePolicy, seed: int
) -> UpliftDecision:
    """Decide whether uplift may rank an action: only if it surely gains more than the champion's ranking on later decisions.

    Args:
        units: Decisions later than those the uplift was learnt from, with the outcome of the whole horizon; None without any.
        uplift: The gain that uplift predicts for each of them.
        champion: The gain that the champion expects of each.
        policy: Confidence and draws of the bootstrap.
        seed: Seed of the bootstrap.
    """
    if units is None or not units.outcome.size:
        return UpliftDecision(accepted=False, reason="no later decisions")
    if not units.is_enough:
        return UpliftDecision(accepted=False, reason="too few decisions", treated=units.treated, held_out=units.held_out)
    lead = qini_lead(units, uplift, champion, seed=seed, draws=policy.draws, confidence=policy.confidence)
    is_better = lead.lower > 0
    return UpliftDecision(
        accepted=is_better,
        reason="surely better" if is_better else "not surely better",
        qini=qini(units, uplift),
        champion_qini=qini(units, champion),
        low=lead.lower,
        high=lead.upper,
        treated=units.treated,
        held_out=units.held_out,
    )


def _effects(units: Randomised) -> Floats:
    """Return the effects by member with the mean of each arm as its prediction."""
    chance = np.where(units.is_treated, units.propensity, 1 - units.propensity)
    arms = (units.is_treated, ~units.is_treated)
    means = [np.average(units.outcome[arm], weights=1 / chance[arm]) if arm.any() else 0.0 for arm in arms]
    treated, held_out = (np.full(units.outcome.size, mean) for mean in means)
    return effects_by_member(units, if_treated=treated, if_held_out=held_out)


def _coefficient(effects: Floats, score: Floats) -> Weighted:
    order, starts = tie_groups(-score)

    def of_draws(weights: Floats) -> Floats:
        members = np.add.reduceat(weights[:, order], starts, axis=1)
        gained = np.cumsum(np.add.reduceat((weights * effects)[:, order], starts, axis=1), axis=1)
        gained_before = np.concatenate([np.zeros((gained.shape[0], 1)), gained[:, :-1]], axis=1)
        everybody = members.sum(axis=1)
        # Trapezoids: within a tie, members are reached at random.
        area = (members * (gained_before + gained) / 2).sum(axis=1) / everybody
        return np.asarray((area - gained[:, -1] / 2) / everybody, dtype=np.float64)

    return of_draws
