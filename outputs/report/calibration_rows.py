"""Whether probabilities came true, among everybody and in bands of members, as rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from wording.report import calibration_band

# The columns of `models.curves.calibration_points` as charts call them.
CALIBRATION_NAMES: Final = {"mean_probability": "predicted", "churn_rate": "observed", "members": "n"}


@dataclass(frozen=True)
class CalibrationRow:
    """One band of members.

    Args:
        members: Who, in words.
        n: Predictions.
        predicted: Mean probability.
        happened: Share that left.
        calibration_slope: Below 1 the probabilities are too extreme; None where undefined.
        calibration_intercept: Above 0 they are too low; None where undefined.
        ece: Mean distance of predicted from observed share over ten groups of like predictions.
    """

    members: str
    n: int
    predicted: float | None
    happened: float | None
    calibration_slope: float | None
    calibration_intercept: float | None
    ece: float | None


def calibration_rows(calibration: pl.DataFrame) -> tuple[CalibrationRow, ...]:
    """Turn one row per band, as models measure it, into rows of a table; tiers are called by their own name."""
    return tuple(
        CalibrationRow(members=calibration_band(band), **row)
        for band, row in ((row.pop("band"), row) for row in calibration.to_dicts())
    )
