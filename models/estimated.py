"""Performance estimated before any outcome is known, from calibrated probabilities alone.

If probabilities come true as often as they say, they also say how well they rank and how far off they will be. What this misses
is a wrong calibration, which early returns show within one or two weeks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.calibration import LOWEST_PROBABILITY, logistic, logit
from models.measures import tie_groups
from models.panel import Floats

FEWEST_MEMBERS: Final = 2


@dataclass(frozen=True)
class Estimated:
    """What probabilities expect of themselves.

    Args:
        members: How many there are.
        churned_share: The share expected to leave.
        auc: The expected AUC; None with fewer than two members.
        brier: The expected Brier score.
    """

    members: int
    churned_share: float
    auc: float | None
    brier: float


def estimate(probability: Floats) -> Estimated | None:
    """Estimate the performance of probabilities of leaving; None without members.

    The expected AUC is the chance that, of two members of whom one leaves and one stays, the one who leaves has the higher
    probability, ties counting half: sums over all pairs of different members, by one cumulative sum over sorted probabilities.
    """
    if not probability.size:
        return None
    order, starts = tie_groups(probability)
    ordered = probability[order]
    leaves, stays = np.add.reduceat(ordered, starts), np.add.reduceat(1 - ordered, starts)
    # A member is no pair with itself: half of its own tie is taken off above, all of it below.
    own = float(np.sum(ordered * (1 - ordered)))
    concordant = float(np.sum(leaves * (np.cumsum(stays) - stays / 2))) - own / 2
    pairs = float(np.sum(leaves)) * float(np.sum(stays)) - own
    auc = concordant / pairs if probability.size >= FEWEST_MEMBERS and pairs > 0 else None
    return Estimated(probability.size, float(np.mean(ordered)), auc, own / probability.size)


@dataclass(frozen=True)
class EarlyReturns:
    """Returns soon after a night, expected and happened.

    Args:
        members: Members who were scored.
        expected: How many were expected to be active again.
        happened: How many were.
        deviation: Their difference in standard errors, of chance and of how far the community's level was off before.
        auc: How often one who was not active again was scored above one who was; None where all did alike.
    """

    members: int
    expected: float
    happened: int
    deviation: float
    auc: float | None


def early_returns(probability: Floats, returned: Floats, *, early_share: float, level_error: float) -> EarlyReturns:
    """Compare the returns soon after a night with what its probabilities of leaving expected.

    Args:
        probability: Probabilities of leaving within the horizon, one or more.
        returned: 1 where the member was active again within the first days of it, else 0.
        early_share: Share of those who return within the horizon that does so within these days.
        level_error: Standard error of the level, in log-odds.
    """
    expected = np.clip((1 - probability) * early_share, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)
    chance = float(np.sum(expected * (1 - expected)))
    happened, total = int(np.sum(returned)), float(np.sum(expected))
    deviation = (happened - total) / np.sqrt(chance + (level_error * chance) ** 2)
    order, starts = tie_groups(probability)
    gone, back = (np.add.reduceat(values[order], starts) for values in (1 - returned, returned))
    pairs = float(np.sum(gone) * np.sum(back))
    auc = float(np.sum(gone * (np.cumsum(back) - back / 2))) / pairs if pairs else None
    return EarlyReturns(probability.size, total, happened, float(deviation), auc)


def spread(mean: float, standard_error: float, *, in_log_odds: bool) -> tuple[float, float]:
    """Return the bounds of an 80 % interval around an expected share or amount, whose error is in log-odds or logarithms."""
    distance = _TENTH * standard_error
    if not in_log_odds:
        return mean * float(np.exp(-distance)), mean * float(np.exp(distance))
    bounds = logistic(logit(np.array([mean])) + np.array([-distance, distance]))
    return float(bounds[0]), float(bounds[1])


# The standard normal exceeds this with a chance of a tenth.
_TENTH: Final = 1.2816
