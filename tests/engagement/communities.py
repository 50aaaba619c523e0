"""Simulated decisions with known effects: what each member would have done either way is drawn first."""

from __future__ import annotations

import numpy as np
import polars as pl


def decisions(
    seed: int, *, members: int = 2_000, effect: float = 0.06, share: float = 0.2, spend: bool = False, clusters: int | None = None
) -> pl.DataFrame:
    """One row per member whom an action considered, as `measure_effect` reads them.

    Args:
        seed: Of everything drawn.
        members: How many there are.
        effect: Of being treated: added to the chance of returning, or, with `spend`, to what is spent.
        share: Held out.
        spend: Money instead of coming back: mostly zero, now and then much.
        clusters: Whole clusters are held out, and their members are alike; None for members on their own.
    """
    random = np.random.default_rng(seed)
    risk = random.beta(2, 2, members)
    if clusters is None:
        is_treated, mood, cluster = random.random(members) >= share, np.zeros(members), None
    else:
        cluster = random.integers(0, clusters, members)
        is_treated = (random.random(clusters) >= share)[cluster]
        mood = random.normal(0, 0.15, clusters)[cluster]
    if spend:
        habit = random.gamma(1.0, 20.0, members)
        before = habit * random.gamma(2.0, 0.5, members)
        outcome = habit * random.gamma(2.0, 0.5, members) * (random.random(members) < 1 - risk) + mood + effect * is_treated
    else:
        chance = 0.2 + 0.5 * (1 - risk)
        before = (random.random(members) < chance).astype(float)
        outcome = (random.random(members) < np.clip(chance + mood + effect * is_treated, 0, 1)).astype(float)
    known = random.random(members) > 0.1
    return pl.DataFrame(
        {
            "is_treated": is_treated,
            "outcome": outcome,
            "before": pl.Series(before).scatter(np.flatnonzero(~known), None),
            "score": risk,
            "holdout_share": np.full(members, share),
            "cluster": pl.Series(cluster, dtype=pl.Int64) if cluster is not None else pl.Series([None] * members, dtype=pl.Int64),
        }
    )
