"""Calibration of churn probabilities within bands of members: an overall figure can hide groups that are off each way."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from models.evaluation import calibration_intercept, calibration_slope, expected_calibration_error
from models.panel import Floats

EVERYBODY: Final = "everybody"
TENURE: Final = "tenure_days"
# Name → first day of membership that belongs to it, shortest first.
TENURE_BANDS: Final = {"new": 0, "first_year": 28, "longer": 365}
MEASURES: Final = ("n", "predicted", "happened", "calibration_slope", "calibration_intercept", "ece")


def tenure_band(tenure_days: pl.Expr) -> pl.Expr:
    """Name the band of a tenure: `new` before 28 days, `first_year` before 365, `longer` after; null stays null."""
    band: pl.Expr = pl.when(tenure_days.is_not_null()).then(pl.lit(next(iter(TENURE_BANDS))))
    for name, first_day in list(TENURE_BANDS.items())[1:]:
        band = pl.when(tenure_days >= first_day).then(pl.lit(name)).otherwise(band)
    return band


def calibration_by_band(churned: Floats, probability: Floats, band: pl.Series) -> pl.DataFrame:
    """Measure calibration among everybody and within each band that has members.

    One row per band, `everybody` first and the others by name: band; n; predicted and happened, mean probability and share
    that left; calibration_slope, calibration_intercept and ece as in `evaluate_churn`, null where undefined. Members whose
    band is null count among everybody only.

    Args:
        churned: Outcomes, 0 or 1, one per member.
        probability: Predicted churn probabilities, one per member.
        band: Name of each member's band, or null.
    """
    is_in_band = {EVERYBODY: np.ones(churned.size, dtype=np.bool_)} | {
        name: (band == name).fill_null(value=False).to_numpy() for name in sorted(band.drop_nulls().unique().to_list())
    }
    rows = [{"band": name, **_measure_band(churned[is_member], probability[is_member])} for name, is_member in is_in_band.items()]
    return pl.DataFrame(rows, schema={"band": pl.String, "n": pl.Int64, **dict.fromkeys(MEASURES[1:], pl.Float64)})


def _measure_band(churned: Floats, probability: Floats) -> dict[str, float | None]:
    # Sorted, so that no figure depends on the order of members in its last digit.
    order = np.lexsort((churned, probability))
    churned, probability = churned[order], probability[order]
    return {
        "n": churned.size,
        "predicted": float(np.mean(probability)) if churned.size else None,
        "happened": float(np.mean(churned)) if churned.size else None,
        "calibration_slope": calibration_slope(churned, probability),
        "calibration_intercept": calibration_intercept(churned, probability),
        "ece": expected_calibration_error(churned, probability),
    }
