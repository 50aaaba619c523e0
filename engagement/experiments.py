"""A campaign with arms: each arm beside the control, with the multiplicity of several arms corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from engagement.adjustment import adjust
from engagement.differences import ALPHA, Difference, difference
from engagement.effects import COVARIATES, cluster_numbers
from engagement.sample_ratio import MISMATCH, p_of_counts

POWER: Final = 0.8


@dataclass(frozen=True)
class Comparison:
    """One arm beside the control, intention to treat; None where it cannot be known.

    Args:
        arm: The arm.
        control: The arm it is compared with.
        effect: Difference of their mean outcomes, adjusted for what was known before (CUPED).
        effect_unadjusted: The same without the adjustment.
        low: Lower bound; with several comparisons all intervals hold together with 95 % (Bonferroni).
        high: Upper bound.
        relative: The effect as a share of the control's mean outcome.
        p: p value of no effect; with several comparisons after Holm (1979).
    """

    arm: str
    control: str
    effect: float | None
    effect_unadjusted: float | None
    low: float | None
    high: float | None
    relative: float | None
    p: float | None


@dataclass(frozen=True)
class Experiment:
    """What a campaign with arms shows.

    Args:
        arms: Members per arm, the control first, then by name.
        rates: Mean outcome per arm, as it is.
        p_srm: p value of the arms' sizes under their shares.
        is_trustworthy: Whether the sizes fit.
        comparisons: One per arm but the control.
        minimum_detectable_effect: The effect that the smallest arm would have shown beside the control in 80 % of repetitions,
            at the same level as the intervals.
    """

    arms: Mapping[str, int]
    rates: Mapping[str, float]
    p_srm: float | None
    is_trustworthy: bool
    comparisons: tuple[Comparison, ...]
    minimum_detectable_effect: float | None


def compare_arms(units: pl.DataFrame, *, control: str, shares: Mapping[str, float] | None = None) -> Experiment:
    """Compare every arm with the control.

    Args:
        units: One row per randomised member: `arm`, `outcome` without nulls; where known `before`, `score` and `cluster`, as
            `measure_effect` reads them.
        control: The arm the others are compared with; it has rows.
        shares: What each arm was drawn with, above 0, of any sum; None for equal shares. An arm of these without a row counts.
    """
    by_arm = units.group_by("arm").agg(pl.len(), pl.col("outcome").cast(pl.Float64).mean()).sort(pl.col("arm") != control, "arm")
    counts = dict(by_arm.select("arm", "len").iter_rows())
    rates = dict(by_arm.select("arm", "outcome").iter_rows())
    p_srm = p_of_counts({arm: counts.get(arm, 0) for arm in (shares or counts)}, shares or dict.fromkeys(counts, 1.0))
    others = [arm for arm in counts if arm != control]
    adjusted = {arm: _beside(units, arm, control) for arm in others}
    alpha = ALPHA / max(len(others), 1)
    corrected = holm({arm: one.p for arm, one in adjusted.items()})
    comparisons = []
    for arm, one in adjusted.items():
        low, high = one.interval(alpha=alpha)
        relative = one.estimate / rates[control] if rates[control] else None
        plain = rates[arm] - rates[control]
        comparisons.append(Comparison(arm, control, one.estimate, plain, low, high, relative, corrected[arm]))
    smallest = min(others, key=lambda arm: counts[arm], default=None)
    error = adjusted[smallest].standard_error if smallest is not None else None
    return Experiment(
        arms=counts,
        rates=rates,
        p_srm=p_srm,
        is_trustworthy=p_srm is not None and p_srm >= MISMATCH,
        comparisons=tuple(comparisons),
        minimum_detectable_effect=None if error is None else detectable(error, alpha=alpha),
    )


def detectable(standard_error: float, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the smallest effect that a two-sided test with this standard error finds with that power."""
    from scipy import stats

    return float((stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * standard_error)


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Correct p values for there being several (Holm 1979); None stays None and counts as a comparison."""
    known = sorted((p, arm) for arm, p in p_values.items() if p is not None)
    corrected: dict[str, float | None] = dict.fromkeys(p_values)
    highest = 0.0
    for rank, (p, arm) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(p_values) - rank)))
        corrected[arm] = highest
    return corrected


def _beside(units: pl.DataFrame, arm: str, control: str) -> Difference:
    pair = units.filter(pl.col("arm").is_in([arm, control]))
    is_arm = np.asarray((pair["arm"] == arm).to_numpy(), dtype=np.bool_)
    return difference(adjust(pair, outcome="outcome", covariates=COVARIATES), is_arm, clusters=cluster_numbers(pair))
