"""Uplift: how much more likely a member does what an action is for because of the action.

The mean of two learners, since neither was better everywhere (`docs/experiments.md`):

- *two models*: one LightGBM for those chosen and one for those held out; uplift is the difference of their probabilities.
- *doubly robust* (Kennedy 2023, "Towards optimal doubly robust estimation of heterogeneous causal effects"): what each member
  says of the effect, by two models that never saw the member, is what further trees learn. The chance of being chosen is known,
  because members are held out by a draw.

Learnt on a short outcome, judged on the horizon: what members do for months is mostly noise, which uplift models take for effect
(Huang & Ascarza, "When Less Is More: Using Short-term Signals to Overcome Systematic Bias in Long-run Targeting", 2022; published
as "Doing More with Less", Marketing Science 2024, doi 10.1287/mksc.2022.0379).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from models.boosting import Trees, make_trees
from models.calibration import logistic
from models.config import PredictionSettings
from models.encoding import Encoding, Matrix, learn_encoding
from models.panel import Floats
from models.qini import Randomised, effects_by_member

_MOST_SURROGATE_DAYS: Final = 7
# An effect is a small difference in much noise: its trees are smaller and fewer than those of a risk.
_MOST_LEAVES: Final = 4
_MOST_ROUNDS: Final = 100


@dataclass(frozen=True)
class TwoModels:
    """The outcome of those chosen and of those held out, by a model each.

    Args:
        treated: Trees of those chosen.
        held_out: Trees of those held out.
    """

    treated: Trees
    held_out: Trees

    def probabilities(self, laid_out: Matrix) -> tuple[Floats, Floats]:
        """Return the probability of the outcome if chosen, and if held out, for the rows of a matrix."""
        return logistic(self.treated.raw_matrix(laid_out)), logistic(self.held_out.raw_matrix(laid_out))

    def uplift(self, laid_out: Matrix) -> Floats:
        """Return the difference of the two probabilities."""
        treated, held_out = self.probabilities(laid_out)
        return treated - held_out


@dataclass(frozen=True)
class UpliftModel:
    """A fitted uplift model.

    Args:
        settings: What it was fitted with.
        two_models: A model for each arm.
        effect: Trees that learnt the effect itself, doubly robust.
        mean: The mean effect on the outcome learnt from, -1 to 1.
    """

    settings: PredictionSettings
    two_models: TwoModels
    effect: Trees
    mean: float

    @property
    def encoding(self) -> Encoding:
        """The features that it reads."""
        return self.effect.encoding

    def predict(self, features: pl.DataFrame) -> pl.Series:
        """Return `uplift`, one per row in the rows' order: the change of the probability of the short outcome; never null."""
        laid_out = self.encoding.matrix(features)
        both = (self.two_models.uplift(laid_out) + self.effect.raw_matrix(laid_out)) / 2
        return pl.Series("uplift", both, dtype=pl.Float64)


def surrogate_days(horizon_days: int) -> int:
    """Return the days of the short outcome that uplift is learnt from: a week, or the horizon where that is shorter."""
    return min(_MOST_SURROGATE_DAYS, horizon_days)


def fit_uplift(features: pl.DataFrame, units: Randomised, settings: PredictionSettings) -> UpliftModel:
    """Fit on randomised decisions; the result depends on the order of the rows, so sort them by a key first.

    Args:
        features: One row per decision with the features as of its night, and nothing else.
        units: What came of the decisions within `surrogate_days`, 1 or 0, in the order of the features; enough to learn from
            by `Randomised.is_enough`.
        settings: Size of the trees, seed, threads and `calibration_folds`, the groups for the doubly robust learner.
    """
    smaller = settings.model_copy(
        update={"num_leaves": min(settings.num_leaves, _MOST_LEAVES), "rounds": min(settings.rounds, _MOST_ROUNDS)}
    )
    encoding = learn_encoding(features, features.columns, max_categories=settings.max_categories)
    laid_out = encoding.matrix(features)
    if_treated, if_held_out = _held_out_probabilities(laid_out, units, encoding, smaller)
    effects = effects_by_member(units, if_treated=if_treated, if_held_out=if_held_out)
    return UpliftModel(
        settings=smaller,
        two_models=_fit_two_models(laid_out, units, encoding, smaller),
        effect=make_trees(smaller, objective="regression").fit(laid_out, effects, encoding),
        mean=float(np.mean(effects)),
    )


def _fit_two_models(laid_out: Matrix, units: Randomised, encoding: Encoding, settings: PredictionSettings) -> TwoModels:
    def of_arm(arm: npt.NDArray[np.bool_]) -> Trees:
        return make_trees(settings, objective="binary").fit(laid_out[arm], units.outcome[arm], encoding)

    return TwoModels(treated=of_arm(units.is_treated), held_out=of_arm(~units.is_treated))


def _held_out_probabilities(
    laid_out: Matrix, units: Randomised, encoding: Encoding, settings: PredictionSettings
) -> tuple[Floats, Floats]:
    """Return the outcome expected if chosen and if held out, each by models that never saw the row or what was drawn with it."""
    fold = _folds(units, settings.calibration_folds)
    if_treated, if_held_out = np.empty(units.outcome.size), np.empty(units.outcome.size)
    for one in range(settings.calibration_folds):
        own = fold == one
        models = _fit_two_models(laid_out[~own], units.where(~own), encoding, settings)
        if_treated[own], if_held_out[own] = models.probabilities(laid_out[own])
    return if_treated, if_held_out


def _folds(units: Randomised, folds: int) -> npt.NDArray[np.int64]:
    """Give each row a group; rows of one cluster and arm share it, and each group has its part of both arms."""
    cluster = np.arange(units.outcome.size) if units.cluster is None else units.cluster
    fold = np.empty(units.outcome.size, dtype=np.int64)
    for arm in (units.is_treated, ~units.is_treated):
        _, rank = np.unique(cluster[arm], return_inverse=True)
        fold[arm] = rank % folds
    return fold
