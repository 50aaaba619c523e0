"""What AUC, nGini, Brier score and log loss mean: the one definition, for members as they are and for bootstrap draws.

A measure takes outcomes and predictions, one entry per member, and gives a function from weights (one row per draw, one column
per member: how often each was drawn) to the figure of each draw, NaN where it is undefined. Written out rather than taken from
scikit-learn, whose functions measure one draw at a time: the AUC of a thousand draws of 20,000 members takes 1.5 s here and
10 s there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from models.calibration import LOWEST_PROBABILITY
from models.panel import Floats

Purpose = Literal["churn", "value"]
Metric = Literal["auc", "brier", "log_loss", "ngini"]
Weighted = Callable[[Floats], Floats]

# The measure that decides what is better, and what people call it.
HEADLINE: Final[Mapping[Purpose, Metric]] = {"churn": "auc", "value": "ngini"}
HEADLINE_NAME: Final[Mapping[Purpose, str]] = {"churn": "AUC", "value": "nGini"}


def auc(churned: Floats, probability: Floats) -> Weighted:
    """Chance that a member who left was scored above one who stayed, ties counting half; NaN with one outcome only.

    The Mann-Whitney statistic over the number of pairs.
    """
    order, starts = _tie_groups(probability)

    def of_draws(weights: Floats) -> Floats:
        left = np.add.reduceat((weights * churned)[:, order], starts, axis=1)
        stayed = np.add.reduceat((weights * (1 - churned))[:, order], starts, axis=1)
        stayed_below = np.cumsum(stayed, axis=1) - stayed / 2
        return _ratio((left * stayed_below).sum(axis=1), left.sum(axis=1) * stayed.sum(axis=1))

    return of_draws


def ngini(actual: Floats, predicted: Floats) -> Weighted:
    """Gini of the value captured in the order of prediction, over that of the perfect order; 1 is perfect, 0 is random.

    NaN where the total is not positive or everyone's value is alike.
    """
    reached, perfect = _gini(actual, predicted), _gini(actual, actual)
    return lambda weights: _ratio(reached(weights), perfect(weights))


def brier(churned: Floats, probability: Floats) -> Weighted:
    """Mean squared distance of the probability from the outcome."""
    return _weighted_mean((probability - churned) ** 2)


def log_loss(churned: Floats, probability: Floats) -> Weighted:
    """Mean negative log-likelihood in nats, probabilities kept off 0 and 1."""
    inside = np.clip(probability, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)
    return _weighted_mean(-np.log(np.where(churned > 0, inside, 1 - inside)))


MEASURES: Final[Mapping[Metric, Callable[[Floats, Floats], Weighted]]] = {
    "auc": auc,
    "brier": brier,
    "log_loss": log_loss,
    "ngini": ngini,
}


def _gini(actual: Floats, order_by: Floats) -> Weighted:
    """Area between the curve of value captured, highest `order_by` first, and the diagonal; NaN without a positive total."""
    order, starts = _tie_groups(-order_by)

    def of_draws(weights: Floats) -> Floats:
        members = np.add.reduceat(weights[:, order], starts, axis=1)
        captured = np.cumsum(np.add.reduceat((weights * actual)[:, order], starts, axis=1), axis=1)
        before = np.concatenate([np.zeros((captured.shape[0], 1)), captured[:, :-1]], axis=1)
        area = (members * (before + captured) / 2).sum(axis=1) / members.sum(axis=1)
        return _ratio(area, captured[:, -1]) - 0.5

    return of_draws


def _weighted_mean(loss: Floats) -> Weighted:
    # einsum rather than a matrix product, whose last digits depend on the number of threads.
    return lambda weights: np.einsum("dm,m->d", weights, loss) / weights.sum(axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _tie_groups(values: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Order the values ascending and return where each run of equal ones starts."""
    order = np.argsort(values, kind="stable").astype(np.int64)
    arranged = values[order]
    return order, np.flatnonzero(np.concatenate(([True], arranged[1:] != arranged[:-1]))).astype(np.int64)
