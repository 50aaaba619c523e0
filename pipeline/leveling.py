"""The level of a night: measured from the daily rollups, and given to the predictions of all members."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from features.first_day import first_day_of_history
from features.history import History, cut
from features.returns import ActiveDays, active_days, count_returns
from lake.contracts import MINOR_UNITS_PER_UNIT
from models.level import Level, churn_level, first_day_needed, level_probabilities, level_windows, spend_factor, value_level
from models.measures import Purpose
from models.panel import floats
from runtime.settings import Settings


@dataclass(frozen=True)
class Levels:
    """The levels of a night; None where nothing is known of one, or where `[prediction] level` is `matured`."""

    churn: Level | None = None
    value: Level | None = None

    def of(self, purpose: Purpose) -> Level | None:
        """Return the level of one purpose."""
        return self.churn if purpose == "churn" else self.value


def measure_levels(settings: Settings, history: History, as_of: date) -> Levels:
    """Measure the levels of a night from the activity up to it.

    Args:
        settings: The settings.
        history: The history; nothing after the night is read.
        as_of: The night, or a past one that is tested.
    """
    if settings.prediction.level == "matured":
        return Levels()
    eligible_days, has_orders = settings.churn.eligible_days, "orders" in history.available
    churn_days, value_days = settings.churn.horizon_days, settings.value.horizon_days
    longest = max(churn_days, value_days) if has_orders else churn_days
    since = first_day_needed(as_of, horizon_days=longest, eligible_days=eligible_days)
    active = active_days(cut(history, as_of), since=since)
    first = _first_day(active)
    if first is None:
        return Levels()
    windows = level_windows(as_of, horizon_days=churn_days, first_day=first)
    windows += level_windows(as_of, horizon_days=value_days, first_day=first) if has_orders else []
    counts = count_returns(active, windows, eligible_days=eligible_days)
    value = value_level(counts, as_of, horizon_days=value_days) if has_orders else None
    return Levels(churn_level(counts, as_of, horizon_days=churn_days), value)


def apply_levels(scored: pl.DataFrame, levels: Levels) -> pl.DataFrame:
    """Give the levels to predictions: `churn_probability` of the eligible members, `expected_value` of all and its range.

    One row per row of `scored`, in its order. The order of members by either prediction stays what it was.

    Args:
        scored: One row per member scored, all members of the night.
        levels: The levels of the night.
    """
    probability, value = scored["churn_probability"], scored["expected_value"]
    if levels.churn is not None and probability.null_count() < probability.len():
        moved = level_probabilities(floats(probability.drop_nulls()), levels.churn)
        positions = probability.is_not_null().arg_true()
        scored = scored.with_columns(probability.clone().scatter(positions, pl.Series(moved)))
    if levels.value is not None and value.null_count() == 0 and not value.is_empty():
        factor = spend_factor(floats(value) * MINOR_UNITS_PER_UNIT, levels.value)
        with_range = ("expected_value", "expected_value_low", "expected_value_high")
        scored = scored.with_columns(pl.col(name) * factor for name in with_range if name in scored.columns)
    return scored


def _first_day(active: ActiveDays) -> date | None:
    days, rows = np.unique(active.days["event_date"].to_numpy(), return_counts=True)
    return first_day_of_history(dict(zip(days.astype("datetime64[D]").tolist(), rows.tolist(), strict=True)))
