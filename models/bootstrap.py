"""How sure a difference between two models is: a bootstrap over members, the same draw for both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from lake.errors import ConfigurationError
from models.calibration import LOWEST_PROBABILITY
from models.panel import Floats

Metric = Literal["auc", "brier", "log_loss", "ngini"]
Weights = npt.NDArray[np.float64]

_CELLS_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True)
class Difference:
    """Metric of the first model minus that of the second.

    Args:
        estimate: On all members as they are; NaN when the metric is undefined.
        lower: Lower bound of the interval.
        upper: Upper bound of the interval.
        draws: Draws on which the metric was defined.
    """

    estimate: float
    lower: float
    upper: float
    draws: int


def paired_difference(
    actual: Floats, first: Floats, second: Floats, *, metric: Metric, seed: int, draws: int = 1000, confidence: float = 0.95
) -> Difference:
    """Bootstrap the difference of a metric between two predictions of the same members (percentile interval; Efron 1979).

    For Brier score and log loss smaller is better, so a better first model has a difference below 0. The result depends on the
    order of the members through the draws: pass them sorted by a key.

    Raises:
        ConfigurationError: Fewer than one draw, or a confidence not between 0 and 1.
    """
    if draws < 1 or not 0 < confidence < 1:
        raise ConfigurationError(
            f"A bootstrap of {draws} draws at confidence {confidence} cannot be done.",
            remedy="Ask for at least 1 draw and a confidence between 0 and 1, such as 1000 and 0.95.",
        )
    if not actual.size:
        return Difference(np.nan, np.nan, np.nan, 0)
    measure_first, measure_second = _measure(metric, actual, first), _measure(metric, actual, second)
    once = np.ones((1, actual.size))
    estimate = float((measure_first(once) - measure_second(once))[0])
    batches = _weights(actual.size, seed=seed, draws=draws)
    differences = np.concatenate([measure_first(drawn) - measure_second(drawn) for drawn in batches])
    defined = differences[np.isfinite(differences)]
    if not defined.size:
        return Difference(estimate, np.nan, np.nan, 0)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(defined, [tail, 1 - tail])
    return Difference(estimate, float(lower), float(upper), int(defined.size))


def _weights(members: int, *, seed: int, draws: int) -> Iterator[Weights]:
    """Draw members with replacement, as one row of counts per draw, a few draws at a time.

    Each draw has a generator of its own, so the draws do not depend on how many fit into memory at once.
    """
    seeds = np.random.SeedSequence(seed).spawn(draws)
    at_once = max(1, _CELLS_AT_ONCE // members)
    for start in range(0, draws, at_once):
        batch = seeds[start : start + at_once]
        yield np.stack([_counts(np.random.default_rng(one), members) for one in batch])


def _counts(generator: np.random.Generator, members: int) -> Floats:
    return np.bincount(generator.integers(0, members, members), minlength=members).astype(np.float64)


def _measure(metric: Metric, actual: Floats, predicted: Floats) -> Callable[[Weights], Floats]:
    """Make the function from weights (one row per draw) to the metric of each draw."""
    if metric == "auc":
        return lambda weights: _auc(actual, predicted, weights)
    if metric == "ngini":
        return lambda weights: _gini(actual, predicted, weights) / _gini(actual, actual, weights)
    if metric == "brier":
        return _weighted_mean((predicted - actual) ** 2)
    inside = np.clip(predicted, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)
    return _weighted_mean(-np.log(np.where(actual > 0, inside, 1 - inside)))


def _weighted_mean(loss: Floats) -> Callable[[Weights], Floats]:
    # einsum rather than a matrix product, whose last digits depend on the number of threads.
    return lambda weights: np.einsum("dm,m->d", weights, loss) / weights.sum(axis=1)


def _auc(churned: Floats, probability: Floats, weights: Weights) -> Floats:
    """Weigh the Mann-Whitney statistic; NaN in draws with one outcome only."""
    order, starts = _tie_groups(probability)
    left = np.add.reduceat((weights * churned)[:, order], starts, axis=1)
    stayed = np.add.reduceat((weights * (1 - churned))[:, order], starts, axis=1)
    stayed_below = np.cumsum(stayed, axis=1) - stayed / 2
    pairs = left.sum(axis=1) * stayed.sum(axis=1)
    return _ratio((left * stayed_below).sum(axis=1), pairs)


def _gini(actual: Floats, order_by: Floats, weights: Weights) -> Floats:
    """Weigh the Gini of value captured, highest `order_by` first; NaN in draws whose total is not positive."""
    order, starts = _tie_groups(-order_by)
    members = np.add.reduceat(weights[:, order], starts, axis=1)
    captured = np.cumsum(np.add.reduceat((weights * actual)[:, order], starts, axis=1), axis=1)
    total = captured[:, -1]
    before = np.concatenate([np.zeros((captured.shape[0], 1)), captured[:, :-1]], axis=1)
    area = (members * (before + captured) / 2).sum(axis=1) / members.sum(axis=1)
    return _ratio(area, total) - 0.5


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _tie_groups(values: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Order the values ascending and return where each run of equal ones starts."""
    order = np.argsort(values, kind="stable").astype(np.int64)
    arranged = values[order]
    return order, np.flatnonzero(np.concatenate(([True], arranged[1:] != arranged[:-1]))).astype(np.int64)
