"""Expected net spend of every member over the value horizon.

The mean of two Tweedie models by LightGBM: a plain one, which ranks best, and one that starts from the member's past rate,
which reaches the few very large spenders that trees, being averages, never do. The total level is then moved towards what
the calibration cut-off really spent. Buy-till-you-die predictions join as features of the panel or as a third expectation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.baselines import past_rate_minor
from models.boosting import Trees, make_trees
from models.config import PredictionSettings
from models.cutoffs import Split
from models.encoding import learn_encoding
from models.evaluation import Metrics
from models.panel import Floats, feature_names, held_out_scores, members_per_class, spend_minor, thin, value_rows

ValueKind = Literal["lightgbm", "past_rate"]

# Between 1 (counts) and 2 (gamma): spend is zero for most and skewed for the rest. 1.1 to 1.7 measured alike.
_TWEEDIE_POWER: Final = 1.3
_START_FLOOR_SHARE: Final = 0.2
_SMALLEST_CAP_MINOR: Final = 1.0


@dataclass(frozen=True)
class ExpectedSpend:
    """Expected spend by trees, before the total level is set.

    Args:
        plain: Trees that start from the mean.
        from_past_rate: Trees that start from the logarithm of the past rate.
        cap_minor: Spend, future or at the past rate, above this counts as this, so that no giant order rules the rest.
        floor_minor: Added to the past rate before its logarithm is taken.
        horizon_days: Days of the value horizon.
    """

    plain: Trees
    from_past_rate: Trees
    cap_minor: float
    floor_minor: float
    horizon_days: int

    def minor(self, features: pl.DataFrame) -> Floats:
        """Expect minor units per row, never below 0."""
        laid_out = self.plain.encoding.matrix(features)
        start = _start(features, horizon_days=self.horizon_days, cap_minor=self.cap_minor, floor_minor=self.floor_minor)
        plain, moved = self.plain.raw_matrix(laid_out), self.from_past_rate.raw_matrix(laid_out) + start
        return np.asarray((np.exp(plain) + np.exp(moved)) / 2 * MINOR_UNITS_PER_UNIT, dtype=np.float64)


@dataclass(frozen=True)
class ValueModel:
    """A fitted value model.

    Args:
        kind: `lightgbm`, or `past_rate`: the past year's net spend goes on at its rate.
        why: One plain sentence on why it is this kind.
        split: The cut-offs it learnt from, and the horizon.
        settings: What it was fitted with.
        level: Factor on every expectation that moves the total towards what was spent after the calibration cut-off.
        expected: The trees of kind `lightgbm`.
        metrics: Model → metric → value at a later test cut-off, measured on a twin fitted without it; empty when not measured.
    """

    kind: ValueKind
    why: str
    split: Split
    settings: PredictionSettings
    level: float = 1.0
    expected: ExpectedSpend | None = None
    metrics: Metrics = field(default_factory=dict)

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """Return `expected_value_minor`, one per row in the rows' order: minor units over the horizon, ≥ 0, never null."""
        if self.expected is not None:
            minor = self.expected.minor(features)
        else:
            minor = past_rate_minor(features, horizon_days=self.split.horizon_days)
        return pl.Series("expected_value_minor", minor * self.level, dtype=pl.Float64)


def fit_value(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> ValueModel:
    """Fit on the split's train cut-offs and set the total level on its calibration cut-off.

    Args:
        panel: One row per as_of and member_id with features and labels; rows of other cut-offs are not read.
        split: Which cut-offs train and calibrate.
        settings: Size of the models and thresholds for learning.
    """
    train, newest = value_rows(panel, split.train), value_rows(panel, split.calibrate)
    kind, why = _choose_kind(train, feature_names(panel), settings)
    if kind == "past_rate":
        reference = value_rows(panel, {*split.train, *split.calibrate})
        predicted = past_rate_minor(newest, horizon_days=split.horizon_days)
        level = _level(newest, predicted, _cap_minor(reference, settings), settings)
        return ValueModel(kind, why, split, settings, level=level)
    expected = _fit_expected(train, split.horizon_days, settings)
    if split.calibrates_by_member_folds:
        fit = _fold_fit(split.horizon_days, settings)
        predicted = held_out_scores(train, split.calibrate, folds=settings.calibration_folds, fit=fit)
    else:
        predicted = expected.minor(newest)
    level = _level(newest, predicted, expected.cap_minor, settings)
    return ValueModel(kind, why, split, settings, level=level, expected=expected)


def _choose_kind(train: pl.DataFrame, features: tuple[str, ...], settings: PredictionSettings) -> tuple[ValueKind, str]:
    members = train["member_id"].n_unique()
    spenders, _ = members_per_class(train, pl.col("future_spend_minor") > 0)
    seen = f"{members} members to learn from, of whom {spenders} spent after some cut-off"
    if features and members >= settings.min_members_to_learn and spenders >= settings.min_outcomes_to_learn:
        return "lightgbm", f"Enough to learn from: {seen}."
    needed = f"{settings.min_members_to_learn} members and {settings.min_outcomes_to_learn} spenders"
    return "past_rate", f"Too few for LightGBM, which needs {needed}: {seen}."


def _fit_expected(rows: pl.DataFrame, horizon_days: int, settings: PredictionSettings) -> ExpectedSpend:
    kept = thin(rows, max_rows=settings.max_training_rows)
    encoding = learn_encoding(kept, feature_names(kept), max_categories=settings.max_categories)
    laid_out, cap_minor = encoding.matrix(kept), _cap_minor(kept, settings)
    target = np.clip(spend_minor(kept), 0.0, cap_minor)
    floor_minor = max(_START_FLOOR_SHARE * float(np.mean(target)), _SMALLEST_CAP_MINOR)
    start = _start(kept, horizon_days=horizon_days, cap_minor=cap_minor, floor_minor=floor_minor)
    unfitted = make_trees(settings, objective="tweedie", tweedie_variance_power=_TWEEDIE_POWER)
    units = target / MINOR_UNITS_PER_UNIT
    return ExpectedSpend(
        plain=unfitted.fit(laid_out, units, encoding),
        from_past_rate=unfitted.fit(laid_out, units, encoding, start=start),
        cap_minor=cap_minor,
        floor_minor=floor_minor,
        horizon_days=horizon_days,
    )


def _fold_fit(horizon_days: int, settings: PredictionSettings) -> Callable[[pl.DataFrame], Callable[[pl.DataFrame], Floats]]:
    return lambda rows: _fit_expected(rows, horizon_days, settings).minor


def _start(features: pl.DataFrame, *, horizon_days: int, cap_minor: float, floor_minor: float) -> Floats:
    """Take the logarithm of the capped past rate in currency units."""
    rate = np.minimum(past_rate_minor(features, horizon_days=horizon_days), cap_minor)
    return np.asarray(np.log((rate + floor_minor) / MINOR_UNITS_PER_UNIT), dtype=np.float64)


def _cap_minor(rows: pl.DataFrame, settings: PredictionSettings) -> float:
    spent = spend_minor(rows)
    spenders = spent[spent > 0]
    if not spenders.size:
        return _SMALLEST_CAP_MINOR
    return max(float(np.quantile(spenders, settings.spend_cap_quantile)), _SMALLEST_CAP_MINOR)


def _level(rows: pl.DataFrame, predicted_minor: Floats, cap_minor: float, settings: PredictionSettings) -> float:
    """Find the factor that moves the predicted total towards the actual one.

    Both giant orders and giant refunds are capped. With n spenders the factor is (actual / predicted) ** (n / (n + w)),
    w being `anchor_weight`: a season's level does not carry over fully to the next, and few spenders say little.
    """
    actual = np.clip(spend_minor(rows), -cap_minor, cap_minor)
    spenders = int(np.sum(actual > 0))
    total, predicted_total = float(np.sum(actual)), float(np.sum(predicted_minor))
    if total <= 0 or predicted_total <= 0:
        return 1.0
    return float((total / predicted_total) ** (spenders / (spenders + settings.anchor_weight)))
