"""Intervals of the differences between models: at one cut-off, and of their mean over all cut-offs of a data set.

At one cut-off the members are drawn with replacement, the same ones for all models, as `models.bootstrap.paired_difference`
does for two. Cut-offs 28 days apart share most of their members and, where the horizon is longer, most of their outcomes: ten
cut-offs are far fewer than ten samples, and a t-interval over them would be too narrow. For the mean, each member is therefore
drawn with all of their rows at once, and the cut-offs are drawn as well, independently of the members, so that the interval
also holds how nights differ (Owen 2007, The pigeonhole bootstrap; its variance errs on the large side).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.bootstrap import Difference, draw_weights
from models.measures import MEASURES, Metric
from models.panel import Floats

_TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class Predicted:
    """What was predicted and what happened at one cut-off, one entry per member, sorted by member_id.

    Args:
        member_ids: Who.
        actual: 1 churned, or minor units spent.
        models: Model → predictions.
    """

    member_ids: pl.Series
    actual: Floats
    models: Mapping[str, Floats]


def differences_at(one: Predicted, ours: str, *, metric: Metric, draws: int, seed: int) -> dict[str, Difference]:
    """Return rival → our figure minus theirs at one cut-off, with its 95 % interval; equals `paired_difference` of each."""
    if not one.actual.size:
        return {}
    figures = _figures(one, metric, list(draw_weights(one.actual.size, seed=seed, draws=draws)))
    whole = _figures(one, metric, [np.ones((1, one.actual.size))])
    return {
        rival: _difference(float((whole[ours] - whole[rival])[0]), figures[ours] - figures[rival])
        for rival in one.models
        if rival != ours
    }


def mean_differences(cutoffs: Sequence[Predicted], ours: str, *, metric: Metric, draws: int, seed: int) -> dict[str, Difference]:
    """Return rival → mean over the cut-offs of our figure minus theirs, with its 95 % interval.

    A rival that is missing at some cut-offs is compared at the others. A cut-off where the metric is undefined does not count.

    Args:
        cutoffs: One entry per cut-off.
        ours: Our model among theirs.
        metric: What to measure.
        draws: Number of draws.
        seed: Seed of the draws.
    """
    if not cutoffs:
        return {}
    members = pl.concat([one.member_ids for one in cutoffs]).unique().sort()
    places = [members.search_sorted(one.member_ids).to_numpy() for one in cutoffs]
    weights = list(draw_weights(members.len(), seed=seed, draws=draws))
    # A generator of its own for the cut-offs, so that they are drawn independently of the members.
    chosen = np.random.default_rng([seed, 1]).multinomial(len(cutoffs), np.full(len(cutoffs), 1 / len(cutoffs)), size=draws)
    drawn = [_figures(one, metric, [batch[:, place] for batch in weights]) for one, place in zip(cutoffs, places, strict=True)]
    whole = [_figures(one, metric, [np.ones((1, one.actual.size))]) for one in cutoffs]
    rivals = dict.fromkeys(rival for one in cutoffs for rival in one.models if rival != ours)
    return {
        rival: _difference(
            float(_weighted_mean(_gaps(whole, ours, rival, draws=1), np.ones((1, len(cutoffs))))[0]),
            _weighted_mean(_gaps(drawn, ours, rival, draws=draws), chosen.astype(np.float64)),
        )
        for rival in rivals
    }


def _figures(one: Predicted, metric: Metric, batches: Sequence[Floats]) -> dict[str, Floats]:
    """Return model → the metric of each draw."""
    prepared = {name: MEASURES[metric](one.actual, predicted) for name, predicted in one.models.items()}
    return {name: np.concatenate([measure(batch) for batch in batches]) for name, measure in prepared.items()}


def _gaps(figures: Sequence[Mapping[str, Floats]], ours: str, rival: str, *, draws: int) -> Floats:
    """Return one row per draw and one column per cut-off: our figure minus theirs, NaN where there is none."""
    nothing = np.full(draws, np.nan)
    return np.stack([one[ours] - one[rival] if rival in one else nothing for one in figures], axis=1)


def _weighted_mean(gaps: Floats, weights: Floats) -> Floats:
    known = np.where(np.isfinite(gaps), weights, 0.0)
    total, summed = known.sum(axis=1), (np.nan_to_num(gaps) * known).sum(axis=1)
    mean = np.full(summed.shape, np.nan)
    np.divide(summed, total, out=mean, where=total > 0)
    return mean


def _difference(estimate: float, drawn: Floats) -> Difference:
    defined = drawn[np.isfinite(drawn)]
    if not defined.size:
        return Difference(estimate, np.nan, np.nan, 0)
    lower, upper = np.quantile(defined, _TAILS)
    return Difference(estimate, float(lower), float(upper), int(defined.size))
