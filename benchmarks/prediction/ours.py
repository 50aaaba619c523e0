"""Evenfall's own predictions of a past night, and those of its baselines: the one place where the benchmark calls its models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from benchmarks.prediction.panels import Panel
from models.config import PredictionSettings
from models.cutoffs import Split, split_cutoffs
from models.intervals import fit_spend_interval
from models.level import Level, level_probabilities, spend_factor
from models.measures import Purpose
from models.training import OURS, Measured, measure_churn, measure_value
from models.value import ValueModel
from pipeline.leveling import Levels

# Settings tried per model where the whole benchmark is to take less than an hour.
_REDUCED_BUDGET: Final = 6
# Bounds of Evenfall's intervals among the predictions, where it gives any.
INTERVAL = (f"{OURS}_low", f"{OURS}_high")


def settings_for(*, full: bool) -> PredictionSettings:
    """Return the settings that are measured: those of a community whose configuration says nothing about prediction.

    Args:
        full: Whether the whole budget of a training night may be used; the benchmark of an hour makes do with less.
    """
    return PredictionSettings() if full else PredictionSettings(search_budget=_REDUCED_BUDGET)


def predict_ours(
    panel: Panel, as_of: date, purpose: Purpose, *, settings: PredictionSettings, starting: str | None
) -> pl.DataFrame | None:
    """Predict a past night as a training on that night would have, at the level of that night.

    Args:
        panel: All members at every cut-off, and the levels of the tested ones.
        as_of: The night.
        purpose: What to predict.
        settings: As `settings_for` returns them.
        starting: LightGBM's text of a starting model that has not seen the community; None to do without.

    Returns:
        One row per member that counts, sorted by member_id: as_of, member_no, member_id, actual, Evenfall's prediction and its
        baselines' as columns; for value the ends of the range, null where it says nothing. None where no outcome was known.
    """
    horizon_days = panel.facts.horizon_days
    known = _known(panel.rows["as_of"].unique().to_list(), as_of, horizon_days, settings)
    split = split_cutoffs(known, horizon_days=horizon_days)
    if not split.train or not split.test:
        return None
    rows = panel.rows.filter(pl.col("as_of").is_in(known))
    level = panel.levels.get(as_of, Levels()).of(purpose)
    if purpose == "churn":
        churn = measure_churn(rows, split, settings, starting=starting)
        if churn is None or level is None:
            return None if churn is None else churn.predictions
        return churn.predictions.with_columns(pl.Series(OURS, level_probabilities(churn.predictions[OURS].to_numpy(), level)))
    value = measure_value(rows, split, settings)
    return None if value is None else _with_range(rows, split, value, level)


def _with_range(rows: pl.DataFrame, split: Split, value: Measured[ValueModel], level: Level | None) -> pl.DataFrame:
    """Add the range as the night knew it: from the newest matured cut-off, predicted without its outcomes."""
    predictions = value.predictions
    minor = predictions[OURS].to_numpy()
    # The level moves the expectation and both ends of its range alike.
    factor = 1.0 if level is None else spend_factor(minor, level)
    predictions = predictions.with_columns(pl.col(OURS) * factor)
    earlier = split_cutoffs(split.known, horizon_days=split.horizon_days)
    settings = value.search.settings.model_copy(update={"search_budget": 0})
    before = measure_value(rows, earlier, settings) if earlier.train and earlier.test else None
    if before is None:
        return predictions
    interval = fit_spend_interval(before.predictions["actual"].to_numpy(), before.predictions[OURS].to_numpy())
    if interval is None:
        return predictions
    says = pl.Series(interval.says_something(minor))
    ends = zip(INTERVAL, interval.bounds(minor), strict=True)
    return predictions.with_columns(pl.when(says).then(pl.Series(end * factor)).alias(name) for name, end in ends)


def _known(cutoffs: Sequence[date], as_of: date, horizon_days: int, settings: PredictionSettings) -> list[date]:
    """Return the night, the cut-offs with open outcomes before it, and as many matured ones as a night learns from."""
    # A negated floor division rounds up.
    reach = settings.max_cutoffs - (-horizon_days // settings.step_days)
    return sorted(cutoff for cutoff in cutoffs if cutoff <= as_of)[-reach:]
