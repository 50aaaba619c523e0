"""A model of purchases and one of their value together: what a buyer will buy over a horizon, and for how much.

Expected spend is expected purchases times the expected value of one, the two being independent (Fader, Hardie & Lee 2005,
RFM and CLV: Using Iso-Value Curves for Customer Base Analysis). These models do not cover members who never bought,
as nothing is known of their rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import polars as pl

from lake.contracts import MINOR_UNITS_PER_UNIT
from models.config import LifetimeKind
from models.lifetime.beta_geometric import BetaGeometric, fit_beta_geometric
from models.lifetime.gamma_gamma import GammaGamma, fit_gamma_gamma
from models.lifetime.history import MEAN_VALUE, REPEATS, PurchaseHistory, has_purchases, is_buyer, purchase_history
from models.lifetime.pareto import ParetoNBD, fit_pareto
from models.panel import Floats, floats

LIFETIME_KINDS: Final[tuple[LifetimeKind, ...]] = get_args(LifetimeKind)
_OF_EVENTS: Final = {"event_count_365d", "activity_count_365d"}


@dataclass(frozen=True)
class Lifetime:
    """Buy-till-you-die models of one community.

    Args:
        kind: Which model of purchases.
        horizon_days: Days that expectations look ahead.
        purchases: The model of purchases, in days.
        value: The model of their value, in currency units.
    """

    kind: LifetimeKind
    horizon_days: int
    purchases: BetaGeometric | ParetoNBD
    value: GammaGamma

    def expected_orders(self, features: pl.DataFrame) -> Floats:
        """Expect order days over the horizon; NaN for members who never bought."""
        return _per_buyer(features, lambda history: self.purchases.expected_purchases(history, horizon=self.horizon_days))

    def silence(self, features: pl.DataFrame) -> Floats:
        """Return the probability of no order over the horizon; NaN for members who never bought."""
        return _per_buyer(features, lambda history: self.purchases.probability_of_none(history, horizon=self.horizon_days))

    def order_value(self, features: pl.DataFrame) -> Floats:
        """Expect the value of an order day, in currency units; everyone's mean where nothing is known of the member."""
        if not has_purchases(features):
            return np.full(features.height, self.value.mean)
        repeats = floats(features[REPEATS].fill_null(0))
        return self.value.expected_value(repeats, floats(features[MEAN_VALUE]))

    def spend_minor(self, features: pl.DataFrame) -> Floats:
        """Expect spend over the horizon in minor units; 0 for members who never bought."""
        return np.nan_to_num(self.expected_orders(features)) * self.order_value(features) * MINOR_UNITS_PER_UNIT


def only_buys(features: pl.DataFrame) -> bool:
    """Return whether buying is all that members do, so that a member without an order is silent."""
    return has_purchases(features) and not _OF_EVENTS & set(features.columns)


def fit_lifetime(rows: pl.DataFrame, kind: LifetimeKind, *, horizon_days: int, min_repeat_buyers: int) -> Lifetime | None:
    """Fit on the histories of one cut-off; None without a purchase history or with too few repeat buyers.

    Only features are read, no outcome: the models learn from the past up to the cut-off alone.

    Args:
        rows: One row per member, at one cut-off.
        kind: Which model of purchases.
        horizon_days: Days that expectations will look ahead.
        min_repeat_buyers: Fewest buyers with a repeat purchase of positive value to fit on.
    """
    if not has_purchases(rows):
        return None
    buyers = rows.filter(is_buyer(rows))
    history, mean_value = purchase_history(buyers), floats(buyers[MEAN_VALUE])
    if int(np.sum((history.repeats > 0) & (np.nan_to_num(mean_value) > 0))) < min_repeat_buyers:
        return None
    purchases = fit_pareto(history) if kind == "pareto_nbd" else fit_beta_geometric(history, kind)
    return Lifetime(kind, horizon_days, purchases, fit_gamma_gamma(history.repeats, mean_value))


def _per_buyer(features: pl.DataFrame, expect: Callable[[PurchaseHistory], Floats]) -> Floats:
    """Compute an expectation once per distinct history; NaN for members who never bought."""
    expected = np.full(features.height, np.nan)
    buys = is_buyer(features)
    # Many buyers share a history, and the special functions of the models are expensive.
    different, row_of_each = purchase_history(features.filter(buys)).distinct()
    expected[buys] = expect(different)[row_of_each]
    return expected
