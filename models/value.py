"""Expected net spend of every member over the value horizon.

LightGBM ranks the members (`models.expected_spend`). The total is that of the buy-till-you-die model until the outcomes cover a
year, and half way to it from then on: outcomes of some seasons say nothing about the others. Where there are too few repeat
buyers to fit it, the outcomes alone set the total.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import polars as pl

from models.baselines import past_rate_minor
from models.boosting import TrainTrees, train_trees_here
from models.config import PredictionSettings
from models.cutoffs import Split
from models.evaluation import Curves, Metrics
from models.expected_spend import ExpectedSpend, cap_minor, fit_expected_spend
from models.intervals import SpendInterval
from models.lifetime.lifetime import fit_lifetime
from models.panel import Floats, feature_names, members_per_class, spend_minor, value_rows

ValueKind = Literal["lightgbm", "past_rate"]

_YEAR_DAYS: Final = 365
# Weight of the learnt level beside that of the buy-till-you-die model, once a year of outcomes is known (decision 10).
_LEARNT_SHARE: Final = 0.5


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
        interval: How far members' spend lay from what was predicted at that cut-off; None when not measured.
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
    interval: SpendInterval | None = None

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

    def predict_range(self, expected_value_minor: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return the ends of the range of each expectation, in minor units, that eight in ten members spent within.

        Args:
            expected_value_minor: What `predict` returned, or the same at another level of the total.
        """
        if self.interval is None:
            unknown = pl.repeat(None, expected_value_minor.len(), dtype=pl.Float64, eager=True)
            return unknown, unknown
        low, high = self.interval.bounds(expected_value_minor.to_numpy())
        return pl.Series(low), pl.Series(high)


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
        return ValueModel(kind, why, split, settings, level=_learnt_level(newest, predicted, cap_minor(rows, settings), settings))
    recent_members = newest if tonight is None else tonight.sort("member_id")
    lifetime = fit_lifetime(
        recent_members, settings.lifetime_model, horizon_days=split.horizon_days, min_repeat_buyers=settings.min_outcomes_to_learn
    )
    expected = fit_expected_spend(rows, lifetime, horizon_days=split.horizon_days, settings=settings, train_trees=train_trees)
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


def _levels(
    rows: pl.DataFrame, recent_members: pl.DataFrame, expected: ExpectedSpend, settings: PredictionSettings
) -> tuple[float, float]:
    """Find the factors of the members that the buy-till-you-die model does not cover, and of those that it covers."""
    predicted, cap, buyers = expected.minor(rows), expected.cap_minor, expected.buyers(rows)
    level = _learnt_level(rows.filter(~buyers), predicted[~buyers], cap, settings)
    if expected.lifetime is None:
        return level, 1.0
    learnt_level_of_buyers = _learnt_level(rows.filter(buyers), predicted[buyers], cap, settings)
    learnt_share = _LEARNT_SHARE if _covered_days(rows, expected.horizon_days) >= _YEAR_DAYS else 0.0
    # A geometric mean, as the levels are factors.
    return level, learnt_level_of_buyers**learnt_share * _lifetime_level(recent_members, expected) ** (1 - learnt_share)


def _learnt_level(rows: pl.DataFrame, predicted_minor: Floats, cap: float, settings: PredictionSettings) -> float:
    """Find the factor that moves the predicted total towards the actual one.

    Very large orders and refunds are capped. With n outcomes of spend the factor is (actual / predicted) ** (n / (n + w)),
    w being `anchor_weight`: few spenders say little.
    """
    actual = np.clip(spend_minor(rows), -cap, cap)
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
