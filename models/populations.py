"""The two questions that churn asks: who is still here and may leave, and who is gone and may come back.

A member who has been silent for the whole horizon is easily told from one who was active yesterday, so figures over everybody
flatter a model. Each population is therefore measured by itself, and those still here decide which model is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import polars as pl

from features.eligibility import is_still_here
from models.baselines import RECENCY
from models.panel import Mask

Population = Literal["still_here", "gone"]
POPULATIONS: Final[tuple[Population, ...]] = ("still_here", "gone")


def still_here(rows: pl.DataFrame, *, horizon_days: int) -> Mask:
    """Mark the rows of members still here; all of them in a frame that does not say how long they have been silent.

    Args:
        rows: One row per member and cut-off.
        horizon_days: Days of the churn horizon.
    """
    if RECENCY not in rows.columns:
        return np.ones(rows.height, dtype=np.bool_)
    return rows.select(is_still_here(horizon_days)).to_series().to_numpy()


def masks(is_still_here: Mask) -> Mapping[Population, Mask]:
    """Return population → the members that belong to it."""
    return {"still_here": is_still_here, "gone": ~is_still_here}
