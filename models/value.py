"""Expected net spend of every member over the value horizon.

LightGBM ranks the members; the buy-till-you-die model sets the starting point and the level. The trees (Tweedie) start from the
spend that model expects of the member, because trees predict averages and alone never reach the few very large spenders. Where
there are too few repeat buyers to fit it, they start from the past rate. The total is that of the buy-till-you-die model too,
until the outcomes cover a year: outcomes of some seasons say nothing about the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.baselines import past_rate_minor
from models.boosting import TrainTrees, Trees, make_trees, train_trees_here
from models.config import PredictionSettings
from models.cutoffs import Split
from models.encoding import learn_encoding
from models.evaluation import Curves, Metrics
from models.lifetime.history import is_buyer
from models.lifetime.lifetime import Lifetime, fit_lifetime
from models.panel import Floats, Mask, age_weights, feature_names, members_per_class, spend_minor, subsample, value_rows

ValueKind = Literal["lightgbm", "past_rate"]

# Between 1 (counts) and 2 (gamma): spend is zero for most and skewed for the rest. 1.1 to 1.7 measured alike.
_TWEEDIE_POWER: Final = 1.3
# Share of the mean spend that is added to every starting expectation: members expected to spend nothing need a logarithm too.
_START_FLOOR_SHARE: Final = 0.2
# Where nobody spent anything, cap and floor are one minor unit rather than 0.
_SMALLEST_CAP_MINOR: Final = 1.0
_YEAR_DAYS: Final = 365
# Weight of the learnt level beside that of the buy-till-you-die model, once a year of outcomes is known (decision 10).
_LEARNT_SHARE: Final = 0.5


@dataclass(frozen=True)
class ExpectedSpend:
    """Expected spend by trees, before the total level is set.

    Args:
        trees: Trees that start from the logarithm of a simple expectation.
        lifetime: What that expectation comes from; None for the past rate.
        cap_minor: Larger spend, future or expected at the start, counts as this, so that one very large order does not dominate.
        floor_minor: Added to the simple expectation before its logarithm is taken.
        horizon_days: Days of the value horizon.
    """

    trees: Trees
    lifetime: Lifetime | None
    cap_minor: float
    floor_minor: float
    horizon_days: int

    def minor(self, features: pl.DataFrame) -> Floats:
        """Expect minor units per row, never below 0."""
        start = _start(features, self.lifetime, self.horizon_days, cap_minor=self.cap_minor, floor_minor=self.floor_minor)
        return np.asarray(np.exp(self.trees.raw(features) + start) * MINOR_UNITS_PER_UNIT, dtype=np.float64)

    def buyers(self, features: pl.DataFrame) -> Mask:
        """Mark the members that the buy-till-you-die model covers."""
        return is_buyer(features) if self.lifetime is not None else np.zeros(features.height, dtype=np.bool_)


@dataclass(frozen=True)
class ValueModel:
    """A fitted value model.

    Args:
        kind: `lightgbm`, or `past_rate`: the past year's net spend goes on at its rate.
        why: One plain sentence on why it is this kind.
        split: The cut-offs it learnt from, and the horizon.
        settings: What it was fitted with.
        level: Factor on every expectation that sets the total.
        level_of_buyers: The factor of members that the buy-till-you-die model covers, instead of `level`.
        expected: The trees of kind `lightgbm`.
        metrics: Model → metric → value of a holdout model at a later test cut-off; empty when not measured.
        curves: Points of its curves at that cut-off, as `models.curves` lays them out; empty when not measured.
    """

    kind: ValueKind
    why: str
    split: Split
    settings: PredictionSettings
    level: float = 1.0
    level_of_buyers: float = 1.0
    expected: ExpectedSpend | None = None
    metrics: Metrics = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)

    @property
    def machines(self) -> int:
        """The number of processes that trained its trees together."""
        return 1 if self.expected is None else self.expected.trees.machines

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """Return `expected_value_minor`, one per row in the rows' order: minor units over the horizon, ≥ 0, never null."""
        if self.expected is not None:
            level = np.where(self.expected.buyers(features), self.level_of_buyers, self.level)
            minor = self.expected.minor(features) * level
        else:
            minor = past_rate_minor(features, horizon_days=self.split.horizon_days) * self.level
        return pl.Series("expected_value_minor", minor, dtype=pl.Float64)


def fit_value(
    panel: pl.DataFrame,
    split: Split,
    settings: PredictionSettings,
    *,
    tonight: pl.DataFrame | None = None,
    train_trees: TrainTrees = train_trees_here,
) -> ValueModel:
    """Fit on every cut-off known to the split.

    Args:
        panel: One row per as_of and member_id with features and labels; rows of other cut-offs are not read.
        split: Which cut-offs to learn from.
        settings: Size of the models and thresholds for learning.
        tonight: Features of every member on the night to be predicted, from which buy-till-you-die learns how people buy; no
            label in it is read. None for those of the newest cut-off.
        train_trees: Trains the trees, in this process or elsewhere.
    """
    rows = value_rows(panel, split.known)
    newest = rows.filter(pl.col("as_of").is_in(split.calibrate))
    kind, why = _choose_kind(rows, feature_names(panel), settings)
    if kind == "past_rate":
        predicted = past_rate_minor(newest, horizon_days=split.horizon_days)
        return ValueModel(
            kind, why, split, settings, level=_learnt_level(newest, predicted, _cap_minor(rows, settings), settings)
        )
    recent_members = newest if tonight is None else tonight.sort("member_id")
    lifetime = fit_lifetime(
        recent_members, settings.lifetime_model, horizon_days=split.horizon_days, min_repeat_buyers=settings.min_outcomes_to_learn
    )
    expected = _fit_expected(rows, lifetime, split.horizon_days, settings, train_trees)
    level, level_of_buyers = _levels(rows, recent_members, expected, settings)
    return ValueModel(kind, why, split, settings, level=level, level_of_buyers=level_of_buyers, expected=expected)


def _choose_kind(rows: pl.DataFrame, features: tuple[str, ...], settings: PredictionSettings) -> tuple[ValueKind, str]:
    members = rows["member_id"].n_unique()
    spenders, _ = members_per_class(rows, pl.col("future_spend_minor") > 0)
    outcome_counts = f"{members} members to learn from, of whom {spenders} spent after some cut-off"
    if features and members >= settings.min_members_to_learn and spenders >= settings.min_outcomes_to_learn:
        return "lightgbm", f"Enough to learn from: {outcome_counts}."
    requirements = f"{settings.min_members_to_learn} members and {settings.min_outcomes_to_learn} spenders"
    return "past_rate", f"Too few for LightGBM, which needs {requirements}: {outcome_counts}."


def _fit_expected(
    rows: pl.DataFrame, lifetime: Lifetime | None, horizon_days: int, settings: PredictionSettings, train_trees: TrainTrees
) -> ExpectedSpend:
    sample = subsample(rows, max_rows=settings.max_training_rows)
    encoding = learn_encoding(sample, feature_names(sample), max_categories=settings.max_categories)
    cap_minor = _cap_minor(sample, settings)
    # Tweedie is defined for targets of 0 or more; a net refund counts as no spend.
    target = np.clip(spend_minor(sample), 0.0, cap_minor)
    floor_minor = max(_START_FLOOR_SHARE * float(np.mean(target)), _SMALLEST_CAP_MINOR)
    trees = make_trees(settings, objective="tweedie", train_trees=train_trees, tweedie_variance_power=_TWEEDIE_POWER).fit(
        encoding.matrix(sample),
        target / MINOR_UNITS_PER_UNIT,
        encoding,
        weight=age_weights(sample, half_life_days=settings.half_life_days),
        start=_start(sample, lifetime, horizon_days, cap_minor=cap_minor, floor_minor=floor_minor),
    )
    return ExpectedSpend(trees, lifetime, cap_minor, floor_minor, horizon_days)


def _start(
    features: pl.DataFrame, lifetime: Lifetime | None, horizon_days: int, *, cap_minor: float, floor_minor: float
) -> Floats:
    """Take the logarithm of the capped simple expectation in currency units."""
    expectation_minor = (
        past_rate_minor(features, horizon_days=horizon_days) if lifetime is None else lifetime.spend_minor(features)
    )
    return np.asarray(np.log((np.minimum(expectation_minor, cap_minor) + floor_minor) / MINOR_UNITS_PER_UNIT), dtype=np.float64)


def _cap_minor(rows: pl.DataFrame, settings: PredictionSettings) -> float:
    spent = spend_minor(rows)
    spenders = spent[spent > 0]
    if not spenders.size:
        return _SMALLEST_CAP_MINOR
    return max(float(np.quantile(spenders, settings.spend_cap_quantile, method="lower")), _SMALLEST_CAP_MINOR)


def _levels(
    rows: pl.DataFrame, recent_members: pl.DataFrame, expected: ExpectedSpend, settings: PredictionSettings
) -> tuple[float, float]:
    """Find the factors of the members that the buy-till-you-die model does not cover, and of those that it covers."""
    predicted, cap_minor, buyers = expected.minor(rows), expected.cap_minor, expected.buyers(rows)
    level = _learnt_level(rows.filter(~buyers), predicted[~buyers], cap_minor, settings)
    if expected.lifetime is None:
        return level, 1.0
    learnt_level_of_buyers = _learnt_level(rows.filter(buyers), predicted[buyers], cap_minor, settings)
    learnt_share = _LEARNT_SHARE if _covered_days(rows, expected.horizon_days) >= _YEAR_DAYS else 0.0
    # A geometric mean, as the levels are factors.
    return level, learnt_level_of_buyers**learnt_share * _lifetime_level(recent_members, expected) ** (1 - learnt_share)


def _learnt_level(rows: pl.DataFrame, predicted_minor: Floats, cap_minor: float, settings: PredictionSettings) -> float:
    """Find the factor that moves the predicted total towards the actual one.

    Very large orders and refunds are capped. With n outcomes of spend the factor is (actual / predicted) ** (n / (n + w)),
    w being `anchor_weight`: few spenders say little.
    """
    actual = np.clip(spend_minor(rows), -cap_minor, cap_minor)
    spenders = int(np.sum(actual > 0))
    total, predicted_total = float(np.sum(actual)), float(np.sum(predicted_minor))
    if total <= 0 or predicted_total <= 0:
        return 1.0
    return float((total / predicted_total) ** (spenders / (spenders + settings.anchor_weight)))


def _lifetime_level(recent_members: pl.DataFrame, expected: ExpectedSpend) -> float:
    """Find the factor that makes the total of all buyers what the buy-till-you-die model expects of them."""
    assert expected.lifetime is not None
    buyers = recent_members.filter(expected.buyers(recent_members))
    return float(np.sum(expected.lifetime.spend_minor(buyers)) / np.sum(expected.minor(buyers)))


def _covered_days(rows: pl.DataFrame, horizon_days: int) -> int:
    """Count the days from the oldest cut-off to the end of the newest one's outcome."""
    return int(rows.select((pl.col("as_of").max() - pl.col("as_of").min()).dt.total_days()).item()) + horizon_days
