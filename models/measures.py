"""The one definition of AUC, nGini, Brier score and log loss, for members as they are and for bootstrap draws.

A measure takes outcomes and predictions, one entry per member, and returns a function from weights (one row per draw, one column
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

# The measure that decides which model is better, and its name in texts.
HEADLINE: Final[Mapping[Purpose, Metric]] = {"churn": "auc", "value": "ngini"}
HEADLINE_NAME: Final[Mapping[Purpose, str]] = {"churn": "AUC", "value": "nGini"}
# The figures of an evaluation that have it: among those still here, and where that is undefined among everybody scored.
HEADLINE_FIGURES: Final[Mapping[Purpose, tuple[str, ...]]] = {"churn": ("still_here_auc", "auc"), "value": ("ngini",)}


def headline(purpose: Purpose, figures: Mapping[str, float | None]) -> float | None:
    """Return the figure that decides which model is better; None where it is undefined.

    Args:
        purpose: What was predicted.
        figures: Metric → value of one model, as `models.evaluation` returns them.
    """
    defined = (figures.get(name) for name in HEADLINE_FIGURES[purpose])
    return next((figure for figure in defined if figure is not None), None)


def auc(churned: Floats, probability: Floats) -> Weighted:
    """Prepare the AUC: the chance that a member who left was scored above one who stayed, ties counting half.

    NaN with one outcome only. The Mann-Whitney statistic over the number of pairs.
    """
    # Sorted once; each draw only adds up its weights per group of equal probabilities.
    order, starts = tie_groups(probability)

    def of_draws(weights: Floats) -> Floats:
        churned_weight = np.add.reduceat((weights * churned)[:, order], starts, axis=1)
        stayed_weight = np.add.reduceat((weights * (1 - churned))[:, order], starts, axis=1)
        stayed_below = np.cumsum(stayed_weight, axis=1) - stayed_weight / 2
        return _ratio((churned_weight * stayed_below).sum(axis=1), churned_weight.sum(axis=1) * stayed_weight.sum(axis=1))

    return of_draws


def ngini(actual: Floats, predicted: Floats) -> Weighted:
    """Prepare the nGini: the Gini of the value captured in the order of prediction, over that of the perfect order.

    1 is perfect, 0 is random. NaN where the total is not positive or everyone's value is alike.
    """
    gini, perfect_gini = _gini(actual, predicted), _gini(actual, actual)
    return lambda weights: _ratio(gini(weights), perfect_gini(weights))


def brier(churned: Floats, probability: Floats) -> Weighted:
    """Prepare the Brier score: the mean squared distance of the probability from the outcome."""
    return _weighted_mean((probability - churned) ** 2)


def log_loss(churned: Floats, probability: Floats) -> Weighted:
    """Prepare the log loss: the mean negative log-likelihood in nats, probabilities kept off 0 and 1."""
    clipped = np.clip(probability, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)
    return _weighted_mean(-np.log(np.where(churned > 0, clipped, 1 - clipped)))


MEASURES: Final[Mapping[Metric, Callable[[Floats, Floats], Weighted]]] = {
    "auc": auc,
    "brier": brier,
    "log_loss": log_loss,
    "ngini": ngini,
}


def _gini(actual: Floats, order_by: Floats) -> Weighted:
    """Prepare the area between the curve of value captured, highest `order_by` first, and the diagonal.

    NaN without a positive total.
    """
    order, starts = tie_groups(-order_by)

    def of_draws(weights: Floats) -> Floats:
        members = np.add.reduceat(weights[:, order], starts, axis=1)
        captured = np.cumsum(np.add.reduceat((weights * actual)[:, order], starts, axis=1), axis=1)
        captured_before = np.concatenate([np.zeros((captured.shape[0], 1)), captured[:, :-1]], axis=1)
        # Trapezoids: within a tie, value is captured at a constant rate.
        area = (members * (captured_before + captured) / 2).sum(axis=1) / members.sum(axis=1)
        return _ratio(area, captured[:, -1]) - 0.5

    return of_draws


def _weighted_mean(loss: Floats) -> Weighted:
    # einsum rather than a matrix product, whose last digits depend on the number of threads.
    return lambda weights: np.einsum("dm,m->d", weights, loss) / weights.sum(axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def tie_groups(values: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Order the values ascending and return where each run of equal ones starts."""
    order = np.argsort(values, kind="stable").astype(np.int64)
    ordered = values[order]
    return order, np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))).astype(np.int64)
