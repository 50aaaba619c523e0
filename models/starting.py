"""The starting model: who leaves, learnt from many open communities, for a community with too little of its own.

It reads what has no scale of its own: silence, gaps and age in churn horizons, active days per horizon, and the member's place
among the community's active ones. So what was learnt where people come daily can be used where they come once a season.

Trees are LightGBM's text like any others; only the layout of what they read differs. Each of its columns comes from one feature,
so that reasons name the feature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from models.boosting import Trees, make_trees
from models.config import PredictionSettings
from models.encoding import Encoding, Matrix
from models.panel import Floats, floats, outcomes

_Transform = Callable[[Floats, float], Floats]


def _in_horizons(days: Floats, horizon_days: float) -> Floats:
    return np.log1p(np.maximum(days, 0.0) * 10 / horizon_days)


def _per_horizon(window_days: int) -> _Transform:
    return lambda count, horizon_days: np.log1p(np.maximum(count, 0.0) * horizon_days / window_days)


def _as_it_is(values: Floats, _horizon_days: float) -> Floats:
    return values


def _log(values: Floats, _horizon_days: float) -> Floats:
    return np.log1p(np.maximum(values, 0.0))


# Feature → how it loses its scale. Those of `_PLACES` become the member's place among the community's eligible members.
_TRANSFORMS: Final[Mapping[str, _Transform]] = {
    "days_since_last_activity": _in_horizons,
    "gap_mean_days_365d": _in_horizons,
    "gap_median_days_365d": _in_horizons,
    "gap_longest_days_365d": _in_horizons,
    "gap_deviation_days_365d": _in_horizons,
    "gap_now_to_mean_365d": _log,
    "active_days_7d": _per_horizon(7),
    "active_days_28d": _per_horizon(28),
    "tenure_days": _in_horizons,
    "days_since_first_activity": _in_horizons,
    "active_days_trend_28d_vs_90d": _as_it_is,
    "active_days_trend_28d_vs_365d": _as_it_is,
    "active_weeks_28d": _as_it_is,
    "active_weeks_91d": _as_it_is,
    "active_weeks_364d": _as_it_is,
    "longest_streak_days_90d": _as_it_is,
    "latest_streak_days": _as_it_is,
}
_PLACES: Final = ("active_days_90d", "active_days_365d")
# All of them are features of any activity, which need no particular table.
FEATURES: Final = (*_TRANSFORMS, *_PLACES)
_QUANTILES: Final = 101
# With its help trees are learnt from this share of the members and outcomes that they need alone.
STARTING_HELP: Final = 0.25
# So many members learnt from give half of the weight to the community's own trees.
_HALF_WEIGHT_MEMBERS: Final = 200
# A smaller weight changes nothing that anybody would notice.
_SMALLEST_SHARE: Final = 0.05
_MOST_ROWS: Final = 8_000
_SIZE: Final = {"rounds": 150, "num_leaves": 15, "min_rows_per_leaf": 200, "feature_share": 0.5}


@dataclass(frozen=True)
class ScaleFree(Encoding):
    """The layout that the starting model reads.

    Args:
        features: The feature behind each column.
        categories: None; the starting model reads no text.
        horizon_days: Days of the community's churn horizon.
        quantiles: Feature → 101 quantiles of it among the community's eligible members.
    """

    horizon_days: int = 1
    quantiles: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def matrix(self, frame: pl.DataFrame) -> Matrix:
        """Lay the features out without their scale: one row per row of the frame; what is unknown is NaN."""
        return self.without_scale(super().matrix(frame))

    def without_scale(self, base: Matrix) -> Matrix:
        """Take the scale from columns of features as they are, in the order of `features`."""
        laid_out = np.full(base.shape, np.nan, dtype=np.float32)
        for position, name in enumerate(self.features):
            values = base[:, position].astype(np.float64)
            if name in _PLACES:
                laid_out[:, position] = _place(values, np.array(self.quantiles[name]))
            else:
                laid_out[:, position] = _TRANSFORMS[name](values, float(self.horizon_days))
        return laid_out


def starting_trees(text: str, members: pl.DataFrame, *, horizon_days: int, num_threads: int = 0) -> Trees:
    """Return the starting model, set to a community.

    Args:
        text: LightGBM's text of the starting model.
        members: Features of the community's eligible members on one night, among whom a member has a place.
        horizon_days: Days of the churn horizon.
        num_threads: Threads to score with.
    """
    return Trees(text, _layout(members, horizon_days), num_threads)


def starting_share(members: int) -> float:
    """Return the weight of the starting model beside trees learnt from so many of the community's own members."""
    share = _HALF_WEIGHT_MEMBERS / (_HALF_WEIGHT_MEMBERS + members)
    return share if share >= _SMALLEST_SHARE else 0.0


def fit_starting(communities: Sequence[tuple[pl.DataFrame, int]], *, seed: int = 20261) -> str:
    """Learn the starting model; each community has the same weight, whatever its size.

    Args:
        communities: Rows of the panel with known outcomes, sorted, and the horizon in days, of each community.
        seed: Seed of the sample of rows and of the trees.
    """
    laid_out, targets, weights = [], [], []
    for number, (rows, horizon_days) in enumerate(communities):
        layouts = [
            (slice_rows, _layout(slice_rows, horizon_days).matrix(slice_rows))
            for (_,), slice_rows in rows.group_by("as_of", maintain_order=True)
        ]
        matrix = np.concatenate([matrix for _, matrix in layouts])
        target = np.concatenate([outcomes(slice_rows) for slice_rows, _ in layouts])
        kept = np.sort(np.random.default_rng([seed, number]).permutation(target.size)[:_MOST_ROWS])
        laid_out.append(matrix[kept])
        targets.append(target[kept])
        weights.append(np.full(kept.size, 1 / kept.size))
    weight = np.concatenate(weights)
    settings = PredictionSettings(seed=seed, **_SIZE)  # type: ignore[arg-type]
    encoding = ScaleFree(FEATURES, {}, 1, {})
    unfitted = make_trees(settings, objective="binary")
    return unfitted.fit(np.concatenate(laid_out), np.concatenate(targets), encoding, weight=weight / float(np.mean(weight))).text


def _layout(members: pl.DataFrame, horizon_days: int) -> ScaleFree:
    quantiles = {}
    for name in _PLACES:
        values = floats(members[name].drop_nulls())
        shares = np.linspace(0, 1, _QUANTILES)
        quantiles[name] = tuple(np.quantile(values, shares).tolist()) if values.size else (0.0,) * _QUANTILES
    return ScaleFree(FEATURES, {}, horizon_days, quantiles)


def _place(values: Floats, quantiles: Floats) -> Floats:
    """Return the share of members with less, those with as much counting half."""
    below, up_to = (np.searchsorted(quantiles, values, side=side) for side in ("left", "right"))
    return np.where(np.isfinite(values), (below + up_to) / (2 * quantiles.size), np.nan)
