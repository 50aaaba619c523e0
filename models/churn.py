"""The probability that an eligible member goes silent for the whole horizon.

LightGBM on the panel's eligible rows. The slope of its calibration, Platt's, is found on a later cut-off than it then knows of;
afterwards it learns from every matured cut-off, and the intercept makes its mean probability at the newest one what happened
there. Where members do nothing but buy, its log-odds are averaged with those of a buy-till-you-die model, and most of the level
comes from that one too: the newest outcomes are those of one season, tonight's of another.
Where outcomes are too few, simpler models stand in, and each says so in `kind` and `why`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import polars as pl

from models.baselines import OneSignal, base_rate_log_odds, fit_one_signal, silence_prior
from models.boosting import TrainTrees, Trees, make_trees, train_trees_here
from models.calibration import UNCALIBRATED, LogitLine, calibrate, fit_intercept, logit, platt_targets
from models.config import PredictionSettings
from models.cutoffs import Split
from models.encoding import learn_encoding
from models.evaluation import Curves, Metrics
from models.lifetime.history import is_buyer
from models.lifetime.lifetime import fit_lifetime, only_buys
from models.lifetime.silence import Silence, fit_silence
from models.panel import Floats, age_weights, churn_rows, feature_names, held_out_scores, members_per_class, outcomes, subsample

ChurnKind = Literal["lightgbm", "recency", "base_rate", "prior"]

# Weight of the buy-till-you-die model in the mean log-odds; the newest outcomes have the rest. .5 to 1 measured nearly alike.
_LIFETIME_LEVEL_SHARE: Final = 0.75


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
        silence: The buy-till-you-die model that kind `lightgbm` is averaged with; None where members do more than buy.
        metrics: Model → metric → value of a holdout model at a later test cut-off; empty when not measured.
        curves: Points of its curves at that cut-off, as `models.curves` lays them out; empty when not measured.
    """

    kind: ChurnKind
    why: str
    split: Split
    settings: PredictionSettings
    calibration: LogitLine = UNCALIBRATED
    trees: Trees | None = None
    recency: OneSignal | None = None
    silence: Silence | None = None
    metrics: Metrics = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """Score each row before calibration; higher is likelier to leave."""
        if self.trees is not None:
            return _averaged(self.trees.raw(features), features, self.silence, self.settings)
        if self.recency is not None:
            return logit(self.recency.probability(features))
        if self.kind == "prior":
            return logit(silence_prior(features, horizon_days=self.split.horizon_days))
        return np.zeros(features.height)

    @property
    def machines(self) -> int:
        """How many processes grew its trees together."""
        return 1 if self.trees is None else self.trees.machines

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """Return `churn_probability`, one per row in the rows' order, strictly between 0 and 1 and never null."""
        return pl.Series("churn_probability", self.calibration.probability(self.log_odds(features)), dtype=pl.Float64)


def fit_churn(
    panel: pl.DataFrame,
    split: Split,
    settings: PredictionSettings,
    *,
    tonight: pl.DataFrame | None = None,
    train_trees: TrainTrees = train_trees_here,
) -> ChurnModel:
    """Fit on the split's train cut-offs, calibrate on its calibration cut-off, then learn from all that are known.

    Args:
        panel: One row per as_of and member_id with features and labels; rows of other cut-offs are not read.
        split: Which cut-offs train and calibrate.
        settings: Size of the model and thresholds for learning.
        tonight: Features of every member on the night to be predicted and whether each `is_eligible`, from which
            buy-till-you-die learns how people buy; no outcome in it is read. None for the calibration cut-off.
        train_trees: Who grows the trees.
    """
    train = churn_rows(panel, split.train)
    known = churn_rows(panel, split.known)
    kind, why = _choose_kind(train, known, feature_names(panel), settings)
    if kind == "lightgbm":
        lately = panel.filter(pl.col("as_of").is_in(split.calibrate)) if tonight is None else tonight
        silence = _fit_silence(lately, baseline_rows(panel, split, settings), split.horizon_days, settings)
        return _fit_lightgbm(train, known, lately, split, settings, why=why, silence=silence, train_trees=train_trees)
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


def _fit_silence(lately: pl.DataFrame, known: pl.DataFrame, horizon_days: int, settings: PredictionSettings) -> Silence | None:
    if not settings.lifetime_share or not only_buys(lately):
        return None
    fewest = settings.min_outcomes_to_learn
    lifetime = fit_lifetime(lately, settings.lifetime_model, horizon_days=horizon_days, min_repeat_buyers=fewest)
    return None if lifetime is None else fit_silence(lifetime, known)


def _fit_lightgbm(
    train: pl.DataFrame,
    known: pl.DataFrame,
    lately: pl.DataFrame,
    split: Split,
    settings: PredictionSettings,
    *,
    why: str,
    silence: Silence | None,
    train_trees: TrainTrees,
) -> ChurnModel:
    newest = known.filter(pl.col("as_of").is_in(split.calibrate))
    if split.calibrates_by_member_folds:
        scores = held_out_scores(train, split.calibrate, folds=settings.calibration_folds, fit=_fold_fit(settings, train_trees))
    else:
        scores = _fit_trees(train, settings, train_trees).raw(newest)
    slope = calibrate(_averaged(scores, newest, silence, settings), outcomes(newest)).slope
    model = ChurnModel("lightgbm", why, split, settings, trees=_fit_trees(known, settings, train_trees), silence=silence)
    return replace(model, calibration=LogitLine(slope, _intercept(model, slope, newest, lately.sort("member_id"))))


def _intercept(model: ChurnModel, slope: float, newest: pl.DataFrame, lately: pl.DataFrame) -> float:
    """Find the intercept that meets the newest outcomes on average, drawn towards what buy-till-you-die expects of tonight."""
    happened = fit_intercept(slope * model.log_odds(newest), platt_targets(outcomes(newest)))
    if model.silence is None:
        return happened
    eligible = lately.filter("is_eligible")
    buyers = eligible.filter(is_buyer(eligible))
    if buyers.is_empty():
        return happened
    expected = fit_intercept(slope * model.log_odds(buyers), model.silence.lifetime.silence(buyers))
    return (1 - _LIFETIME_LEVEL_SHARE) * happened + _LIFETIME_LEVEL_SHARE * expected


def _averaged(scores: Floats, rows: pl.DataFrame, silence: Silence | None, settings: PredictionSettings) -> Floats:
    """Average the log-odds of the trees with those of the buy-till-you-die model."""
    if silence is None:
        return scores
    share = settings.lifetime_share
    return (1 - share) * scores + share * silence.log_odds(rows)


def _fit_trees(rows: pl.DataFrame, settings: PredictionSettings, train_trees: TrainTrees) -> Trees:
    kept = subsample(rows, max_rows=settings.max_training_rows)
    encoding = learn_encoding(kept, feature_names(kept), max_categories=settings.max_categories)
    weight = age_weights(kept, half_life_days=settings.half_life_days)
    unfitted = make_trees(settings, objective="binary", train_trees=train_trees)
    return unfitted.fit(encoding.matrix(kept), outcomes(kept), encoding, weight=weight)


def _fold_fit(
    settings: PredictionSettings, train_trees: TrainTrees
) -> Callable[[pl.DataFrame], Callable[[pl.DataFrame], Floats]]:
    return lambda rows: _fit_trees(rows, settings, train_trees).raw
