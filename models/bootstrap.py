"""Confidence interval of the difference between two models: a bootstrap over members, with the same draws for both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from lake.errors import ConfigurationError
from models.measures import MEASURES, Metric
from models.panel import Floats

# Draws × members in memory at the same time: 32 MB of floats.
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

    Args:
        actual: Outcomes, one per member: 1 churned, or minor units spent.
        first: Predictions of the first model.
        second: Predictions of the second model.
        metric: What to measure.
        seed: Seed of the draws.
        draws: Number of draws.
        confidence: Share of the draws that lie inside the interval.

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
    measure_first, measure_second = (MEASURES[metric](actual, predicted) for predicted in (first, second))
    # Every member once: the metric of the members as they are.
    weights_of_one = np.ones((1, actual.size))
    estimate = float((measure_first(weights_of_one) - measure_second(weights_of_one))[0])
    batches = draw_weights(actual.size, seed=seed, draws=draws)
    differences = np.concatenate([measure_first(weights) - measure_second(weights) for weights in batches])
    # A draw may hold members of one outcome only, where the AUC is undefined.
    defined = differences[np.isfinite(differences)]
    if not defined.size:
        return Difference(estimate, np.nan, np.nan, 0)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(defined, [tail, 1 - tail])
    return Difference(estimate, float(lower), float(upper), int(defined.size))


def draw_weights(members: int, *, seed: int, draws: int) -> Iterator[Floats]:
    """Draw members with replacement, as one row of counts per draw, a few draws at a time.

    Each draw has a generator of its own, so the draws do not depend on how many fit into memory at once.
    """
    seeds = np.random.SeedSequence(seed).spawn(draws)
    draws_at_once = max(1, _CELLS_AT_ONCE // members)
    for start in range(0, draws, draws_at_once):
        child_seeds = seeds[start : start + draws_at_once]
        yield np.stack([_counts(np.random.default_rng(child_seed), members) for child_seed in child_seeds])


def _counts(generator: np.random.Generator, members: int) -> Floats:
    return np.bincount(generator.integers(0, members, members), minlength=members).astype(np.float64)
