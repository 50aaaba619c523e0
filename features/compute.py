"""History → one row of features per member, as of a night."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

import polars as pl

from features.catalog import feature_catalog, with_interactions
from features.feedback import last_feedback_score
from features.history import History, SeenHistory, cut
from features.incremental.active_day_rhythm import active_day_rhythm
from features.incremental.totals import IncrementalTotals, compute_totals
from features.incremental.window_sums import member_totals
from features.purchases import purchase_history

# The ingredients of one member are some 300 columns: so many members at once stay below a gigabyte.
MEMBERS_AT_ONCE: Final = 100_000

__all__ = ["MEMBERS_AT_ONCE", "compute_features", "compute_features_from_totals", "feature_catalog"]


def compute_features(history: History, *, as_of: date, threads: int = 1) -> pl.DataFrame:
    """Compute every feature of the catalog for every member seen by `as_of`.

    One row per member as of `as_of`, sorted by member_id: member_no, member_id, then the columns of `feature_catalog`.
    Counts are 0 when a member did nothing; what never happened, or cannot be computed, is null.

    Nothing later than `as_of` is looked at: the history is cut here, before anything else, and the steps below accept
    only a history that was cut.

    Args:
        history: What is known of the community.
        as_of: The night.
        threads: How many share the work; changes nothing else.

    Raises:
        polars.exceptions.ComputeError: A member has two rows in `history.members`.
    """
    seen = cut(history, as_of)
    return compute_features_from_totals(seen, compute_totals(seen, threads=threads), threads=threads)


def compute_features_from_totals(
    seen: SeenHistory, totals: IncrementalTotals, *, members_at_once: int = MEMBERS_AT_ONCE, threads: int = 1
) -> pl.DataFrame:
    """Compute the features from running totals; what is returned is as of `compute_features`.

    Args:
        seen: The history, cut.
        totals: Its totals, of the same night.
        members_at_once: How many members' ingredients are held at once; changes nothing else.
        threads: How many share them; likewise.
    """
    assert totals.as_of == seen.as_of, f"totals of {totals.as_of} do not describe {seen.as_of}"
    columns = [feature.expression.alias(feature.name) for feature in feature_catalog(seen.available, seen.event_types)]
    members = seen.members.sort("member_no").with_columns(as_of=pl.lit(seen.as_of)).collect(engine="streaming")
    referrals = [_referrals(seen).collect(engine="streaming")] if "members.referrer_id" in seen.available else []

    def described(batch: pl.DataFrame) -> pl.DataFrame:
        steps = [*_steps(seen, totals.between(*_span(batch))), *referrals]
        return _ingredients(batch, steps).select("member_no", "member_id", *columns)

    batches = members.iter_slices(max(members_at_once // threads, 1)) if members.height else [members]
    with ThreadPoolExecutor(threads) as pool:
        return pl.concat(pool.map(described, batches)).sort("member_id")


def _ingredients(members: pl.DataFrame, steps: list[pl.DataFrame]) -> pl.DataFrame:
    """One row per member with all that the expressions of the features read.

    Whole numbers are counts, so a member absent from a step has 0; dates and fractions are facts, so there they are null.
    """
    for step in steps:
        counts = [name for name, dtype in step.schema.items() if dtype.is_integer() and name != "member_no"]
        joined = members.join(step, on="member_no", how="left", validate="1:1", maintain_order="left")
        members = joined.with_columns(pl.col(counts).fill_null(0))
    return members.rechunk()


def _steps(seen: SeenHistory, totals: IncrementalTotals) -> list[pl.DataFrame]:
    """Frames of one row per member_no that the totals fill."""
    steps = [
        member_totals(totals.sums, event_types=seen.event_types),
        active_day_rhythm(totals.active, as_of=seen.as_of),
    ]
    if "orders" in seen.available:
        steps.append(purchase_history(totals.purchases))
    if "feedback.score" in seen.available:
        steps.append(last_feedback_score(totals.last_scores))
    if "interactions" in with_interactions(seen.available):
        steps.append(totals.people)
    return steps


def _referrals(seen: SeenHistory) -> pl.LazyFrame:
    """One row per member_no who brought others: `referred.members`, those seen by `as_of`."""
    everybody = seen.members if seen.everybody is None else seen.everybody
    referred = everybody.filter(pl.col("referrer_no").is_not_null())
    return referred.group_by(pl.col("referrer_no").alias("member_no")).agg(pl.len().cast(pl.Int32).alias("referred.members"))


def _span(members: pl.DataFrame) -> tuple[int, int]:
    return (int(members["member_no"][0]), int(members["member_no"][-1])) if members.height else (0, 0)
