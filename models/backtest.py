"""Backtest: predict past cut-offs with what was known at each of them, and compare the predictions with what happened.

Every cut-off is the test of its own split: models learn and are calibrated on cut-offs whose outcomes were over by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from models.bands import calibration_by_band
from models.bootstrap import Difference, paired_difference
from models.config import PredictionSettings
from models.curves import churn_curves
from models.cutoffs import Split, split_cutoffs
from models.estimated import spread
from models.evaluation import evaluate_churn, evaluate_value
from models.level import Level, level_probabilities, level_spend
from models.measures import HEADLINE, Purpose, headline
from models.panel import Mask
from models.training import OURS, Measured, measure_churn, measure_value

# 1 where what all members did together lay within the 80 % interval of that night, else 0; its mean is the coverage.
IN_RANGE: Final[Mapping[Purpose, str]] = {"churn": "share_in_range", "value": "total_in_range"}
_DRAWS: Final = 500


@dataclass(frozen=True)
class CutoffResult:
    """The measurements of every model at one cut-off.

    Args:
        as_of: The cut-off.
        purpose: What was predicted.
        members: Members predicted.
        outcome_mean: Share that churned, or mean minor units spent.
        metrics: Model → metric → value.
        against: Baseline → paired bootstrap of our headline metric minus the baseline's, 95 %, among those still here.
        split: The cut-offs learnt from.
        predictions: One row per member: tenure_band, actual (1 churned, or minor units) and predicted, by our model, and for
            churn is_still_here.
        against_all: As `against`, among everybody scored.
    """

    as_of: date
    purpose: Purpose
    members: int
    outcome_mean: float
    metrics: Mapping[str, Mapping[str, float | None]]
    against: Mapping[str, Difference]
    split: Split
    predictions: pl.DataFrame
    against_all: Mapping[str, Difference] = field(default_factory=dict)

    @property
    def calibration(self) -> pl.DataFrame | None:
        """Calibration by tenure at this cut-off, as `calibration_by_band` has it; None for value."""
        return _calibration([self])


@dataclass(frozen=True)
class Summary:
    """One purpose over all cut-offs.

    Args:
        purpose: What was predicted.
        mean: Model → metric → mean over the cut-offs where it is defined.
        best_baseline: The baseline with the best mean headline figure; None without baselines.
        wins: Baseline → cut-offs at which the lower bound of the difference is above 0.
        worst: The cut-off with our lowest headline metric; None without cut-offs.
        cutoffs: How many cut-offs there are.
        calibration: Calibration by tenure over all cut-offs taken together, as `calibration_by_band` has it; None for value.
        curves: Curves of churn over all cut-offs taken together, as `churn_curves` has them; empty for value.
    """

    purpose: Purpose
    mean: Mapping[str, Mapping[str, float]]
    best_baseline: str | None
    wins: Mapping[str, int]
    worst: date | None
    cutoffs: int
    calibration: pl.DataFrame | None
    curves: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def backtest_cutoff(
    panel: pl.DataFrame,
    cutoffs: Sequence[date],
    purpose: Purpose,
    *,
    horizon_days: int,
    settings: PredictionSettings,
    level: Level | None = None,
    starting: str | None = None,
) -> CutoffResult | None:
    """Measure every model at the newest of some cut-offs.

    Args:
        panel: Rows of at least these cut-offs.
        cutoffs: The cut-offs a night would have had; the newest is predicted, the others are learnt from.
        purpose: What to predict.
        horizon_days: Days of its label window.
        settings: Size of the models.
        level: The level that a night at the newest cut-off would have given to its predictions; None leaves them as they are.
        starting: LightGBM's text of the starting model of churn; None to do without.

    Returns:
        The result, or None when no earlier cut-off's outcome was over by then or nobody can be judged.
    """
    split = split_cutoffs(cutoffs, horizon_days=horizon_days)
    measured: Measured[Any] | None
    if purpose == "churn":
        measured = measure_churn(panel, split, settings, starting=starting)
    else:
        measured = measure_value(panel, split, settings)
    if measured is None:
        return None
    if level is not None:
        measured = _levelled(measured, purpose, level)
    return CutoffResult(
        as_of=max(cutoffs),
        purpose=purpose,
        members=measured.predictions.height,
        # Sorted before the mean, so that its last bit does not depend on the order of the rows.
        outcome_mean=float(measured.predictions["actual"].sort().mean()),  # type: ignore[arg-type]
        metrics=measured.metrics,
        against=_differences(measured, purpose, settings, among=_deciding(measured)),
        against_all=_differences(measured, purpose, settings, among=np.ones(measured.predictions.height, dtype=np.bool_)),
        split=split,
        predictions=measured.predictions.select(
            measured.tenure_band, pl.col("actual"), *([pl.col("is_still_here")] if purpose == "churn" else []), predicted=OURS
        ),
    )


def summarise(results: Sequence[CutoffResult], purpose: Purpose) -> Summary:
    """Summarise the results of one purpose; every cut-off has the same weight."""
    of_purpose = [result for result in results if result.purpose == purpose]
    models = list(dict.fromkeys(name for result in of_purpose for name in result.metrics))
    mean = {model: _mean_metrics(of_purpose, model) for model in models}
    mean_headline = {model: headline(purpose, mean[model]) for model in models}
    baselines = {model: figure for model, figure in mean_headline.items() if model != OURS and figure is not None}
    ours_by_cutoff = {result.as_of: headline(purpose, result.metrics[OURS]) for result in of_purpose}
    headline_by_cutoff = {as_of: value for as_of, value in ours_by_cutoff.items() if value is not None}
    # The headline figures (AUC, nGini) are better when higher, so a lower bound above 0 is a win.
    return Summary(
        purpose=purpose,
        mean=mean,
        best_baseline=max(baselines, key=lambda model: (baselines[model], model), default=None),
        wins={
            model: sum(result.against[model].lower > 0 for result in of_purpose if model in result.against) for model in baselines
        },
        worst=min(headline_by_cutoff, key=lambda as_of: (headline_by_cutoff[as_of], as_of), default=None),
        cutoffs=len(of_purpose),
        calibration=_calibration(of_purpose),
        curves=_curves(of_purpose),
    )


def _deciding(measured: Measured[Any]) -> Mask:
    """Mark the members among whom models are compared: those still here, or everybody where these have one outcome only."""
    predictions, everybody = measured.predictions, np.ones(measured.predictions.height, dtype=np.bool_)
    if "is_still_here" not in predictions.columns:
        return everybody
    is_still_here: Mask = predictions["is_still_here"].to_numpy()
    return is_still_here if predictions.filter("is_still_here")["actual"].n_unique() > 1 else everybody


def _levelled(measured: Measured[Any], purpose: Purpose, level: Level) -> Measured[Any]:
    """Give our predictions the level of the night, and measure them again."""
    actual, ours = (measured.predictions[name].to_numpy() for name in ("actual", OURS))
    if purpose == "churn":
        moved = level_probabilities(ours, level)
        metrics = evaluate_churn(actual, {OURS: moved}, is_still_here=measured.predictions["is_still_here"].to_numpy())
    else:
        moved = level_spend(ours, level)
        metrics = evaluate_value(actual, {OURS: moved})
    predictions = measured.predictions.with_columns(pl.Series(OURS, moved))
    low, high = spread(float(np.mean(moved)), level.standard_error, in_log_odds=purpose == "churn")
    of_ours = {**metrics[OURS], IN_RANGE[purpose]: float(low <= float(np.mean(actual)) <= high)}
    return replace(measured, metrics={**measured.metrics, OURS: of_ours}, predictions=predictions)


def _differences(
    measured: Measured[Any], purpose: Purpose, settings: PredictionSettings, *, among: Mask
) -> dict[str, Difference]:
    predictions = measured.predictions.filter(pl.Series(among))
    actual, ours = predictions["actual"].to_numpy(), predictions[OURS].to_numpy()
    return {
        model: paired_difference(
            actual, ours, predictions[model].to_numpy(), metric=HEADLINE[purpose], seed=settings.seed, draws=_DRAWS
        )
        for model in measured.metrics
        if model != OURS
    }


def _churn_predictions(results: Sequence[CutoffResult]) -> pl.DataFrame | None:
    predictions = [result.predictions for result in results if result.purpose == "churn"]
    return pl.concat(predictions) if predictions else None


def _curves(results: Sequence[CutoffResult]) -> dict[str, pl.DataFrame]:
    predictions = _churn_predictions(results)
    if predictions is None:
        return {}
    churned, probability, is_still_here = (predictions[name].to_numpy() for name in ("actual", "predicted", "is_still_here"))
    return churn_curves(churned, probability, is_still_here=is_still_here)


def _calibration(results: Sequence[CutoffResult]) -> pl.DataFrame | None:
    predictions = _churn_predictions(results)
    if predictions is None:
        return None
    return calibration_by_band(predictions["actual"].to_numpy(), predictions["predicted"].to_numpy(), predictions["tenure_band"])


def _mean_metrics(results: Sequence[CutoffResult], model: str) -> dict[str, float]:
    metrics = list(dict.fromkeys(metric for result in results for metric in result.metrics.get(model, {})))
    values = {metric: [result.metrics.get(model, {}).get(metric) for result in results] for metric in metrics}
    defined = {metric: [value for value in of_metric if value is not None] for metric, of_metric in values.items()}
    return {metric: float(np.mean(of_metric)) for metric, of_metric in defined.items() if of_metric}
