"""Churn of buyers by the buy-till-you-die model alone, calibrated on observed outcomes."""

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
        lifetime: The model of that probability.
        line: From its log-odds to calibrated log-odds.
        never_bought: The log-odds of members who never bought, whom the model does not cover.
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
        # Explanations mix a member's own numbers with the typical member's, whose recency may then exceed the age.
        repeats, recency, age = np.nan_to_num(purchases[bought]).T
        distinct, row_of_each = PurchaseHistory(repeats, np.minimum(recency, age), age).distinct()
        silence_probability = self.lifetime.purchases.probability_of_none(distinct, horizon=self.lifetime.horizon_days)
        scored[bought] = (self.line.intercept + self.line.slope * logit(silence_probability))[row_of_each]
        return scored


def fit_silence(lifetime: Lifetime, rows: pl.DataFrame) -> Silence:
    """Fit the line on rows with known outcomes; one imagined observation of each kind keeps the others' log-odds finite."""
    outcome, silence_probability = outcomes(rows), lifetime.silence(rows)
    bought = np.isfinite(silence_probability)
    line = fit_logit_line(logit(silence_probability[bought]), outcome[bought], slope_prior=1.0, prior_weight=1.0)
    churned_count, other_count = float(np.sum(outcome[~bought])), int(np.sum(~bought))
    return Silence(lifetime, line, float(logit(np.array([(churned_count + 1) / (other_count + 2)]))[0]))
