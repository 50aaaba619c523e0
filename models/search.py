"""The settings of a model, chosen on the community's own past.

Every candidate learns from the cut-offs before a past one and predicts that one, at the newest few of those that a night could
know. Today's settings are a candidate, and another takes their place only when its lead is twice its standard error: a search
that follows noise is worse than none. The cut-off a model is then measured on takes no part.

One key is tried after the other, each from the best so far. The number of trees needs no trial of its own: a model of many
trees is also every smaller one, so each candidate stops where the later cut-offs say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from models.config import PredictionSettings
from models.measures import Purpose
from models.panel import Floats

# Tried in this order, so that a small budget goes to what has mattered most (docs/experiments.md).
ALTERNATIVES: Final[Mapping[Purpose, Mapping[str, tuple[Any, ...]]]] = {
    "churn": {
        "half_life_days": (60, 720),
        "num_leaves": (4, 15),
        "lifetime_share": (0.0, 0.2, 0.6),
        "feature_share": (0.15, 0.6),
        "min_rows_per_leaf": (30, 300),
        "learning_rate": (0.06,),
        "max_cutoffs": (6,),
        "lifetime_model": ("mbg_nbd", "bg_nbd"),
    },
    "value": {
        "value_start": ("none", "past_rate", "recency_weighted", "lifetime"),
        "half_life_days": (60, 720),
        "num_leaves": (4, 15),
        "tweedie_power": (1.1, 1.6),
        "feature_share": (0.6,),
        "min_rows_per_leaf": (30,),
        "learning_rate": (0.06,),
        "max_cutoffs": (6,),
        "lifetime_model": ("mbg_nbd", "bg_nbd"),
    },
}
# Numbers of trees that a candidate may stop at, in shares of `rounds`.
_STOPS: Final = (0.5, 1.0, 2.0)
_MOST_FOLDS: Final = 3
# With one standard error the settings chosen were no better than today's on later nights (docs/experiments.md).
_SURE: Final = 2.0
_TODAY: Final = "today's settings"


@dataclass(frozen=True)
class Prediction:
    """How well a candidate predicted the later cut-off of one fold.

    Args:
        gains: What each member adds to the figure, whose mean it is; higher is better.
        member: The `member_id` of each.
    """

    gains: Floats
    member: pl.Series


@dataclass(frozen=True)
class Trial:
    """One candidate.

    Args:
        name: What it changes, such as `num_leaves 15`.
        changes: Setting → value, beside those already chosen.
        rounds: The number of trees at which it was best.
        lead: Mean gain over the best settings so far; higher is better.
        standard_error: Of the lead, members as clusters.
        is_chosen: Whether it took their place.
    """

    name: str
    changes: Mapping[str, Any]
    rounds: int
    lead: float
    standard_error: float
    is_chosen: bool


@dataclass(frozen=True)
class Search:
    """The outcome of a search.

    Args:
        settings: The settings to use.
        trials: What was tried, in order; empty where nothing was.
        folds: The past cut-offs that the candidates predicted.
    """

    settings: PredictionSettings
    trials: tuple[Trial, ...] = ()
    folds: tuple[date, ...] = ()


# Settings and the numbers of trees to stop at → one prediction for each; None where a fold cannot be learnt.
Predict = Callable[[PredictionSettings, Sequence[int]], list[Prediction] | None]


def fold_cutoffs(known: Sequence[date], *, horizon_days: int) -> list[tuple[tuple[date, ...], date]]:
    """List the folds: the cut-offs to learn from and the later one to predict, apart from each of them; the newest first.

    Args:
        known: Cut-offs with known outcomes, ascending; none of them is measured afterwards.
        horizon_days: Days of the label window.
    """
    folds: list[tuple[tuple[date, ...], date]] = []
    for later in reversed(known):
        earlier = tuple(cutoff for cutoff in known if cutoff + timedelta(days=horizon_days) <= later)
        if earlier and len(folds) < _MOST_FOLDS:
            folds.append((earlier, later))
    return folds


def search_settings(
    purpose: Purpose, settings: PredictionSettings, folds: Sequence[tuple[date, Predict]], *, skip: frozenset[str] = frozenset()
) -> Search:
    """Choose settings by how candidates predict later cut-offs.

    Args:
        purpose: What is predicted.
        settings: Today's. Keys that the configuration sets are never changed.
        folds: Later cut-off and how to predict it.
        skip: Keys without effect here, which are not tried.
    """
    if not folds or not settings.search_budget:
        return Search(settings)
    fixed = settings.model_fields_set
    stops = [settings.rounds] if "rounds" in fixed else sorted({max(1, round(settings.rounds * share)) for share in _STOPS})
    today = _predict(folds, settings, [settings.rounds])
    if today is None:
        return Search(settings)
    best, best_settings, trials = today[0], settings, list[Trial]()
    for changes in _candidates(purpose, fixed | skip, settings.search_budget):
        tried = best_settings.model_copy(update=changes)
        predictions = _predict(folds, tried, stops)
        if predictions is None:
            continue
        leads = [_lead(prediction, best) for prediction in predictions]
        position = max(range(len(stops)), key=lambda stop: leads[stop][0])
        lead, error = leads[position]
        name = ", ".join(f"{key} {value}" for key, value in changes.items()) or _TODAY
        is_chosen = lead > _SURE * error
        trials.append(Trial(name, changes, stops[position], lead, error, is_chosen))
        if is_chosen:
            best, best_settings = predictions[position], tried.model_copy(update={"rounds": stops[position]})
    return Search(best_settings, tuple(trials), tuple(later for later, _ in folds))


def _candidates(purpose: Purpose, excluded: frozenset[str] | set[str], budget: int) -> Iterator[dict[str, Any]]:
    """Yield the changes to try: none, which leaves the number of trees to choose, then one key at a time."""
    changes = [{}, *({key: value} for key, values in ALTERNATIVES[purpose].items() if key not in excluded for value in values)]
    yield from changes[:budget]


def _predict(
    folds: Sequence[tuple[date, Predict]], settings: PredictionSettings, stops: Sequence[int]
) -> list[list[Prediction]] | None:
    """Predict every fold: one list of folds per stop; None where one of them cannot be learnt."""
    by_fold = [predict(settings, stops) for _, predict in folds]
    predicted = [fold for fold in by_fold if fold is not None]
    return [list(of_stop) for of_stop in zip(*predicted, strict=True)] if len(predicted) == len(by_fold) else None


def _lead(first: Sequence[Prediction], second: Sequence[Prediction]) -> tuple[float, float]:
    """Return the mean gain of the first over the second, each fold with the same weight, and its standard error.

    A member occurs in several folds, and is nearly the same in each: the differences are summed per member before the error is
    taken (cluster-robust; Liang & Zeger 1986).
    """
    differences = [(one.gains - other.gains) / (one.gains.size * len(first)) for one, other in zip(first, second, strict=True)]
    rows = pl.DataFrame({"member": pl.concat([one.member for one in first]), "difference": np.concatenate(differences)})
    # Sorted, so that no sum depends on the order of the rows.
    by_member = rows.sort("member", "difference").group_by("member", maintain_order=True).agg(pl.col("difference").sum())
    sums = by_member["difference"].to_numpy()
    return float(np.sum(sums)), float(np.sqrt(np.sum((sums - np.mean(sums)) ** 2)))
