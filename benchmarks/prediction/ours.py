"""Evenfall's own predictions of a past night, and those of its baselines: the one place where the benchmark calls its models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from models.config import PredictionSettings
from models.cutoffs import split_cutoffs
from models.measures import Purpose
from models.training import OURS, measure_churn, measure_value

# Bounds of Evenfall's intervals among the predictions, where it gives any.
INTERVAL = (f"{OURS}_low", f"{OURS}_high")


def settings_for(*, full: bool) -> PredictionSettings:
    """Return the settings that are measured: those of a community whose configuration says nothing about prediction.

    Args:
        full: Whether the whole budget of a training night may be used; the benchmark of an hour makes do with less.
    """
    del full  # Nothing is searched yet: both measure the same model.
    return PredictionSettings()


def predict_ours(
    panel: pl.DataFrame, as_of: date, purpose: Purpose, *, horizon_days: int, settings: PredictionSettings
) -> pl.DataFrame | None:
    """Predict a past night as a training on that night would have.

    Args:
        panel: All members at every cut-off.
        as_of: The night.
        purpose: What to predict.
        horizon_days: Days of the label window.
        settings: As `settings_for` returns them.

    Returns:
        One row per member that counts, sorted by member_id: as_of, member_no, member_id, actual, Evenfall's prediction and its
        baselines' as columns. None where no outcome was known by then.
    """
    known = _known(panel["as_of"].unique().to_list(), as_of, horizon_days, settings)
    split = split_cutoffs(known, horizon_days=horizon_days)
    if not split.train or not split.test:
        return None
    rows = panel.filter(pl.col("as_of").is_in(known))
    measured = (measure_churn if purpose == "churn" else measure_value)(rows, split, settings)
    return None if measured is None else measured.predictions


def _known(cutoffs: Sequence[date], as_of: date, horizon_days: int, settings: PredictionSettings) -> list[date]:
    """Return the night, the cut-offs with open outcomes before it, and as many matured ones as a night learns from."""
    # A negated floor division rounds up.
    reach = settings.max_cutoffs - (-horizon_days // settings.step_days)
    return sorted(cutoff for cutoff in cutoffs if cutoff <= as_of)[-reach:]
