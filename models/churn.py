"""The probability that an eligible member goes silent for the whole horizon.

LightGBM on the panel's eligible rows, calibrated on a later cut-off by Platt's line. Where outcomes are too few for that,
simpler models stand in, and each says so in `kind` and `why`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from models.baselines import OneSignal, base_rate_log_odds, fit_one_signal, silence_prior
from models.boosting import Trees, make_trees
from models.calibration import UNCALIBRATED, LogitLine, calibrate, logit
from models.config import PredictionSettings
from models.cutoffs import Split
from models.encoding import learn_encoding
from models.evaluation import Metrics
from models.panel import Floats, churn_rows, feature_names, held_out_scores, members_per_class, outcomes, thin

ChurnKind = Literal["lightgbm", "recency", "base_rate", "prior"]


@dataclass(frozen=True)
class ChurnModel:
    """A fitted churn model.

    Args:
        kind: `lightgbm`; `recency`, by the days of silence alone; `base_rate`, the same for everyone; or `prior`, a guess from
            silence and usual gaps before any outcome is known.
        why: One plain sentence on why it is this kind.
        split: The cut-offs it learnt from, and the horizon.
        settings: What it was fitted with.
        calibration: From the score's log-odds to log-odds that come true.
        trees: The trees of kind `lightgbm`.
        recency: The one-signal model of kind `recency`.
        metrics: Model → metric → value at a later test cut-off, measured on a twin fitted without it; empty when not measured.
    """

    kind: ChurnKind
    why: str
    split: Split
    settings: PredictionSettings
    calibration: LogitLine = UNCALIBRATED
    trees: Trees | None = None
    recency: OneSignal | None = None
    metrics: Metrics = field(default_factory=dict)

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """Score each row before calibration; higher is likelier to leave."""
        if self.trees is not None:
            return self.trees.raw(features)
        if self.recency is not None:
            return logit(self.recency.probability(features))
        if self.kind == "prior":
            return logit(silence_prior(features, horizon_days=self.split.horizon_days))
        return np.zeros(features.height)

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """Return `churn_probability`, one per row in the rows' order, strictly between 0 and 1 and never null."""
        return pl.Series("churn_probability", self.calibration.probability(self.log_odds(features)), dtype=pl.Float64)


def fit_churn(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> ChurnModel:
    """Fit on the split's train cut-offs and calibrate on its calibration cut-off.

    Args:
        panel: One row per as_of and member_id with features and labels; rows of other cut-offs are not read.
        split: Which cut-offs train and calibrate.
        settings: Size of the model and thresholds for learning.
    """
    train = churn_rows(panel, split.train)
    known = churn_rows(panel, {*split.train, *split.calibrate})
    kind, why = _choose_kind(train, known, feature_names(panel), settings)
    if kind == "lightgbm":
        return _fit_lightgbm(train, churn_rows(panel, split.calibrate), split, settings, why)
    if kind == "recency":
        return ChurnModel(kind, why, split, settings, recency=fit_recency(panel, split, settings))
    if kind == "base_rate":
        level = LogitLine(slope=1.0, intercept=base_rate_log_odds(outcomes(known)))
        return ChurnModel(kind, why, split, settings, calibration=level)
    return ChurnModel(kind, why, split, settings)


def fit_recency(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> OneSignal:
    """Fit churn by silence alone; it needs no separate calibration, so the calibration cut-off, the newer, is its training."""
    return fit_one_signal(baseline_rows(panel, split, settings), "recency")


def baseline_rows(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> pl.DataFrame:
    """Pick the calibration cut-off's rows where they hold enough outcomes, else those of every cut-off of train and calibrate."""
    newest = churn_rows(panel, split.calibrate)
    if min(members_per_class(newest, pl.col("is_churned"))) >= settings.min_outcomes_for_recency:
        return newest
    return churn_rows(panel, {*split.train, *split.calibrate})


def _choose_kind(
    train: pl.DataFrame, known: pl.DataFrame, features: tuple[str, ...], settings: PredictionSettings
) -> tuple[ChurnKind, str]:
    if known.is_empty():
        return "prior", "No eligible member has a known outcome yet: a guess from days of silence and usual gaps."
    members = train["member_id"].n_unique()
    left, stayed = members_per_class(train, pl.col("is_churned"))
    seen = f"{members} members to learn from, of whom {left} left and {stayed} stayed at some cut-off"
    if features and members >= settings.min_members_to_learn and min(left, stayed) >= settings.min_outcomes_to_learn:
        return "lightgbm", f"Enough to learn from: {seen}."
    if min(members_per_class(known, pl.col("is_churned"))) >= settings.min_outcomes_for_recency:
        needed = f"{settings.min_members_to_learn} members and {settings.min_outcomes_to_learn} of each outcome"
        return "recency", f"Too few for LightGBM, which needs {needed}: {seen}."
    return "base_rate", f"Too few of one outcome for anything but the overall rate: {seen}."


def _fit_lightgbm(train: pl.DataFrame, newest: pl.DataFrame, split: Split, settings: PredictionSettings, why: str) -> ChurnModel:
    trees = _fit_trees(train, settings)
    if split.calibrates_by_member_folds:
        scores = held_out_scores(train, split.calibrate, folds=settings.calibration_folds, fit=_fold_fit(settings))
    else:
        scores = trees.raw(newest)
    return ChurnModel("lightgbm", why, split, settings, calibration=calibrate(scores, outcomes(newest)), trees=trees)


def _fit_trees(rows: pl.DataFrame, settings: PredictionSettings) -> Trees:
    kept = thin(rows, max_rows=settings.max_training_rows)
    encoding = learn_encoding(kept, feature_names(kept), max_categories=settings.max_categories)
    return make_trees(settings, objective="binary").fit(encoding.matrix(kept), outcomes(kept), encoding)


def _fold_fit(settings: PredictionSettings) -> Callable[[pl.DataFrame], Callable[[pl.DataFrame], Floats]]:
    return lambda rows: _fit_trees(rows, settings).raw
