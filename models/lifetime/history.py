"""The input of buy-till-you-die models: how many purchases a buyer made, and when the first and the last one were.

Fader, Hardie & Lee (2005) write (x, t_x, T) for repeat purchases, recency and age. Purchases of one day count as one, as
in the published studies. The unit of time is the caller's; the features count days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from models.panel import Floats, Mask, floats

REPEATS: Final = "repeat_order_days"
RECENCY: Final = "first_to_last_order_days"
AGE: Final = "first_order_age_days"
MEAN_VALUE: Final = "mean_repeat_order_value"
PURCHASE_FEATURES: Final = (REPEATS, RECENCY, AGE, MEAN_VALUE)


@dataclass(frozen=True)
class PurchaseHistory:
    """One row per buyer, or per distinct history with the number of buyers who share it.

    Args:
        repeats: Purchases after the first one (x).
        recency: Time from the first purchase to the last (t_x); 0 without a repeat purchase.
        age: Time from the first purchase to the night (T), never below `recency`.
        buyers: Buyers with this history; None stands for one each.
    """

    repeats: Floats
    recency: Floats
    age: Floats
    buyers: Floats | None = None

    @property
    def weights(self) -> Floats:
        """Buyers behind each row."""
        return np.ones_like(self.age) if self.buyers is None else self.buyers

    def distinct(self) -> tuple[PurchaseHistory, npt.NDArray[np.int64]]:
        """Return the different histories, sorted, with their buyers, and the row of each buyer among them."""
        rows = pl.DataFrame({"x": self.repeats, "t_x": self.recency, "T": self.age, "buyers": self.weights})
        keys = ["x", "t_x", "T"]
        # Sorted, because `group_by` returns the groups in any order, and sums over them must be the same every time.
        different = rows.group_by(keys).agg(pl.col("buyers").sum()).sort(keys).with_row_index("row")
        row_of_each = rows.join(different, on=keys, how="left", maintain_order="left")["row"]
        distinct_histories = PurchaseHistory(*(floats(different[name]) for name in (*keys, "buyers")))
        return distinct_histories, row_of_each.to_numpy().astype(np.int64)

    def every(self, step: int) -> PurchaseHistory:
        """Keep each `step`-th row."""
        return PurchaseHistory(self.repeats[::step], self.recency[::step], self.age[::step], self.weights[::step])


def has_purchases(features: pl.DataFrame) -> bool:
    """Return whether the community has a purchase history at all."""
    return set(PURCHASE_FEATURES) <= set(features.columns)


def is_buyer(features: pl.DataFrame) -> Mask:
    """Mark the members with a purchase; the models do not cover the others."""
    return features[AGE].is_not_null().to_numpy() if AGE in features.columns else np.zeros(features.height, dtype=np.bool_)


def purchase_history(buyers: pl.DataFrame) -> PurchaseHistory:
    """Read the history of members who all have a purchase, in days."""
    return PurchaseHistory(floats(buyers[REPEATS]), floats(buyers[RECENCY]), floats(buyers[AGE]))
