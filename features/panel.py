"""The panel: features and labels as of many past cut-offs, on which models are trained and evaluated."""

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
    """Compute the features as of each cut-off, and the labels of the time after it.

    One row per cut-off and member seen by then, sorted by as_of and member_id: as_of, member_no, member_id, the features,
    is_eligible, is_churned, future_spend_minor. Features are computed from the history cut at their own `as_of`; only `label`
    reads later days.

    Args:
        history: The whole history.
        cutoffs: The cut-offs; duplicates are used once.
        churn_horizon_days: As in `label`, like the next three.
        value_horizon_days: As in `label`.
        seen_until: As in `label`.
        eligible_days: As in `label`.
        keep: A condition on the labels, such as `pl.col("is_eligible")`; other rows are left out, since the panel of a large
            community need not contain members who left years ago.
        threads: Number of threads; does not change the result.
        following: Wraps the cut-offs, to show progress; does not change the result.

    Raises:
        ConfigurationError: There is no cut-off, or the outcome of one is not fully known yet.
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
    labels_to_keep = labels if keep is None else labels.filter(keep)
    # Joined in the order of the features, so that equal inputs give the same panel, row for row.
    rows = features.lazy().join(labels_to_keep, on="member_no", how="inner", validate="1:1", maintain_order="left")
    return rows.select(pl.lit(as_of).alias("as_of"), pl.all()).collect(engine="streaming")
