"""Whether talking to members worked: those an action was for, beside those of them who were held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from engagement.adjustment import Floats, adjust
from engagement.differences import Bools, Difference, Integers, difference
from engagement.sample_ratio import MISMATCH, p_of_draws

SMALLEST_ARM: Final = 30
FEWEST_CLUSTERS: Final = 10
COVARIATES: Final = ("before", "score")


@dataclass(frozen=True)
class Effect:
    """The effect of being chosen for an action, contacted or not (intention to treat).

    Args:
        n_treated: Members chosen.
        n_holdout: Members held out.
        rate_treated: Mean outcome of those chosen, as it is; None without any.
        rate_holdout: Mean outcome of those held out; None without any.
        effect: Their difference, adjusted for what was known before (CUPED); None when an arm is empty.
        effect_unadjusted: The same without the adjustment.
        low: Lower bound of 95 %: of a single look, or of all looks together.
        high: Upper bound.
        fixed_low: Lower bound of 95 % as if this were the only look.
        fixed_high: Upper bound.
        standard_error: Of `effect`; None where nothing varies.
        p_srm: p value of the arms' sizes under the shares they were drawn with.
        is_trustworthy: Whether the sizes fit and both arms are large enough.
        looks: As given.
    """

    n_treated: int
    n_holdout: int
    rate_treated: float | None
    rate_holdout: float | None
    effect: float | None
    effect_unadjusted: float | None
    low: float | None
    high: float | None
    fixed_low: float | None
    fixed_high: float | None
    standard_error: float | None
    p_srm: float | None
    is_trustworthy: bool
    looks: int


def measure_effect(units: pl.DataFrame, *, outcome: str = "outcome", looks: int = 1) -> Effect:
    """Measure the effect of an action on those who could have been held out.

    Rows drawn with a share of 0 or 1 were not randomised and are left out. Where rows were drawn with different shares, each
    weighs by the inverse chance of its arm (Hájek), in the rates too: a plain difference would mix the effect with whatever
    changed along with the share.

    Args:
        units: One row per randomised member: `is_treated`, the outcome, `holdout_share`; where known `before` (the same quantity
            in the window before the decision), `score` (churn probability at the decision) and `cluster` (what was drawn
            together; null for a member drawn alone).
        outcome: Column of the outcome; no nulls.
        looks: 1 for an effect that is read once. An effect that is read again while it grows needs 2 or more from its first
            look on: the bounds then hold for all looks together, however many.
    """
    drawn = units.filter(pl.col("holdout_share").is_between(0, 1, closed="none"))
    assert not drawn["is_treated"].null_count(), "every row has an arm"
    assert not drawn[outcome].null_count(), "every row has a matured outcome"
    is_treated = drawn["is_treated"].to_numpy().astype(np.bool_)
    weights = _weights(drawn)
    rates = [_mean(drawn[outcome].cast(pl.Float64).to_numpy(), arm, weights) for arm in (is_treated, ~is_treated)]
    p_srm = p_of_draws(_draws(drawn))
    adjusted = plain = None
    if is_treated.any() and not is_treated.all():
        clusters = cluster_numbers(drawn)
        values = adjust(drawn, outcome=outcome, covariates=COVARIATES)
        adjusted = difference(values, is_treated, weights=weights, clusters=clusters)
        plain = rates[0] - rates[1] if rates[0] is not None and rates[1] is not None else None
    fixed = (None, None) if adjusted is None else adjusted.interval()
    low, high = fixed if adjusted is None or looks <= 1 else adjusted.sequence()
    return Effect(
        n_treated=int(is_treated.sum()),
        n_holdout=int((~is_treated).sum()),
        rate_treated=rates[0],
        rate_holdout=rates[1],
        effect=None if adjusted is None else adjusted.estimate,
        effect_unadjusted=plain,
        low=low,
        high=high,
        fixed_low=fixed[0],
        fixed_high=fixed[1],
        standard_error=None if adjusted is None else adjusted.standard_error,
        p_srm=p_srm,
        is_trustworthy=_is_trustworthy(drawn, adjusted, p_srm),
        looks=looks,
    )


def cluster_numbers(units: pl.DataFrame) -> Integers | None:
    """Number the clusters of the rows, a row without one being its own; None when no row has one."""
    if "cluster" not in units.columns or units["cluster"].null_count() == units.height:
        return None
    named = units.select(cluster=pl.col("cluster").rank("dense").cast(pl.Int64), row=pl.int_range(pl.len(), dtype=pl.Int64))
    alone = pl.col("cluster").max() + 1 + pl.col("row")
    numbers = named.select(pl.coalesce("cluster", alone).rank("dense").cast(pl.Int64) - 1)
    return np.asarray(numbers.to_series().to_numpy(), dtype=np.int64)


def _weights(drawn: pl.DataFrame) -> Floats:
    if drawn["holdout_share"].n_unique() <= 1:
        return np.ones(drawn.height)
    chance = pl.when("is_treated").then(1 - pl.col("holdout_share")).otherwise("holdout_share")
    return np.asarray(drawn.select((1 / chance).cast(pl.Float64)).to_series().to_numpy(), dtype=np.float64)


def _mean(values: Floats, arm: Bools, weights: Floats) -> float | None:
    return float(np.average(values[arm], weights=weights[arm])) if arm.any() else None


def _draws(drawn: pl.DataFrame) -> pl.DataFrame:
    """Return one row per draw: a cluster of one arm was drawn once, however many members it has."""
    clusters = cluster_numbers(drawn)
    if clusters is None:
        return drawn
    by_cluster = drawn.with_columns(number=pl.Series(clusters)).group_by("number", "holdout_share", maintain_order=True)
    drawn_once = by_cluster.agg(pl.col("is_treated").first(), arms=pl.col("is_treated").n_unique())
    # Clusters with both arms were not drawn as a whole: members were, and the clusters only resemble each other.
    return drawn_once if (drawn_once["arms"] == 1).all() else drawn


def _is_trustworthy(drawn: pl.DataFrame, measured: Difference | None, p_srm: float | None) -> bool:
    if measured is None or measured.standard_error is None or p_srm is None or p_srm < MISMATCH:
        return False
    members = drawn.group_by("is_treated").agg(pl.len(), clusters=pl.col("cluster").n_unique() if _has_clusters(drawn) else None)
    enough_clusters = not _has_clusters(drawn) or members["clusters"].min() >= FEWEST_CLUSTERS  # type: ignore[operator]
    return bool(members["len"].min() >= SMALLEST_ARM and enough_clusters)  # type: ignore[operator]


def _has_clusters(drawn: pl.DataFrame) -> bool:
    return "cluster" in drawn.columns and drawn["cluster"].null_count() < drawn.height
