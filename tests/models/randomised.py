"""Simulated decisions whose true effects are known."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.panel import Floats
from models.qini import Randomised


def decisions(
    seed: int, *, size: int = 4_000, held_out_share: float = 0.2, effect: float = 0.3
) -> tuple[pl.DataFrame, Randomised, Floats]:
    """Draw features, what came of the decisions, and the true effect of each.

    Half of the members, those who answer, are moved by `effect`; the others by nothing. Who is at risk has nothing to do with it.
    """
    random = np.random.default_rng(seed)
    answers, risk = random.random(size) < 0.5, random.uniform(0.2, 0.6, size)
    is_treated = random.random(size) >= held_out_share
    uplift = np.where(answers, effect, 0.0)
    outcome = (random.random(size) < 1 - risk - 0.2 + uplift * is_treated).astype(np.float64)
    features = pl.DataFrame({"answers": answers, "risk": risk, "region": random.choice(["north", "south"], size)})
    # Members are not always known in full.
    features = features.with_columns(pl.when(pl.int_range(size) % 97 != 0).then("risk").alias("risk"))
    return features, Randomised(outcome, is_treated, np.full(size, 1 - held_out_share)), uplift
