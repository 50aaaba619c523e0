"""Points of the evaluation curves, as frames ready to draw; none has more than a few hundred rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.evaluation import equal_count_bins, in_order_of
from models.panel import Floats, Mask
from models.populations import POPULATIONS, masks

# Of some ten points each, so that they may stay with a model and a report can draw them on any later night.
SHORT_CURVES: Final = ("calibration", "lift", "gain")
_MOST_POINTS: Final = 400


def churn_curves(churned: Floats, probability: Floats, *, is_still_here: Mask | None = None) -> dict[str, pl.DataFrame]:
    """Compute the curves of churn probabilities: name → points, those still here first.

    `roc`, `precision_recall`, `calibration` and `lift` of everybody; before them the same of those still here and of those gone,
    as `still_here_roc` or `gone_lift`, where a population has members.

    Args:
        churned: Outcomes, 0 or 1, one per member.
        probability: Predicted churn probabilities.
        is_still_here: Whether each member is still here; None for the curves of everybody alone.
    """
    curves: dict[str, pl.DataFrame] = {}
    for population, members in {} if is_still_here is None else masks(is_still_here).items():
        if members.any():
            of_population = _churn_curves(churned[members], probability[members])
            curves |= {f"{population}_{name}": points for name, points in of_population.items()}
    return curves | _churn_curves(churned, probability)


def curve_by_population(curves: Mapping[str, Any], name: str) -> pl.DataFrame | None:
    """Put a curve of those still here and that of those gone into one frame, with the column `population`.

    One row per population and point, those still here first. Where there is neither, as in models of earlier releases, the curve
    of everybody, without that column. None where there is no curve, or where its lift is null, because nobody left.

    Args:
        curves: Name → points, as a frame or as columns.
        name: `calibration`, `lift` or `gain`.
    """
    found = {population: _points(curves, f"{population}_{name}") for population in POPULATIONS}
    drawn = [points.with_columns(population=pl.lit(of)) for of, points in found.items() if points is not None]
    return pl.concat(drawn) if drawn else _points(curves, name)


def _points(curves: Mapping[str, Any], name: str) -> pl.DataFrame | None:
    if name not in curves:
        return None
    points = pl.DataFrame(curves[name])
    has_points = points.height > 0 and not ("lift" in points.columns and points["lift"].null_count())
    return points if has_points else None


def _churn_curves(churned: Floats, probability: Floats) -> dict[str, pl.DataFrame]:
    return {
        "roc": roc_points(churned, probability),
        "precision_recall": precision_recall_points(churned, probability),
        "calibration": calibration_points(churned, probability),
        "lift": lift_points(churned, probability),
    }


def roc_points(churned: Floats, probability: Floats) -> pl.DataFrame:
    """Compute the ROC curve.

    One row per threshold: false_positive_rate, true_positive_rate; empty unless both outcomes occur.
    """
    from sklearn.metrics import roc_curve

    names = ("false_positive_rate", "true_positive_rate")
    if not churned.size or np.ptp(churned) == 0:
        return _empty(*names)
    false_positive, true_positive, _ = roc_curve(churned, probability)
    return _spaced(pl.DataFrame(dict(zip(names, (false_positive, true_positive), strict=True))))


def precision_recall_points(churned: Floats, probability: Floats) -> pl.DataFrame:
    """Compute the precision-recall curve.

    One row per threshold: recall, precision, by ascending recall; empty unless both outcomes occur.
    """
    from sklearn.metrics import precision_recall_curve

    if not churned.size or np.ptp(churned) == 0:
        return _empty("recall", "precision")
    precision, recall, _ = precision_recall_curve(churned, probability)
    # scikit-learn returns recall in descending order.
    return _spaced(pl.DataFrame({"recall": recall[::-1], "precision": precision[::-1]}))


def calibration_points(churned: Floats, probability: Floats, *, bins: int = 10) -> pl.DataFrame:
    """Compute the calibration curve.

    One row per equal-count bin of the probability: mean_probability, churn_rate, members; lowest first.

    Args:
        churned: Outcomes, 0 or 1, one per member.
        probability: Predicted churn probabilities.
        bins: Number of bins; fewer where predictions are equal.
    """
    if not churned.size:
        return _empty("mean_probability", "churn_rate").with_columns(members=pl.lit(0, dtype=pl.Int64))
    # Sorted within the bin, so that no mean depends on the order of the members in its last bit.
    binned = pl.DataFrame({"bin": equal_count_bins(probability, bins), "p": probability, "y": churned}).sort("bin", "p", "y")
    return (
        binned.group_by("bin", maintain_order=True)
        .agg(mean_probability=pl.col("p").mean(), churn_rate=pl.col("y").mean(), members=pl.len().cast(pl.Int64))
        .drop("bin")
    )


def lift_points(actual: Floats, predicted: Floats, *, bins: int = 10) -> pl.DataFrame:
    """Compute lift and gain.

    One row per bin of members in the order of prediction, highest first: bin (from 1), members, share_of_members (up to and
    with this bin), mean_predicted, mean_actual, lift (mean_actual over everyone's), gain (share of the actual total up to and
    with this bin). Lift and gain are null when the total is not positive.

    Args:
        actual: Outcomes, one per member: 1 churned, or minor units spent.
        predicted: Predictions of the same members.
        bins: Number of bins; fewer where there are fewer members.
    """
    schema = {"bin": pl.Int64, "members": pl.Int64} | dict.fromkeys(_LIFT_FIGURES, pl.Float64)
    if not actual.size:
        return pl.DataFrame(schema=schema)
    ordered, scores, total = in_order_of(actual, predicted), np.sort(predicted)[::-1], float(np.sum(np.sort(actual)))
    ends = _bin_ends(actual.size, bins)
    starts = np.concatenate(([0], ends[:-1]))
    members, sums = ends - starts, np.add.reduceat(ordered, starts)
    has_total = total > 0
    return pl.DataFrame(
        {
            "bin": np.arange(1, ends.size + 1),
            "members": members,
            "share_of_members": ends / actual.size,
            "mean_predicted": np.add.reduceat(scores, starts) / members,
            "mean_actual": sums / members,
            "lift": sums / members / (total / actual.size) if has_total else None,
            "gain": np.cumsum(sums) / total if has_total else None,
        },
        schema=schema,
    )


def value_points(actual_minor: Floats, predicted_minor: Floats, *, bins: int = 10) -> pl.DataFrame:
    """Return `lift_points` with the means in currency units.

    Args:
        actual_minor: Minor units spent, one per member.
        predicted_minor: Expected minor units of the same members.
        bins: As in `lift_points`.
    """
    points = lift_points(actual_minor, predicted_minor, bins=bins)
    return points.with_columns(pl.col("mean_predicted", "mean_actual") / MINOR_UNITS_PER_UNIT)


_LIFT_FIGURES: Final = ("share_of_members", "mean_predicted", "mean_actual", "lift", "gain")


def _bin_ends(members: int, bins: int) -> npt.NDArray[np.int64]:
    # With fewer members than bins some ends are equal; `unique` removes the empty bins.
    return np.unique(np.ceil(np.arange(1, bins + 1) * members / bins).astype(np.int64))


def _spaced(points: pl.DataFrame) -> pl.DataFrame:
    """Keep points evenly spaced along the curve, both ends included."""
    if points.height <= _MOST_POINTS:
        return points
    return points[np.unique(np.linspace(0, points.height - 1, _MOST_POINTS).astype(np.int64))]


def _empty(*names: str) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(names, pl.Float64))
