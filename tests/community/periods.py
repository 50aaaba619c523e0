"""Simulated communities by period: members with rates of their own, good and bad months for all together."""

from __future__ import annotations

import numpy as np
import polars as pl

from community.member_periods import PERIOD_SCHEMA, PERIODS


def community(
    seed: int, *, members: int = 400, months: float = 0.0, growth: float = 0.0, rise: float = 0.0, exceptional: int | None = None
) -> pl.DataFrame:
    """Simulate what members did, in the columns of `PERIOD_SCHEMA`.

    Args:
        seed: Decides the draws.
        members: How many there are; most of them do little.
        months: The standard deviation of the logarithm of what all do more or less in a period.
        growth: How much more everybody does in each period than in the one before.
        rise: How much more everybody does in the newest period than is usual.
        exceptional: A period in which four times as much was done.
    """
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.5, 2.0, members)
    return pl.concat(
        _period(rng, rates * np.exp(rng.normal(0, months)), period, (1 + growth) ** -period * _more(period, rise, exceptional))
        for period in range(PERIODS)
    )


def _more(period: int, rise: float, exceptional: int | None) -> float:
    return (1 + rise if period == 0 else 1.0) * (4.0 if period == exceptional else 1.0)


def _period(rng: np.random.Generator, rates: np.ndarray, period: int, times: float) -> pl.DataFrame:
    did = rng.poisson(rates * times)
    active = np.flatnonzero(did)
    contributions, responses = rng.poisson(did[active] * 0.5), rng.poisson(did[active] * 0.7)
    spent = np.where(rng.random(len(active)) < 0.1, rng.gamma(1, 5_000, len(active)), 0)
    columns = {
        "period": np.full(len(active), period),
        "member_no": active,
        "active": np.ones(len(active)),
        "contributions": contributions,
        "responses": responses,
        "connected": responses > 0,
        "spend_minor": spent.round(),
    }
    return pl.DataFrame(columns).cast(dict(PERIOD_SCHEMA))
