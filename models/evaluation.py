"""Evaluation of predictions, once the outcomes are known.

Outcomes and predictions are arrays with one entry per member at one cut-off. No figure depends on the order of the members:
those with the same prediction share the mean of their outcomes. A figure that is undefined, as the AUC of outcomes that
are all alike, is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.calibration import fit_intercept, fit_logit_line, logit
from models.measures import MEASURES, Metric
from models.panel import Floats, Mask
from models.populations import masks

Metrics = Mapping[str, Mapping[str, float | None]]
# Curve → column → values, one per point.
Curves = Mapping[str, Mapping[str, Sequence[float | None]]]

_Measure = Callable[[Floats, Floats], float | None]
_CALIBRATION_BINS: Final = 10
# Steeper than this, outcomes are as good as separated and the figure says nothing about calibration.
_STEEPEST_SLOPE: Final = 10.0


def evaluate_churn(
    churned: Floats, probabilities: Mapping[str, Floats], *, is_still_here: Mask | None = None
) -> dict[str, dict[str, float | None]]:
    """Measure each model's churn probabilities: model → metric → value.

    `auc`, `average_precision`, `brier`, `log_loss`, `calibration_slope` and `calibration_intercept` (1 and 0 are perfect),
    `ece` (expected calibration error over ten equal-count bins), `lift_10pct` (churn rate among the tenth with the highest
    probability, in multiples of everyone's). Before them `auc`, `brier`, `calibration_slope`, `ece` and
    `lift_10pct` among those still here and among those gone, as `still_here_auc` or `gone_brier`.

    Args:
        churned: Outcomes, 0 or 1, one per member.
        probabilities: Model → churn probabilities, one per member.
        is_still_here: Whether each member is still here; None to measure everybody alone.
    """
    return {name: _measure_churn(churned, predicted, is_still_here) for name, predicted in probabilities.items()}


def evaluate_value(actual_minor: Floats, predicted_minor: Mapping[str, Floats]) -> dict[str, dict[str, float | None]]:
    """Measure each model's expected spend: model → metric → value.

    `ngini`, `mae` and `rmse` in currency units, `total_ratio` (predicted total over actual), `top_10pct_share` (share of the
    actual total spent by the tenth with the highest predictions). MAE misleads on zero-heavy spend: read it beside the others.
    """
    return {name: _measure_all(_VALUE_METRICS, actual_minor, predicted) for name, predicted in predicted_minor.items()}


def auc(churned: Floats, probability: Floats) -> float | None:
    """Measure `measures.auc` of the members as they are; None with one outcome only."""
    return _measure_everybody("auc", churned, probability)


def average_precision(churned: Floats, probability: Floats) -> float | None:
    """Measure the area under the precision-recall steps; None with one outcome only."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(churned, probability)) if _has_both(churned) else None


def calibration_slope(churned: Floats, probability: Floats) -> float | None:
    """Fit the slope of the outcome's log-odds on the predicted ones: below 1 the probabilities are too extreme (Cox 1958).

    None with one outcome, with the same probability for all, or where outcomes are perfectly separated.
    """
    if not _has_both(churned) or np.ptp(probability) == 0:
        return None
    slope = fit_logit_line(logit(probability), churned).slope
    return slope if abs(slope) <= _STEEPEST_SLOPE else None


def calibration_intercept(churned: Floats, probability: Floats) -> float | None:
    """Fit the log-odds to add to every prediction to meet the overall rate; above 0 where they are too low.

    None with one outcome.
    """
    return fit_intercept(logit(probability), churned) if _has_both(churned) else None


def expected_calibration_error(churned: Floats, probability: Floats) -> float | None:
    """Measure the mean distance of predicted from observed rate over ten equal-count bins, weighted by members.

    None without members.
    """
    if not churned.size:
        return None
    # The sum of a bin is its gap times its size, so dividing by all members weights the bins by size.
    gap = np.bincount(equal_count_bins(probability, _CALIBRATION_BINS), weights=probability - churned)
    return float(np.sum(np.abs(gap)) / churned.size)


def ngini(actual: Floats, predicted: Floats) -> float | None:
    """Measure `measures.ngini` of the members as they are; None when the total is not positive or everyone's value is alike."""
    return _measure_everybody("ngini", actual, predicted)


def in_order_of(actual: Floats, order_by: Floats) -> Floats:
    """Sort the actual values by another quantity, highest first; equal quantities share the mean of their values."""
    _, tie_group = np.unique(-order_by, return_inverse=True)
    # Within a tie the values are sorted, so that their float sum does not depend on the order of arrival.
    order = np.lexsort((actual, tie_group))
    group_of_each = tie_group[order]
    sums, sizes = np.bincount(group_of_each, weights=actual[order]), np.bincount(group_of_each)
    return np.asarray((sums / sizes)[group_of_each], dtype=np.float64)


def lift_at_tenth(churned: Floats, probability: Floats) -> float | None:
    """Divide the churn rate of the tenth with the highest probability by everyone's; None when nobody left."""
    share = share_in_top_tenth(churned, probability)
    return None if share is None else share * churned.size / _tenth(churned.size)


def share_in_top_tenth(actual: Floats, predicted: Floats) -> float | None:
    """Measure the share of the actual total in the tenth with the highest predictions; None when the total is not positive."""
    if not actual.size or float(np.sum(actual)) <= 0:
        return None
    captured = in_order_of(actual, predicted)
    return float(np.sum(captured[: _tenth(actual.size)]) / np.sum(captured))


def total_ratio(actual_minor: Floats, predicted_minor: Floats) -> float | None:
    """Divide the predicted total by the actual one; None when that is not positive."""
    total = float(np.sum(actual_minor))
    return float(np.sum(np.sort(predicted_minor))) / total if total > 0 else None


def equal_count_bins(predicted: Floats, bins: int) -> npt.NDArray[np.int64]:
    """Number the quantile bins of the predictions from 0, lowest first; equal predictions share a bin."""
    # Equal edges, as where many predictions are equal, would make empty bins.
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, predicted, side="right").astype(np.int64)


def _measure_everybody(metric: Metric, actual: Floats, predicted: Floats) -> float | None:
    """Measure everybody once; None where undefined. Sorted, so that no sum depends on the order of the members."""
    if not actual.size:
        return None
    order = np.lexsort((actual, predicted))
    figure = float(MEASURES[metric](actual[order], predicted[order])(np.ones((1, actual.size)))[0])
    return figure if np.isfinite(figure) else None


def _measure_churn(churned: Floats, probability: Floats, is_still_here: Mask | None) -> dict[str, float | None]:
    # Those still here first, as on every page that lists the figures in their order.
    figures: dict[str, float | None] = {}
    for population, members in {} if is_still_here is None else masks(is_still_here).items():
        for name in _OF_POPULATIONS:
            figures[f"{population}_{name}"] = _CHURN_METRICS[name](churned[members], probability[members])
    return figures | _measure_all(_CHURN_METRICS, churned, probability)


def _measure_all(metrics: Mapping[str, _Measure], actual: Floats, predicted: Floats) -> dict[str, float | None]:
    return {name: measure(actual, predicted) for name, measure in metrics.items()}


def _mae(actual_minor: Floats, predicted_minor: Floats) -> float | None:
    return float(np.mean(np.sort(np.abs(actual_minor - predicted_minor)))) / MINOR_UNITS_PER_UNIT if actual_minor.size else None


def _rmse(actual_minor: Floats, predicted_minor: Floats) -> float | None:
    squared = np.sort((actual_minor - predicted_minor) ** 2)
    return float(np.sqrt(np.mean(squared))) / MINOR_UNITS_PER_UNIT if squared.size else None


def _tenth(members: int) -> int:
    # Rounded up, so that a small community has a top tenth too.
    return -(-members // 10)


def _has_both(churned: Floats) -> bool:
    return bool(churned.size) and bool(np.ptp(churned) > 0)


_CHURN_METRICS: Final[Mapping[str, _Measure]] = {
    "auc": auc,
    "average_precision": average_precision,
    "brier": partial(_measure_everybody, "brier"),
    "log_loss": partial(_measure_everybody, "log_loss"),
    "calibration_slope": calibration_slope,
    "calibration_intercept": calibration_intercept,
    "ece": expected_calibration_error,
    "lift_10pct": lift_at_tenth,
}
_OF_POPULATIONS: Final = ("auc", "brier", "calibration_slope", "ece", "lift_10pct")
_VALUE_METRICS: Final[Mapping[str, _Measure]] = {
    "ngini": ngini,
    "mae": _mae,
    "rmse": _rmse,
    "total_ratio": total_ratio,
    "top_10pct_share": share_in_top_tenth,
}
