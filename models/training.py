"""Training, measured: a twin is fitted without the newest outcomes and measured on them, then the model that will be used.

The figures are the twin's, on a cut-off neither it nor its calibration has seen. The final model then learns from outcomes
as new as there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Generic, TypeVar

import polars as pl

from models.baselines import fit_one_signal, past_rate_minor, recency_weighted_minor
from models.boosting import Trees
from models.churn import ChurnModel, baseline_rows, fit_churn, fit_recency
from models.config import PredictionSettings
from models.curves import calibration_points, lift_points, precision_recall_points, roc_points, value_points
from models.cutoffs import Split, final_split, split_cutoffs
from models.evaluation import Metrics, evaluate_churn, evaluate_value
from models.panel import KEYS, Floats, churn_rows, floats, outcomes, spend_minor, value_rows
from models.value import ValueModel, fit_value

OURS: Final = "evenfall"
Model = TypeVar("Model", ChurnModel, ValueModel)


@dataclass(frozen=True)
class Trained(Generic[Model]):
    """A model ready for use, and everything worth recording about how it came to be.

    Args:
        model: The final model; its `metrics` are the twin's.
        twin: The model that was measured, fitted on the evaluation split; None when there was no test cut-off.
        evaluation: The cut-offs the figures come from; its `missing` and `why` say what history was too short for.
        final: The cut-offs the final model learnt from.
        parameters: What to log as parameters: settings, kind, horizon.
        rows: Part → rows of the panel used, such as `evaluation_train` or `final_calibrate`.
        metrics: Model → metric → value on the test cut-off, baselines included; empty without one.
        predictions: One row per member at the test cut-off: as_of, member_no, member_id, actual (1 churned, or minor units),
            then one column per model; sorted by member_id.
        curves: Name → points of our model's curves on the test cut-off.
        importance: One row per feature of the final model: feature, gain_share (0 to 1), splits;
            the highest first; empty unless it has trees.
    """

    model: Model
    twin: Model | None
    evaluation: Split
    final: Split
    parameters: Mapping[str, str | int | float]
    rows: Mapping[str, int]
    metrics: Metrics
    predictions: pl.DataFrame
    curves: Mapping[str, pl.DataFrame]
    importance: pl.DataFrame


def train_churn(panel: pl.DataFrame, *, horizon_days: int, settings: PredictionSettings) -> Trained[ChurnModel]:
    """Measure and fit the churn model on every cut-off of the panel; all of them must have matured."""
    evaluation, final = _splits(panel, horizon_days)
    model = fit_churn(panel, final, settings)
    tested = churn_rows(panel, evaluation.test)
    actual = outcomes(tested)
    twin = None if tested.is_empty() else fit_churn(panel, evaluation, settings)
    predicted: dict[str, Floats] = {}
    if twin is not None:
        predicted = {OURS: floats(twin.predict(tested)), **_churn_baselines(panel, evaluation, tested, settings)}
    metrics = evaluate_churn(actual, predicted)
    return Trained(
        model=replace(model, metrics=metrics),
        twin=twin,
        evaluation=evaluation,
        final=final,
        parameters=_parameters(model),
        rows=_row_counts(evaluation, final, lambda cutoffs: churn_rows(panel, cutoffs).height),
        metrics=metrics,
        predictions=_predictions(tested, actual, predicted),
        curves=_churn_curves(actual, predicted[OURS]) if predicted else {},
        importance=_importance([model.trees]),
    )


def train_value(panel: pl.DataFrame, *, horizon_days: int, settings: PredictionSettings) -> Trained[ValueModel]:
    """Measure and fit the value model on every cut-off of the panel; all of them must have matured."""
    evaluation, final = _splits(panel, horizon_days)
    model = fit_value(panel, final, settings)
    tested = value_rows(panel, evaluation.test)
    actual = spend_minor(tested)
    twin = None if tested.is_empty() else fit_value(panel, evaluation, settings)
    predicted: dict[str, Floats] = {}
    if twin is not None:
        predicted = {OURS: floats(twin.predict(tested)), **_value_baselines(tested, horizon_days)}
    metrics = evaluate_value(actual, predicted)
    trees = model.expected
    return Trained(
        model=replace(model, metrics=metrics),
        twin=twin,
        evaluation=evaluation,
        final=final,
        parameters=_parameters(model) | {"level": model.level},
        rows=_row_counts(evaluation, final, lambda cutoffs: value_rows(panel, cutoffs).height),
        metrics=metrics,
        predictions=_predictions(tested, actual, predicted),
        curves={"gain": value_points(actual, predicted[OURS])} if predicted else {},
        importance=_importance([] if trees is None else [trees.plain, trees.from_past_rate]),
    )


def _splits(panel: pl.DataFrame, horizon_days: int) -> tuple[Split, Split]:
    cutoffs = panel["as_of"].unique().sort().to_list()
    return split_cutoffs(cutoffs, horizon_days=horizon_days), final_split(cutoffs, horizon_days=horizon_days)


def _churn_baselines(panel: pl.DataFrame, split: Split, tested: pl.DataFrame, settings: PredictionSettings) -> dict[str, Floats]:
    past_rate = fit_one_signal(baseline_rows(panel, split, settings), "past_rate")
    return {"recency": fit_recency(panel, split, settings).probability(tested), "past_rate": past_rate.probability(tested)}


def _value_baselines(tested: pl.DataFrame, horizon_days: int) -> dict[str, Floats]:
    return {
        "past_rate": past_rate_minor(tested, horizon_days=horizon_days),
        "recency_weighted": recency_weighted_minor(tested, horizon_days=horizon_days),
    }


def _churn_curves(churned: Floats, probability: Floats) -> dict[str, pl.DataFrame]:
    return {
        "roc": roc_points(churned, probability),
        "precision_recall": precision_recall_points(churned, probability),
        "calibration": calibration_points(churned, probability),
        "lift": lift_points(churned, probability),
    }


def _parameters(model: ChurnModel | ValueModel) -> dict[str, str | int | float]:
    return model.settings.model_dump() | {"kind": model.kind, "why": model.why, "horizon_days": model.split.horizon_days}


def _row_counts(evaluation: Split, final: Split, height: Callable[[Sequence[date]], int]) -> dict[str, int]:
    parts = {
        "evaluation_train": evaluation.train,
        "evaluation_calibrate": evaluation.calibrate,
        "evaluation_test": evaluation.test,
        "final_train": final.train,
        "final_calibrate": final.calibrate,
    }
    return {part: height(cutoffs) for part, cutoffs in parts.items()}


def _predictions(tested: pl.DataFrame, actual: Floats, predicted: Mapping[str, Floats]) -> pl.DataFrame:
    keys = tested.select(KEYS)
    return keys.with_columns(pl.Series("actual", actual), *(pl.Series(name, values) for name, values in predicted.items()))


def _importance(trees: Sequence[Trees | None]) -> pl.DataFrame:
    """Average the gain shares over the trees of a model; one row per feature, the highest share first."""
    shares = [one.importance() for one in trees if one is not None]
    if not shares:
        return pl.DataFrame(schema={"feature": pl.String, "gain_share": pl.Float64, "splits": pl.Int64})
    averaged = pl.concat(shares).sort("feature", "gain_share", "splits").group_by("feature", maintain_order=True)
    figures = averaged.agg(gain_share=pl.col("gain_share").sum() / len(shares), splits=pl.col("splits").sum())
    return figures.sort(["gain_share", "feature"], descending=[True, False])
