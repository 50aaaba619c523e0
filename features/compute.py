"""Computation of features: a history to one row of features per member as of a night."""

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

# The inputs of the features are some 300 columns: those of this many members stay below a gigabyte.
MEMBERS_AT_ONCE: Final = 100_000

__all__ = ["MEMBERS_AT_ONCE", "compute_features", "compute_features_from_totals", "feature_catalog"]


def compute_features(history: History, *, as_of: date, threads: int = 1) -> pl.DataFrame:
    """Compute every feature of the catalog for every member seen by `as_of`.

    One row per member as of `as_of`, sorted by member_id: member_no, member_id, then the columns of `feature_catalog`.
    Counts are 0 when a member did nothing; a feature of something that never happened, or cannot be computed, is null.

    Nothing later than `as_of` is read: the history is cut here, before anything else, and the steps below accept only a history
    that was cut.

    Args:
        history: The history of the community.
        as_of: The last day of every window.
        threads: Number of threads; does not change the result.

    Raises:
        polars.exceptions.ComputeError: A member has two rows in `history.members`.
    """
    cut_history = cut(history, as_of)
    return compute_features_from_totals(cut_history, compute_totals(cut_history, threads=threads), threads=threads)


def compute_features_from_totals(
    cut_history: SeenHistory, totals: IncrementalTotals, *, members_at_once: int = MEMBERS_AT_ONCE, threads: int = 1
) -> pl.DataFrame:
    """Compute the features from incremental totals; returns the same as `compute_features`.

    Args:
        cut_history: The history, cut.
        totals: Its totals, of the same night.
        members_at_once: Number of members whose inputs are in memory at the same time; does not change the result.
        threads: Number of threads that share them; does not change the result.

    Raises:
        AssertionError: The totals are of another night.
    """
    assert totals.as_of == cut_history.as_of, f"totals of {totals.as_of} do not describe {cut_history.as_of}"
    columns = [
        feature.expression.alias(feature.name) for feature in feature_catalog(cut_history.available, cut_history.event_types)
    ]
    members = cut_history.members.sort("member_no").with_columns(as_of=pl.lit(cut_history.as_of)).collect(engine="streaming")
    referrals = [_referrals(cut_history).collect(engine="streaming")] if "members.referrer_id" in cut_history.available else []

    def features_of(batch: pl.DataFrame) -> pl.DataFrame:
        steps = [*_steps(cut_history, totals.between(*_number_range(batch))), *referrals]
        return _feature_inputs(batch, steps).select("member_no", "member_id", *columns)

    # The threads' batches are in memory at the same time, so each gets its share of the members.
    batches = members.iter_slices(max(members_at_once // threads, 1)) if members.height else [members]
    with ThreadPoolExecutor(threads) as pool:
        return pl.concat(pool.map(features_of, batches)).sort("member_id")


def _feature_inputs(members: pl.DataFrame, steps: list[pl.DataFrame]) -> pl.DataFrame:
    """Return one row per member with all columns that the features' expressions read.

    Integers are counts, so a member without a row in a step has 0; dates and fractions have no such default and are null.
    """
    for step in steps:
        counts = [name for name, dtype in step.schema.items() if dtype.is_integer() and name != "member_no"]
        joined = members.join(step, on="member_no", how="left", validate="1:1", maintain_order="left")
        members = joined.with_columns(pl.col(counts).fill_null(0))
    # Polars divides chunks of one row in another way, so results must not depend on how the joins left the chunks.
    return members.rechunk()


def _steps(cut_history: SeenHistory, totals: IncrementalTotals) -> list[pl.DataFrame]:
    """Return the frames computed from the totals, each with one row per member_no."""
    steps = [
        member_totals(totals.sums, event_types=cut_history.event_types),
        active_day_rhythm(totals.active, as_of=cut_history.as_of),
    ]
    if "orders" in cut_history.available:
        steps.append(purchase_history(totals.purchases))
    if "feedback.score" in cut_history.available:
        steps.append(last_feedback_score(totals.last_scores))
    if "interactions" in with_interactions(cut_history.available):
        steps.append(totals.people)
    return steps


def _referrals(cut_history: SeenHistory) -> pl.LazyFrame:
    """Return one row per member_no who referred others: `referred.members`, the number of those seen by `as_of`."""
    # A member of this part may have referred members of other parts.
    everybody = cut_history.members if cut_history.everybody is None else cut_history.everybody
    referred = everybody.filter(pl.col("referrer_no").is_not_null())
    return referred.group_by(pl.col("referrer_no").alias("member_no")).agg(pl.len().cast(pl.Int32).alias("referred.members"))


def _number_range(members: pl.DataFrame) -> tuple[int, int]:
    return (int(members["member_no"][0]), int(members["member_no"][-1])) if members.height else (0, 0)
