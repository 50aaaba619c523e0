"""Expected spend by trees, before the total level is set: where the trees start from, and what they add.

Trees predict averages and alone never reach the few very large spenders, so they start from a simple expectation of the member:
what buy-till-you-die expects, or a past rate. Where that does not fit a community it misleads, so the default is the geometric
mean of two sets of trees, one that starts from it and one that starts from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.baselines import past_rate_minor, recency_weighted_minor
from models.boosting import TrainTrees, Trees, make_trees, train_trees_here
from models.config import PredictionSettings, ValueStart
from models.encoding import Encoding, learn_encoding
from models.lifetime.history import is_buyer
from models.lifetime.lifetime import Lifetime
from models.panel import Floats, Mask, age_weights, feature_names, newest_cutoffs, spend_minor, subsample

# Share of the mean spend that is added to every starting expectation: members expected to spend nothing need a logarithm too.
_START_FLOOR_SHARE: Final = 0.2
# Where nobody spent anything, cap and floor are one minor unit rather than 0.
SMALLEST_CAP_MINOR: Final = 1.0


@dataclass(frozen=True)
class ExpectedSpend:
    """Expected spend by trees, before the total level is set.

    Args:
        trees: Trees that start from the logarithm of a simple expectation.
        lifetime: The buy-till-you-die model; None where there are too few repeat buyers.
        cap_minor: Larger spend, future or expected at the start, counts as this, so that one very large order does not dominate.
        floor_minor: Added to the simple expectation before its logarithm is taken.
        horizon_days: Days of the value horizon.
        start: What the trees start from; `lifetime` and `mean` mean the past rate where there is no `lifetime`.
        plain: Trees that start from nothing, averaged with the others on the scale of logarithms; None without them.
    """

    trees: Trees
    lifetime: Lifetime | None
    cap_minor: float
    floor_minor: float
    horizon_days: int
    start: ValueStart = "lifetime"
    plain: Trees | None = None

    def minor(self, features: pl.DataFrame) -> Floats:
        """Expect minor units per row, never below 0."""
        log = self.trees.raw(features) + starting_log(
            features,
            self.start,
            self.lifetime,
            horizon_days=self.horizon_days,
            cap_minor=self.cap_minor,
            floor_minor=self.floor_minor,
        )
        if self.plain is not None:
            log = (log + self.plain.raw(features)) / 2
        return np.asarray(np.exp(log) * MINOR_UNITS_PER_UNIT, dtype=np.float64)

    def buyers(self, features: pl.DataFrame) -> Mask:
        """Mark the members that the buy-till-you-die model covers."""
        return is_buyer(features) if self.lifetime is not None else np.zeros(features.height, dtype=np.bool_)


def fit_expected_spend(
    rows: pl.DataFrame,
    lifetime: Lifetime | None,
    *,
    horizon_days: int,
    settings: PredictionSettings,
    train_trees: TrainTrees = train_trees_here,
) -> ExpectedSpend:
    """Fit on rows of the panel with known spend.

    Args:
        rows: One row per as_of and member_id with features and `future_spend_minor`.
        lifetime: The buy-till-you-die model of the night to be predicted, or None.
        horizon_days: Days of the value horizon.
        settings: Size of the model, its start and its rows.
        train_trees: Trains the trees, in this process or elsewhere.
    """
    sample = subsample(newest_cutoffs(rows, most=settings.max_cutoffs), max_rows=settings.max_training_rows)
    encoding = learn_encoding(sample, feature_names(sample), max_categories=settings.max_categories)
    cap = cap_minor(sample, settings)
    target = capped_target(sample, cap)
    floor = floor_minor(target)
    weight = age_weights(sample, half_life_days=settings.half_life_days)
    starts: tuple[ValueStart, ...] = ("lifetime", "none") if settings.value_start == "mean" else (settings.value_start,)

    def fit(start: ValueStart, matrix: Encoding = encoding) -> Trees:
        log = starting_log(sample, start, lifetime, horizon_days=horizon_days, cap_minor=cap, floor_minor=floor)
        return make_trees(
            settings, objective="tweedie", train_trees=train_trees, tweedie_variance_power=settings.tweedie_power
        ).fit(matrix.matrix(sample), target / MINOR_UNITS_PER_UNIT, matrix, weight=weight, start=None if start == "none" else log)

    fitted = [fit(start) for start in starts]
    plain = fitted[1] if len(fitted) > 1 else None
    return ExpectedSpend(fitted[0], lifetime, cap, floor, horizon_days, starts[0], plain)


def capped_target(rows: pl.DataFrame, cap: float) -> Floats:
    """Return the spend to learn, in minor units: Tweedie is defined for 0 or more, so a net refund counts as no spend."""
    return np.clip(spend_minor(rows), 0.0, cap)


def cap_minor(rows: pl.DataFrame, settings: PredictionSettings) -> float:
    """Return the largest spend that counts, in minor units: a high quantile of what spenders spend."""
    spent = spend_minor(rows)
    spenders = spent[spent > 0]
    if not spenders.size:
        return SMALLEST_CAP_MINOR
    return max(float(np.quantile(spenders, settings.spend_cap_quantile, method="lower")), SMALLEST_CAP_MINOR)


def floor_minor(target_minor: Floats) -> float:
    """Return what is added to every starting expectation, in minor units."""
    return max(_START_FLOOR_SHARE * float(np.mean(target_minor)), SMALLEST_CAP_MINOR)


def starting_log(
    features: pl.DataFrame,
    start: ValueStart,
    lifetime: Lifetime | None,
    *,
    horizon_days: int,
    cap_minor: float,
    floor_minor: float,
) -> Floats:
    """Return the logarithm that the trees start from, of currency units; 0 where they start from nothing.

    Args:
        features: One row per member.
        start: Which simple expectation.
        lifetime: The buy-till-you-die model, or None.
        horizon_days: Days of the value horizon.
        cap_minor: A larger expectation counts as this.
        floor_minor: Added before the logarithm is taken.
    """
    if start == "none":
        return np.zeros(features.height)
    if start == "recency_weighted":
        expectation_minor = recency_weighted_minor(features, horizon_days=horizon_days)
    elif start == "past_rate" or lifetime is None:
        expectation_minor = past_rate_minor(features, horizon_days=horizon_days)
    else:
        expectation_minor = lifetime.spend_minor(features)
    return np.asarray(np.log((np.minimum(expectation_minor, cap_minor) + floor_minor) / MINOR_UNITS_PER_UNIT), dtype=np.float64)
