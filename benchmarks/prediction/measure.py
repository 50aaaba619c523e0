"""One cut-off of one data set: every model's predictions, and the figures of each population."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks.prediction.differences import Predicted, differences_at
from benchmarks.prediction.ours import INTERVAL, predict_ours, settings_for
from benchmarks.prediction.panels import Panel
from benchmarks.prediction.rivals import predict_rivals
from features.eligibility import is_still_here
from models.bootstrap import Difference
from models.evaluation import auc, average_precision, ngini
from models.measures import HEADLINE, Purpose
from models.panel import Floats
from models.training import OURS

SEED: Final = 17
POPULATIONS: Final[Mapping[Purpose, tuple[str, ...]]] = {"churn": ("still_here", "all", "gone"), "value": ("all",)}
_STATE: Final = "is_still_here"
_NOT_MODELS: Final = frozenset({"as_of", "member_no", "member_id", "actual", _STATE, *INTERVAL})


def predict_cutoff(panel: Panel, as_of: date, purpose: Purpose, *, full: bool, starting: str | None) -> pl.DataFrame | None:
    """Predict one cut-off with every model.

    Args:
        panel: The data set's panel.
        as_of: The cut-off.
        purpose: What to predict.
        full: As `settings_for` takes it.
        starting: As `predict_ours` takes it.

    Returns:
        One row per member that counts, sorted by member_id: as_of, member_no, member_id, actual, is_still_here and one column per
        model. None where nothing could be learnt or nobody can be judged.
    """
    horizon_days = panel.facts.horizon_days
    predictions = predict_ours(panel, as_of, purpose, settings=settings_for(full=full), starting=starting)
    if predictions is None:
        return None
    state = panel.rows.filter(pl.col("as_of") == as_of).select("member_id", is_still_here(horizon_days).alias(_STATE))
    found = predictions.join(state, on="member_id", how="left", maintain_order="left", validate="1:1")
    rivals = predict_rivals(panel.rows, panel.windows, as_of, purpose, horizon_days=horizon_days)
    return found.with_columns(pl.Series(name, predicted) for name, predicted in rivals.items())


def measure_cutoff(
    panel: Panel, as_of: date, purpose: Purpose, *, full: bool, draws: int, starting: str | None = None
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Predict one cut-off and compute its figures.

    Args:
        panel: As `predict_cutoff` takes it, like the next three.
        as_of: Likewise.
        purpose: Likewise.
        full: Likewise.
        draws: Draws of each interval.
        starting: Likewise.

    Returns:
        The figures as JSON data, with no populations where nothing could be learnt; and the predictions.
    """
    began = time.process_time()
    predictions = predict_cutoff(panel, as_of, purpose, full=full, starting=starting)
    seconds = time.process_time() - began
    rows = pl.DataFrame() if predictions is None else predictions
    populations = {} if rows.is_empty() else {name: figures_of(rows, purpose, name, draws=draws) for name in POPULATIONS[purpose]}
    return {"as_of": as_of.isoformat(), "purpose": purpose, "seconds": round(seconds, 1), "populations": populations}, rows


def population(predictions: pl.DataFrame, name: str) -> Predicted:
    """Pick the members of a population, with every model's predictions of them."""
    if name != "all":
        predictions = predictions.filter(pl.col(_STATE) == (name == "still_here"))
    models = {column: predictions[column].to_numpy() for column in predictions.columns if column not in _NOT_MODELS}
    return Predicted(predictions["member_id"], predictions["actual"].to_numpy(), models)


def figures_of(predictions: pl.DataFrame, purpose: Purpose, name: str, *, draws: int) -> dict[str, Any]:
    """Compute the figures of one population at one cut-off, as JSON data."""
    one = population(predictions, name)
    figures = _churn_figures if purpose == "churn" else _value_figures
    leads = differences_at(one, OURS, metric=HEADLINE[purpose], draws=draws, seed=SEED)
    return {
        "members": one.actual.size,
        "happened": float(one.actual.mean()) if one.actual.size else None,
        "models": {model: figures(one.actual, predicted) for model, predicted in one.models.items()},
        "leads": {rival: as_json(lead) for rival, lead in leads.items()},
        "covered": _covered(predictions) if name == "all" and set(INTERVAL) <= set(predictions.columns) else None,
    }


def as_json(lead: Difference) -> list[float] | None:
    """Return estimate and bounds; None where the difference is undefined."""
    figures = [lead.estimate, lead.lower, lead.upper]
    return figures if np.isfinite(figures).all() else None


def _churn_figures(churned: Floats, probability: Floats) -> dict[str, float | None]:
    return {
        "auc": auc(churned, probability),
        "average_precision": average_precision(churned, probability),
        "brier": float(np.mean((probability - churned) ** 2)) if churned.size else None,
        "mean": float(probability.mean()) if churned.size else None,
    }


def _value_figures(actual: Floats, predicted: Floats) -> dict[str, float | None]:
    total = float(actual.sum())
    return {"ngini": ngini(actual, predicted), "total_ratio": float(predicted.sum()) / total if total > 0 else None}


def _covered(predictions: pl.DataFrame) -> float:
    low, high = INTERVAL
    return float(predictions.select(pl.col("actual").is_between(low, high).mean()).item())
