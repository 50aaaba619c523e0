"""Whether the arms have the sizes they were drawn with (sample-ratio mismatch): if not, no effect can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

# Fabijan et al. 2019: strict, because the check is read every night.
MISMATCH: Final = 0.001


def p_of_counts(counts: Mapping[str, int], shares: Mapping[str, float]) -> float | None:
    """Return the p value of the counts of all arms under their shares (Pearson's chi-square); None without two arms.

    Args:
        counts: Units per arm.
        shares: Per arm, above 0; they need not sum to 1.
    """
    from scipy import stats

    total, whole = sum(counts.values()), sum(shares[arm] for arm in counts)
    if len(counts) < len(("control", "arm")) or not total:
        return None
    expected = [total * shares[arm] / whole for arm in counts]
    return float(stats.chisquare(list(counts.values()), expected).pvalue)


def p_of_draws(draws: pl.DataFrame) -> float | None:
    """Return the p value of the number held out, where each row was drawn with a share of its own; None without rows.

    With one share for all it is Pearson's chi-square. With several the variance is that of a sum of unlike draws, which is
    smaller than one draw of their mean would have.

    Args:
        draws: One row per draw, with `is_treated` and `holdout_share`, between 0 and 1.
    """
    from scipy import stats

    if draws.is_empty():
        return None
    share = pl.col("holdout_share")
    away, variance = draws.select(((~pl.col("is_treated")).cast(pl.Float64) - share).sum(), (share * (1 - share)).sum()).row(0)
    return float(stats.chi2.sf(away**2 / variance, df=1))
