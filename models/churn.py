"""The probability that an eligible member goes silent for the whole horizon.

LightGBM learns from the panel's eligible rows. The slope of its calibration (Platt's) is fitted on a later cut-off than those
that model has learnt from. Afterwards trees are fitted again on every matured cut-off, and the intercept sets their mean
probability at the newest cut-off to the churn rate observed there. Where members do nothing but buy, the log-odds are averaged
with those of a buy-till-you-die model, which also sets most of the level: the newest outcomes are those of one season, tonight's
of another. Where there are too few outcomes, a simpler model is used; `kind` and `why` say which and why.
"""

from __future__ import annotations

import math
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
from models.panel import (
    Floats,
    age_weights,
    churn_rows,
    feature_names,
    held_out_scores,
    members_per_class,
    newest_cutoffs,
    outcomes,
    subsample,
)
from models.starting import FEATURES, STARTING_HELP, starting_share, starting_trees

ChurnKind = Literal["lightgbm", "starting", "recency", "base_rate", "prior"]

# Weight of the buy-till-you-die model in the mean log-odds; the newest outcomes have the rest. .5 to 1 measured nearly alike.
_LIFETIME_LEVEL_SHARE: Final = 0.75


@dataclass(frozen=True)
class ChurnModel:
    """A fitted churn model.

    Args:
        kind: `lightgbm`; `starting`, learnt from other communities; `recency`, by the days of silence alone; `base_rate`,
            the same for everyone; or `prior`, a guess from silence and usual gaps before any outcome is known.
        why: One plain sentence on why it is this kind.
        split: The cut-offs it learnt from, and the horizon.
        settings: What it was fitted with.
        calibration: From the score's log-odds to log-odds that come true.
        trees: The trees of kind `lightgbm` or `starting`.
        recency: The one-signal model of kind `recency`.
        silence: The buy-till-you-die model that kind `lightgbm` is averaged with; None where members do more than buy.
        starting: The starting model that kind `lightgbm` is averaged with while it has learnt from few members, or None.
        starting_share: Its weight.
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
    starting: Trees | None = None
    starting_share: float = 0.0
    metrics: Metrics = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """Score each row before calibration; higher is likelier to leave."""
        if self.trees is not None:
            own = _averaged_log_odds(self.trees.raw(features), features, self.silence, self.settings)
            return self._with_starting(own, features)
        if self.recency is not None:
            return logit(self.recency.probability(features))
        if self.kind == "prior":
            return logit(silence_prior(features, horizon_days=self.split.horizon_days))
        return np.zeros(features.height)

    def _with_starting(self, own: Floats, features: pl.DataFrame) -> Floats:
        """Average log-odds with those of the starting model."""
        if self.starting is None:
            return own
        return (1 - self.starting_share) * own + self.starting_share * self.starting.raw(features)

    @property
    def machines(self) -> int:
        """The number of processes that trained its trees together."""
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
    starting: str | None = None,
) -> ChurnModel:
    """Fit on the split's train cut-offs, calibrate on its calibration cut-off, then learn from all that are known.

    Args:
        panel: One row per as_of and member_id with features and labels; rows of other cut-offs are not read.
        split: Which cut-offs train and calibrate.
        settings: Size of the model and thresholds for learning.
        tonight: Features of every member on the night to be predicted and whether each `is_eligible`, from which
            buy-till-you-die learns how people buy; no outcome in it is read. None for the calibration cut-off.
        train_trees: Trains the trees, in this process or elsewhere.
        starting: LightGBM's text of the starting model; None to do without.
    """
    train = churn_rows(panel, split.train)
    known_rows = churn_rows(panel, split.known)
    recent_members = panel.filter(pl.col("as_of").is_in(split.calibrate)) if tonight is None else tonight
    start = None
    # Every panel has them, but not every frame that somebody puts together by hand.
    if starting is not None and set(FEATURES) <= set(panel.columns):
        start = _set_to_community(starting, recent_members, split.horizon_days, settings)
    kind, why = _choose_kind(train, known_rows, feature_names(panel), settings, is_helped=start is not None)
    if kind != "lightgbm" and start is not None:
        return _calibrate_starting(start, baseline_rows(panel, split, settings), split, settings, why=why)
    if kind == "lightgbm":
        silence = _fit_silence(recent_members, baseline_rows(panel, split, settings), split.horizon_days, settings)
        return _fit_lightgbm(
            train, known_rows, recent_members, split, settings, why=why, silence=silence, starting=start, train_trees=train_trees
        )
    if kind == "recency":
        return ChurnModel(kind, why, split, settings, recency=fit_recency(panel, split, settings))
    if kind == "base_rate":
        level = LogitLine(slope=1.0, intercept=base_rate_log_odds(outcomes(known_rows)))
        return ChurnModel(kind, why, split, settings, calibration=level)
    return ChurnModel(kind, why, split, settings)


def fit_recency(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> OneSignal:
    """Fit churn by silence alone.

    A logistic regression on one number needs no separate calibration, so it learns from the calibration cut-off, the newest.

    Args:
        panel: As in `fit_churn`.
        split: Which cut-offs train and calibrate.
        settings: `min_outcomes_for_recency`.
    """
    return fit_one_signal(baseline_rows(panel, split, settings), "recency")


def baseline_rows(panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> pl.DataFrame:
    """Pick the calibration cut-off's rows where they hold enough outcomes, else those of every cut-off of train and calibrate.

    Args:
        panel: As in `fit_churn`.
        split: Which cut-offs train and calibrate.
        settings: `min_outcomes_for_recency`, of each outcome.
    """
    newest = churn_rows(panel, split.calibrate)
    if min(members_per_class(newest, pl.col("is_churned"))) >= settings.min_outcomes_for_recency:
        return newest
    return churn_rows(panel, {*split.train, *split.calibrate})


def _choose_kind(
    train: pl.DataFrame, known_rows: pl.DataFrame, features: tuple[str, ...], settings: PredictionSettings, *, is_helped: bool
) -> tuple[ChurnKind, str]:
    # Averaged with the starting model, trees of few members do no harm: it has most of the weight then.
    share = STARTING_HELP if is_helped else 1.0
    fewest_members = math.ceil(settings.min_members_to_learn * share)
    fewest_outcomes = math.ceil(settings.min_outcomes_to_learn * share)
    if known_rows.is_empty():
        return "prior", "No eligible member has a known outcome yet: a guess from days of silence and usual gaps."
    members = train["member_id"].n_unique()
    left_count, stayed_count = members_per_class(train, pl.col("is_churned"))
    outcome_counts = f"{members} members to learn from, of whom {left_count} left and {stayed_count} stayed at some cut-off"
    if features and members >= fewest_members and min(left_count, stayed_count) >= fewest_outcomes:
        return "lightgbm", f"Enough to learn from: {outcome_counts}."
    if min(members_per_class(known_rows, pl.col("is_churned"))) >= settings.min_outcomes_for_recency:
        requirements = f"{fewest_members} members and {fewest_outcomes} of each outcome"
        return "recency", f"Too few for LightGBM, which needs {requirements}: {outcome_counts}."
    return "base_rate", f"Too few of one outcome for anything but the overall rate: {outcome_counts}."


def _set_to_community(text: str, recent_members: pl.DataFrame, horizon_days: int, settings: PredictionSettings) -> Trees:
    eligible = recent_members.filter("is_eligible") if "is_eligible" in recent_members.columns else recent_members
    return starting_trees(text, eligible.sort("member_id"), horizon_days=horizon_days, num_threads=settings.num_threads)


def _calibrate_starting(
    starting: Trees, rows: pl.DataFrame, split: Split, settings: PredictionSettings, *, why: str
) -> ChurnModel:
    """Let the starting model stand in, at the level of the community's own outcomes; it has learnt from none of them."""
    reason = f"{why} Until then the starting model, learnt from other communities."
    calibration = calibrate(starting.raw(rows), outcomes(rows))
    return ChurnModel("starting", reason, split, settings, calibration=calibration, trees=starting)


def _fit_silence(
    recent_members: pl.DataFrame, known_rows: pl.DataFrame, horizon_days: int, settings: PredictionSettings
) -> Silence | None:
    if not settings.lifetime_share or not only_buys(recent_members):
        return None
    fewest = settings.min_outcomes_to_learn
    lifetime = fit_lifetime(recent_members, settings.lifetime_model, horizon_days=horizon_days, min_repeat_buyers=fewest)
    return None if lifetime is None else fit_silence(lifetime, known_rows)


def _fit_lightgbm(
    train: pl.DataFrame,
    known_rows: pl.DataFrame,
    recent_members: pl.DataFrame,
    split: Split,
    settings: PredictionSettings,
    *,
    why: str,
    silence: Silence | None,
    starting: Trees | None,
    train_trees: TrainTrees,
) -> ChurnModel:
    # Members of every known cut-off: from all of them the trees learn in the end.
    share = 0.0 if starting is None else starting_share(known_rows["member_id"].n_unique())
    newest = known_rows.filter(pl.col("as_of").is_in(split.calibrate))
    # Calibration needs scores of rows that the scoring model has not learnt from.
    if split.calibrates_by_member_folds:
        scores = held_out_scores(train, split.calibrate, folds=settings.calibration_folds, fit=_fold_fit(settings, train_trees))
    else:
        scores = _fit_trees(train, settings, train_trees).raw(newest)
    started = starting if share else None
    held_out = ChurnModel("lightgbm", why, split, settings, silence=silence, starting=started, starting_share=share)
    averaged = held_out._with_starting(_averaged_log_odds(scores, newest, silence, settings), newest)
    slope = calibrate(averaged, outcomes(newest)).slope
    # The slope carries over to trees that also learn from the newest outcomes; the level does not, so it is fitted again.
    model = replace(held_out, trees=_fit_trees(known_rows, settings, train_trees))
    return replace(model, calibration=LogitLine(slope, _intercept(model, slope, newest, recent_members.sort("member_id"))))


def _intercept(model: ChurnModel, slope: float, newest: pl.DataFrame, recent_members: pl.DataFrame) -> float:
    """Fit the intercept to the newest outcomes, and average it with the one that buy-till-you-die expects of tonight."""
    observed_intercept = fit_intercept(slope * model.log_odds(newest), platt_targets(outcomes(newest)))
    if model.silence is None:
        return observed_intercept
    eligible = recent_members.filter("is_eligible")
    buyers = eligible.filter(is_buyer(eligible))
    if buyers.is_empty():
        return observed_intercept
    expected_intercept = fit_intercept(slope * model.log_odds(buyers), model.silence.lifetime.silence(buyers))
    return (1 - _LIFETIME_LEVEL_SHARE) * observed_intercept + _LIFETIME_LEVEL_SHARE * expected_intercept


def _averaged_log_odds(scores: Floats, rows: pl.DataFrame, silence: Silence | None, settings: PredictionSettings) -> Floats:
    """Average the log-odds of the trees with those of the buy-till-you-die model."""
    if silence is None:
        return scores
    share = settings.lifetime_share
    return (1 - share) * scores + share * silence.log_odds(rows)


def _fit_trees(rows: pl.DataFrame, settings: PredictionSettings, train_trees: TrainTrees) -> Trees:
    sample = subsample(newest_cutoffs(rows, most=settings.max_cutoffs), max_rows=settings.max_training_rows)
    encoding = learn_encoding(sample, feature_names(sample), max_categories=settings.max_categories)
    weight = age_weights(sample, half_life_days=settings.half_life_days)
    unfitted = make_trees(settings, objective="binary", train_trees=train_trees)
    return unfitted.fit(encoding.matrix(sample), outcomes(sample), encoding, weight=weight)


def _fold_fit(
    settings: PredictionSettings, train_trees: TrainTrees
) -> Callable[[pl.DataFrame], Callable[[pl.DataFrame], Floats]]:
    return lambda rows: _fit_trees(rows, settings, train_trees).raw
