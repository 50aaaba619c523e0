"""Churn of buyers by the buy-till-you-die model alone, brought to the scale of outcomes that were observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from models.calibration import LogitLine, fit_logit_line, logit
from models.lifetime.history import AGE, RECENCY, REPEATS, PurchaseHistory
from models.lifetime.lifetime import Lifetime
from models.panel import Floats, floats, outcomes

PURCHASES: Final = (REPEATS, RECENCY, AGE)


@dataclass(frozen=True)
class Silence:
    """Log-odds of churn from the probability of no order.

    Args:
        lifetime: What gives that probability.
        line: From its log-odds to log-odds that come true.
        never_bought: The log-odds of members who never bought, of whom it says nothing.
    """

    lifetime: Lifetime
    line: LogitLine
    never_bought: float

    def log_odds(self, features: pl.DataFrame) -> Floats:
        """Score each row; higher is likelier to leave."""
        unknown = np.full(features.height, np.nan)
        return self.log_odds_of(
            np.column_stack([floats(features[name]) if name in features.columns else unknown for name in PURCHASES])
        )

    def log_odds_of(self, purchases: Floats) -> Floats:
        """Score rows of repeat purchases, recency and age in days; rows without an age never bought."""
        scored = np.full(purchases.shape[0], self.never_bought)
        bought = np.isfinite(purchases[:, 2])
        repeats, recency, age = np.nan_to_num(purchases[bought]).T
        different, row_of_each = PurchaseHistory(repeats, np.minimum(recency, age), age).distinct()
        silent = self.lifetime.purchases.probability_of_none(different, horizon=self.lifetime.horizon_days)
        scored[bought] = (self.line.intercept + self.line.slope * logit(silent))[row_of_each]
        return scored


def fit_silence(lifetime: Lifetime, rows: pl.DataFrame) -> Silence:
    """Fit the line on rows with known outcomes; one imagined observation of each kind keeps the others' log-odds finite."""
    outcome, silent = outcomes(rows), lifetime.silence(rows)
    bought = np.isfinite(silent)
    line = fit_logit_line(logit(silent[bought]), outcome[bought], slope_prior=1.0, prior_weight=1.0)
    left, others = float(np.sum(outcome[~bought])), int(np.sum(~bought))
    return Silence(lifetime, line, float(logit(np.array([(left + 1) / (others + 2)]))[0]))
