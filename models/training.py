"""Measured training: a holdout model is fitted without the newest outcomes and measured on them, then the final model is fitted.

The figures are the holdout model's, on a cut-off that neither it nor its calibration has seen. The final model is trained on
the newest outcomes as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Generic, TypeVar

import numpy as np
import polars as pl

from models.bands import TENURE, tenure_band
from models.baselines import fit_one_signal, past_rate_minor, recency_weighted_minor
from models.boosting import TrainTrees, Trees, train_trees_here
from models.churn import ChurnModel, baseline_rows, fit_churn, fit_recency
from models.config import PredictionSettings
from models.curves import SHORT_CURVES, churn_curves, value_points
from models.cutoffs import Split, final_split, split_cutoffs
from models.evaluation import Metrics, evaluate_churn, evaluate_value
from models.folds import choose_settings
from models.intervals import fit_spend_interval
from models.leakage import refuse_churn_leaks, refuse_value_leaks
from models.lifetime.lifetime import LIFETIME_KINDS, Lifetime, fit_lifetime, only_buys
from models.panel import KEYS, Floats, churn_rows, floats, outcomes, spend_minor, value_rows
from models.populations import still_here
from models.search import Search, Trial
from models.value import ValueModel, fit_value

OURS: Final = "evenfall"
_FEWEST_REPEAT_BUYERS: Final = 50
_PREDICTIONS: Final = {"as_of": pl.Date(), "member_no": pl.Int32(), "member_id": pl.String(), "actual": pl.Float64()}
Model = TypeVar("Model", ChurnModel, ValueModel)


@dataclass(frozen=True)
class Trained(Generic[Model]):
    """A model ready for use, and everything worth recording about its training.

    Args:
        model: The final model; its `metrics` are the holdout model's.
        holdout_model: The model that was measured, fitted on the evaluation split; None when there was no test cut-off.
        evaluation: The cut-offs the figures come from; its `missing` and `why` say what history was too short for.
        final: The cut-offs the final model learnt from.
        parameters: What to log as parameters: settings, kind, horizon.
        rows: Part → rows of the panel used, such as `evaluation_train` or `final_calibrate`.
        metrics: Model → metric → value on the test cut-off, baselines included; empty without one.
        predictions: One row per member at the test cut-off: as_of, member_no, member_id, actual (1 churned, or minor units),
            then one column per model, and for churn `is_still_here`; sorted by member_id.
        curves: Name → points of our model's curves on the test cut-off, of churn those of each population first.
        importance: One row per feature of the final model: feature, gain_share (0 to 1), splits;
            the highest first; empty unless it has trees.
        trials: The settings tried on older cut-offs, in order; empty where nothing was.
    """

    model: Model
    holdout_model: Model | None
    evaluation: Split
    final: Split
    parameters: Mapping[str, str | int | float]
    rows: Mapping[str, int]
    metrics: Metrics
    predictions: pl.DataFrame
    curves: Mapping[str, pl.DataFrame]
    importance: pl.DataFrame
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Measured(Generic[Model]):
    """A model fitted for measurement, with its and the baselines' predictions for a cut-off it has not learnt from.

    Args:
        holdout_model: The model, fitted on train and calibrated on calibrate of a split.
        metrics: Model → metric → value on the test cut-off, ours and the baselines.
        predictions: As in `Trained`.
        tenure_band: How long each of its members had been there, as `tenure_band` names it; null where unknown.
        search: What was tried before, on older cut-offs, to choose the settings.
    """

    holdout_model: Model
    metrics: Metrics
    predictions: pl.DataFrame
    tenure_band: pl.Series
    search: Search


def measure_churn(
    panel: pl.DataFrame,
    split: Split,
    settings: PredictionSettings,
    *,
    train_trees: TrainTrees = train_trees_here,
    starting: str | None = None,
) -> Measured[ChurnModel] | None:
    """Fit churn on a split and measure it on the test cut-off beside the baselines; None when the test cut-off has no rows.

    Args:
        panel: One row per as_of and member_id with features and labels.
        split: Which cut-offs train, calibrate and test.
        settings: Size of the model and thresholds for learning.
        train_trees: Trains the trees, in this process or elsewhere.
        starting: LightGBM's text of the starting model; None to do without.
    """
    tested = churn_rows(panel, split.test)
    if tested.is_empty():
        return None
    # All members of the test cut-off, as on a night; measured are only the eligible ones with an outcome.
    tonight = panel.filter(pl.col("as_of").is_in(split.test))
    search = choose_settings("churn", panel, split, settings)
    settings = search.settings
    holdout_model = fit_churn(panel, split, settings, tonight=tonight, train_trees=train_trees, starting=starting)
    actual = outcomes(tested)
    predicted = {OURS: floats(holdout_model.predict(tested)), **_churn_baselines(panel, split, tested, tonight, settings)}
    is_still_here = still_here(tested, horizon_days=split.horizon_days)
    predictions = _predictions(tested, actual, predicted).with_columns(is_still_here=pl.Series(is_still_here))
    metrics = evaluate_churn(actual, predicted, is_still_here=is_still_here)
    return Measured(holdout_model, metrics, predictions, _tenure_bands(tested), search)


def measure_value(
    panel: pl.DataFrame, split: Split, settings: PredictionSettings, *, train_trees: TrainTrees = train_trees_here
) -> Measured[ValueModel] | None:
    """Fit value on a split and measure it on the test cut-off beside the baselines; None when the test cut-off has no rows.

    Args:
        panel: One row per as_of and member_id with features and labels.
        split: Which cut-offs train, calibrate and test.
        settings: Size of the model and thresholds for learning.
        train_trees: Trains the trees, in this process or elsewhere.
    """
    tested = value_rows(panel, split.test)
    if tested.is_empty():
        return None
    search = choose_settings("value", panel, split, settings)
    settings = search.settings
    holdout_model, actual = fit_value(panel, split, settings, tonight=tested, train_trees=train_trees), spend_minor(tested)
    predicted = {OURS: floats(holdout_model.predict(tested)), **_value_baselines(tested, split.horizon_days)}
    predictions = _predictions(tested, actual, predicted)
    return Measured(holdout_model, evaluate_value(actual, predicted), predictions, _tenure_bands(tested), search)


def train_churn(
    panel: pl.DataFrame,
    *,
    horizon_days: int,
    settings: PredictionSettings,
    tonight: pl.DataFrame | None = None,
    train_trees: TrainTrees = train_trees_here,
    starting: str | None = None,
) -> Trained[ChurnModel]:
    """Measure and fit the churn model on every cut-off of the panel; all of them must have matured.

    Args:
        panel: One row per as_of and member_id with features and labels.
        horizon_days: Days of the label window.
        settings: Size of the model and thresholds for learning.
        tonight: Features of every member on the night itself, as in `fit_churn`; None for those of the newest cut-off.
        train_trees: Trains the trees, in this process or elsewhere.
        starting: LightGBM's text of the starting model; None to do without.

    Raises:
        DataError: A feature knows the outcome.
    """
    evaluation, final = _splits(panel, horizon_days)
    refuse_churn_leaks(panel, final, settings)
    # Measured by a model of its own: the final one has learnt from the newest outcomes, so it cannot be tested on them. Its
    # settings, which were chosen without them, are those of the final one, so that what was measured is what will be used.
    measured = measure_churn(panel, evaluation, settings, train_trees=train_trees, starting=starting)
    chosen = settings if measured is None else measured.search.settings
    model = fit_churn(panel, final, chosen, tonight=tonight, train_trees=train_trees, starting=starting)
    rows = _row_counts(evaluation, final, lambda cutoffs: churn_rows(panel, cutoffs).height)
    return _trained(model, measured, (evaluation, final), rows=rows, curves=_churn_curves, trees=[model.trees])


def train_value(
    panel: pl.DataFrame,
    *,
    horizon_days: int,
    settings: PredictionSettings,
    tonight: pl.DataFrame | None = None,
    train_trees: TrainTrees = train_trees_here,
) -> Trained[ValueModel]:
    """Measure and fit the value model on every cut-off of the panel; all of them must have matured.

    Args:
        panel: One row per as_of and member_id with features and labels.
        horizon_days: Days of the label window.
        settings: Size of the model and thresholds for learning.
        tonight: Features of every member on the night itself, as in `fit_value`; None for those of the newest cut-off.
        train_trees: Trains the trees, in this process or elsewhere.

    Raises:
        DataError: A feature knows the outcome.
    """
    evaluation, final = _splits(panel, horizon_days)
    refuse_value_leaks(panel, final, settings)
    measured = measure_value(panel, evaluation, settings, train_trees=train_trees)
    chosen = settings if measured is None else measured.search.settings
    model = fit_value(panel, final, chosen, tonight=tonight, train_trees=train_trees)
    rows = _row_counts(evaluation, final, lambda cutoffs: value_rows(panel, cutoffs).height)
    trees = [] if model.expected is None else [model.expected.trees, model.expected.plain]
    if measured is not None:
        predictions = measured.predictions
        interval = fit_spend_interval(predictions["actual"].to_numpy(), predictions[OURS].to_numpy())
        model = replace(model, interval=interval)
    return _trained(model, measured, (evaluation, final), rows=rows, curves=_value_curves, trees=trees)


def _trained(
    model: Model,
    measured: Measured[Model] | None,
    splits: tuple[Split, Split],
    *,
    rows: Mapping[str, int],
    curves: Callable[[pl.DataFrame], dict[str, pl.DataFrame]],
    trees: Sequence[Trees | None],
) -> Trained[Model]:
    predictions = pl.DataFrame(schema=_PREDICTIONS) if measured is None else measured.predictions
    metrics: Metrics = {} if measured is None else measured.metrics
    points = {} if measured is None else curves(predictions)
    stored_curves = {name: frame.to_dict(as_series=False) for name, frame in points.items() if name.endswith(SHORT_CURVES)}
    return Trained(
        model=replace(model, metrics=metrics, curves=stored_curves),
        holdout_model=None if measured is None else measured.holdout_model,
        evaluation=splits[0],
        final=splits[1],
        parameters=_parameters(model),
        rows=rows,
        metrics=metrics,
        predictions=predictions,
        curves=points,
        importance=_importance(trees),
        trials=() if measured is None else measured.search.trials,
    )


def _splits(panel: pl.DataFrame, horizon_days: int) -> tuple[Split, Split]:
    cutoffs = panel["as_of"].unique().sort().to_list()
    return split_cutoffs(cutoffs, horizon_days=horizon_days), final_split(cutoffs, horizon_days=horizon_days)


def _churn_baselines(
    panel: pl.DataFrame, split: Split, tested: pl.DataFrame, tonight: pl.DataFrame, settings: PredictionSettings
) -> dict[str, Floats]:
    past_rate = fit_one_signal(baseline_rows(panel, split, settings), "past_rate")
    baselines = {"recency": fit_recency(panel, split, settings).probability(tested), "past_rate": past_rate.probability(tested)}
    # Where members do more than buy, a member without an order is not silent.
    for lifetime in _lifetimes(tonight, split.horizon_days) if only_buys(tonight) else ():
        silence = lifetime.silence(tested)
        # A member without any purchase, for example with refunds only, is expected to buy nothing.
        baselines[lifetime.kind] = np.where(np.isnan(silence), 1.0, silence)
    return baselines


def _value_baselines(tested: pl.DataFrame, horizon_days: int) -> dict[str, Floats]:
    baselines = {
        "past_rate": past_rate_minor(tested, horizon_days=horizon_days),
        "recency_weighted": recency_weighted_minor(tested, horizon_days=horizon_days),
    }
    return baselines | {lifetime.kind: lifetime.spend_minor(tested) for lifetime in _lifetimes(tested, horizon_days)}


def _lifetimes(members: pl.DataFrame, horizon_days: int) -> list[Lifetime]:
    """Fit each buy-till-you-die model on everybody's purchases up to the test cut-off; no outcome is read."""
    fitted = [
        fit_lifetime(members, kind, horizon_days=horizon_days, min_repeat_buyers=_FEWEST_REPEAT_BUYERS) for kind in LIFETIME_KINDS
    ]
    return [lifetime for lifetime in fitted if lifetime is not None]


def _churn_curves(predictions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    churned, probability, is_still_here = (predictions[name].to_numpy() for name in ("actual", OURS, "is_still_here"))
    return churn_curves(churned, probability, is_still_here=is_still_here)


def _value_curves(predictions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {"gain": value_points(predictions["actual"].to_numpy(), predictions[OURS].to_numpy())}


def _parameters(model: ChurnModel | ValueModel) -> dict[str, str | int | float]:
    factor = {"level_factor": model.level} if isinstance(model, ValueModel) else {}
    return factor | model.settings.model_dump() | {"kind": model.kind, "why": model.why, "horizon_days": model.split.horizon_days}


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


def _tenure_bands(tested: pl.DataFrame) -> pl.Series:
    with_tenure = tested if TENURE in tested.columns else tested.with_columns(pl.lit(None, dtype=pl.Int32).alias(TENURE))
    return with_tenure.select(tenure_band=tenure_band(pl.col(TENURE)))["tenure_band"]


def _importance(trees: Sequence[Trees | None]) -> pl.DataFrame:
    """Average the gain shares over the trees of a model; one row per feature, the highest share first."""
    importances = [one.importance() for one in trees if one is not None]
    if not importances:
        return pl.DataFrame(schema={"feature": pl.String, "gain_share": pl.Float64, "splits": pl.Int64})
    # Sorted first, so that the sums below are rounded in the same order every time.
    averaged = pl.concat(importances).sort("feature", "gain_share", "splits").group_by("feature", maintain_order=True)
    figures = averaged.agg(gain_share=pl.col("gain_share").sum() / len(importances), splits=pl.col("splits").sum())
    return figures.sort(["gain_share", "feature"], descending=[True, False])
