"""The folds of a search: what a candidate learns from earlier cut-offs, and how well it then predicts a later one.

Trees of a candidate are grown once, on at most `search_rows` rows, and scored at each number of trees it may stop at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Final

import numpy as np
import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.boosting import Objective, make_trees
from models.calibration import fit_logit_line, logit
from models.config import LifetimeKind, PredictionSettings, ValueStart
from models.cutoffs import Split
from models.encoding import learn_encoding
from models.expected_spend import cap_minor, capped_target, floor_minor, starting_log
from models.lifetime.history import has_purchases
from models.lifetime.lifetime import Lifetime, fit_lifetime, only_buys
from models.lifetime.silence import fit_silence
from models.measures import Purpose
from models.panel import (
    Floats,
    Mask,
    age_weights,
    churn_rows,
    feature_names,
    members_per_class,
    newest_cutoffs,
    outcomes,
    spend_minor,
    subsample,
    value_rows,
)
from models.populations import still_here
from models.search import Predict, Prediction, Search, fold_cutoffs, search_settings

# Fewer members of either outcome among those still here say less than everybody scored.
_FEWEST_STILL_HERE: Final = 30


def choose_settings(purpose: Purpose, panel: pl.DataFrame, split: Split, settings: PredictionSettings) -> Search:
    """Choose the settings of a model on the cut-offs known to a split; its test cut-off takes no part.

    Args:
        purpose: What is predicted.
        panel: One row per as_of and member_id with features and labels.
        split: Which cut-offs are known.
        settings: Today's settings, and how much may be tried.
    """
    if not settings.search_budget:
        return Search(settings)
    make, days = (churn_fold if purpose == "churn" else value_fold), split.horizon_days
    folds = [
        (later, make(panel, earlier, later, horizon_days=days, settings=settings))
        for earlier, later in fold_cutoffs(split.known, horizon_days=days)
    ]
    buying = {"lifetime_model"} if has_purchases(panel) else set()
    buying |= {"lifetime_share"} if only_buys(panel) else set()
    skip = frozenset({"lifetime_model", "lifetime_share"} - buying)
    return search_settings(purpose, settings, folds, skip=skip)


def churn_fold(
    panel: pl.DataFrame, earlier: Sequence[date], later: date, *, horizon_days: int, settings: PredictionSettings
) -> Predict:
    """Return how to predict who leaves after a later cut-off.

    A prediction gains by its log loss after recalibration among those still here: the level is set elsewhere, and the loss of
    each member says more than the order alone.

    Args:
        panel: One row per as_of and member_id with features and labels.
        earlier: The cut-offs to learn from.
        later: The cut-off to predict.
        horizon_days: Days of the label window.
        settings: `search_rows`, and what no candidate changes.
    """
    train = subsample(churn_rows(panel, earlier), max_rows=settings.search_rows)
    tested, everybody = churn_rows(panel, [later]), panel.filter(pl.col("as_of") == later)
    judged = tested.filter(pl.Series(_judged(tested, horizon_days)))
    grow = _Grower(train, judged, outcomes(train), settings, objective="binary")

    is_enough = _is_enough(train, pl.col("is_churned"), settings) and judged["is_churned"].n_unique() > 1

    @cache
    def silence_log_odds(kind: LifetimeKind) -> Floats | None:
        fewest = settings.min_outcomes_to_learn
        lifetime = fit_lifetime(everybody, kind, horizon_days=horizon_days, min_repeat_buyers=fewest)
        if lifetime is None or not only_buys(everybody):
            return None
        newest_known = train.filter(pl.col("as_of") == pl.col("as_of").max())
        return fit_silence(lifetime, newest_known).log_odds(judged)

    def predict(candidate: PredictionSettings, stops: Sequence[int]) -> list[Prediction] | None:
        if not is_enough:
            return None
        silence = silence_log_odds(candidate.lifetime_model)
        share = 0.0 if silence is None else candidate.lifetime_share
        scores = [(1 - share) * score + (0.0 if silence is None else share * silence) for score in grow(candidate, stops)]
        return [Prediction(-_refined_log_loss(score, outcomes(judged)), judged["member_id"]) for score in scores]

    return predict


def value_fold(
    panel: pl.DataFrame, earlier: Sequence[date], later: date, *, horizon_days: int, settings: PredictionSettings
) -> Predict:
    """Return how to predict what is spent after a later cut-off.

    A prediction gains by its nGini, member by member: what a member spent, the more the higher the rank it was given.

    Args:
        panel: One row per as_of and member_id with features and labels.
        earlier: The cut-offs to learn from.
        later: The cut-off to predict.
        horizon_days: Days of the label window.
        settings: `search_rows`, and what no candidate changes.
    """
    train, judged = subsample(value_rows(panel, earlier), max_rows=settings.search_rows), value_rows(panel, [later])
    cap = cap_minor(train, settings)
    target = capped_target(train, cap)
    grow = _Grower(train, judged, target / MINOR_UNITS_PER_UNIT, settings, objective="tweedie")

    is_enough = _is_enough(train, pl.col("future_spend_minor") > 0, settings) and spend_minor(judged).sum() > 0

    @cache
    def lifetime_of(kind: LifetimeKind) -> Lifetime | None:
        return fit_lifetime(judged, kind, horizon_days=horizon_days, min_repeat_buyers=settings.min_outcomes_to_learn)

    @cache
    def start_of(start: ValueStart, kind: LifetimeKind) -> tuple[Floats, Floats]:
        limits = {"cap_minor": cap, "floor_minor": floor_minor(target)}
        lifetime = lifetime_of(kind)
        trained, predicted = (
            starting_log(rows, start, lifetime, horizon_days=horizon_days, **limits) for rows in (train, judged)
        )
        return trained, predicted

    def predict(candidate: PredictionSettings, stops: Sequence[int]) -> list[Prediction] | None:
        if not is_enough:
            return None
        starts: tuple[ValueStart, ...] = ("lifetime", "none") if candidate.value_start == "mean" else (candidate.value_start,)
        by_start = []
        for start in starts:
            trained, predicted = start_of(start, candidate.lifetime_model)
            grown = grow(candidate, stops, start=None if start == "none" else trained)
            by_start.append([score + predicted for score in grown])
        logs = [np.mean(of_stop, axis=0) for of_stop in zip(*by_start, strict=True)]
        return [Prediction(_ngini_gains(spend_minor(judged), log), judged["member_id"]) for log in logs]

    return predict


class _Grower:
    """Grows a candidate's trees on the rows of a fold, and scores its judged rows at each stop."""

    def __init__(
        self, train: pl.DataFrame, judged: pl.DataFrame, target: Floats, settings: PredictionSettings, *, objective: Objective
    ) -> None:
        self._train, self._judged, self._target, self._objective = train.select("as_of"), judged, target, objective
        self._encoding = learn_encoding(train, feature_names(train), max_categories=settings.max_categories)
        # Laid out once for all candidates.
        self._laid_out, self._judged_matrix = self._encoding.matrix(train), self._encoding.matrix(judged)

    def __call__(self, candidate: PredictionSettings, stops: Sequence[int], *, start: Floats | None = None) -> list[Floats]:
        oldest = newest_cutoffs(self._train, most=candidate.max_cutoffs)["as_of"].min()
        kept = self._train["as_of"] >= oldest
        rows = kept.to_numpy()
        sized = candidate.model_copy(update={"rounds": max(stops)})
        if self._objective == "tweedie":
            unfitted = make_trees(sized, objective="tweedie", tweedie_variance_power=candidate.tweedie_power)
        else:
            unfitted = make_trees(sized, objective=self._objective)
        trees = unfitted.fit(
            self._laid_out[rows],
            self._target[rows],
            self._encoding,
            weight=age_weights(self._train.filter(kept), half_life_days=candidate.half_life_days),
            start=None if start is None else start[rows],
        )
        return [trees.raw_matrix(self._judged_matrix, rounds=stop) for stop in stops]


def _is_enough(train: pl.DataFrame, outcome: pl.Expr, settings: PredictionSettings) -> bool:
    """Return whether LightGBM would be trained on these rows at all."""
    enough_members = train["member_id"].n_unique() >= settings.min_members_to_learn
    return enough_members and min(members_per_class(train, outcome)) >= settings.min_outcomes_to_learn


def _judged(tested: pl.DataFrame, horizon_days: int) -> Mask:
    """Mark those still here; everybody where too few of them have either outcome."""
    here = still_here(tested, horizon_days=horizon_days)
    left = outcomes(tested)[here]
    enough = min(left.sum(), (1 - left).sum()) >= _FEWEST_STILL_HERE
    return here if enough else np.ones(tested.height, dtype=np.bool_)


def _refined_log_loss(log_odds: Floats, churned: Floats) -> Floats:
    """Return the log loss of each member after the best line through the log-odds."""
    line = fit_logit_line(log_odds, churned, slope_prior=1.0, prior_weight=1.0)
    fitted = logit(line.probability(log_odds))
    return np.asarray(np.logaddexp(0.0, fitted) - churned * fitted, dtype=np.float64)


def _ngini_gains(spent_minor: Floats, predicted: Floats) -> Floats:
    """Return what each member adds to the nGini, up to a constant: the mean over all members is the nGini less that constant.

    The area under the curve of value captured is the mean over the total of each member's value times the share of members
    ranked at or below; the perfect order only scales it.
    """
    scale = float(np.mean(spent_minor)) * _area_above_diagonal(spent_minor)
    return spent_minor * _ranks(predicted) / scale


def _area_above_diagonal(spent_minor: Floats) -> float:
    """Return the Gini of the perfect order: the most that any order can capture."""
    return float(np.sum(np.sort(spent_minor * (_ranks(spent_minor) - 0.5))) / np.sum(spent_minor))


def _ranks(values: Floats) -> Floats:
    """Return the share of members with a lower value, ties counting half."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(values) - 0.5) / values.size, dtype=np.float64)
