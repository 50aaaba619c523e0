"""Many past cut-offs side by side: the table that models are trained and judged on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date

import polars as pl

from features.compute import compute_features
from features.history import History
from features.labels import label
from lake.errors import ConfigurationError


def build_panel(
    history: History,
    *,
    cutoffs: Collection[date],
    churn_horizon_days: int,
    value_horizon_days: int,
    seen_until: date,
    eligible_days: int,
    keep: pl.Expr | None = None,
    threads: int = 1,
    following: Callable[[Sequence[date]], Iterable[date]] = iter,
) -> pl.DataFrame:
    """Compute features as of each cut-off beside what came after it.

    One row per cut-off and member seen by then, sorted by as_of and member_id: as_of, member_no, member_id, the features,
    is_eligible, is_churned, future_spend_minor. Features come from the history cut at their own `as_of`; only `label`
    looks further.

    Args:
        history: The whole history.
        cutoffs: The days to stand on; each is used once.
        churn_horizon_days: As in `label`, like the next three.
        value_horizon_days: As in `label`.
        seen_until: As in `label`.
        eligible_days: As in `label`.
        keep: Keep only rows for which this holds, such as `pl.col("is_eligible")`; a large community's panel need not
            carry members who left years ago.
        threads: How many share the work; changes nothing else.
        following: Goes through the cut-offs, for whoever shows how far the work is.

    Raises:
        ConfigurationError: There is no cut-off, or the outcome of one is not fully seen yet.
    """
    if not cutoffs:
        raise ConfigurationError(
            f"There is no cut-off to learn from; the data ends on {seen_until}.",
            remedy="Bring a longer history, or shorten the horizons of churn and value.",
        )
    slices = []
    for as_of in following(sorted(set(cutoffs))):
        labels = label(
            history,
            as_of=as_of,
            churn_horizon_days=churn_horizon_days,
            value_horizon_days=value_horizon_days,
            seen_until=seen_until,
            eligible_days=eligible_days,
        )
        slices.append(_slice(compute_features(history, as_of=as_of, threads=threads), labels, as_of, keep))
    return pl.concat(slices)


def _slice(features: pl.DataFrame, labels: pl.LazyFrame, as_of: date, keep: pl.Expr | None) -> pl.DataFrame:
    kept = labels if keep is None else labels.filter(keep)
    rows = features.lazy().join(kept, on="member_no", how="inner", validate="1:1", maintain_order="left")
    return rows.select(pl.lit(as_of).alias("as_of"), pl.all()).collect(engine="streaming")
