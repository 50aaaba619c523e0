"""Remove from an outcome what was known before the decision (CUPED)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]


def adjust(units: pl.DataFrame, *, outcome: str, covariates: Sequence[str]) -> Floats:
    """Subtract from each outcome what its covariates predict (Deng, Xu, Kohavi & Walker 2013, CUPED).

    Theta is pooled over the arms: own thetas (Lin 2013) need more members than a small holdout has. A null covariate takes the
    mean of the others, which neither arm knows of; a constant one changes nothing. The mean over all rows stays as it is.

    Args:
        units: One row per randomised member, all arms.
        outcome: Its column; no nulls.
        covariates: Columns known before the decision; those the frame does not have are left out.
    """
    measured = units[outcome].cast(pl.Float64).to_numpy()
    centred = [_centred(units[name]) for name in covariates if name in units.columns]
    informative = [values for values in centred if values.any()]
    if not informative:
        return measured
    known = np.column_stack(informative)
    # Least squares of the shortest solution: two covariates that say the same share one theta.
    theta = np.linalg.lstsq(known, measured - measured.mean(), rcond=None)[0]
    return np.asarray(measured - known @ theta, dtype=np.float64)


def _centred(column: pl.Series) -> Floats:
    """Return the values less their mean, in standard deviations; zeros where they tell nothing."""
    values = column.cast(pl.Float64)
    if values.null_count() == len(values) or values.min() == values.max():
        return np.zeros(len(values))
    known = values.fill_null(strategy="mean").to_numpy()
    away = known - known.mean()
    return np.asarray(away / away.std(), dtype=np.float64)
