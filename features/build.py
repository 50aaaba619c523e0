"""History → one row of features per member, as of a night."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.active_days import active_day_rhythm
from features.catalog import feature_catalog, with_interactions
from features.feedback import last_feedback_score
from features.history import History, SeenHistory, cut
from features.people import member_people
from features.purchases import purchase_history
from features.totals import member_totals

__all__ = ["build_features", "feature_catalog"]


def build_features(history: History, *, as_of: date) -> pl.LazyFrame:
    """Compute every feature of the catalog for every member seen by `as_of`.

    One row per member as of `as_of`, sorted by member_id: member_no, member_id, then the columns of `feature_catalog`.
    Counts are 0 when a member did nothing; what never happened, or cannot be computed, is null.

    Nothing later than `as_of` is looked at: the history is cut here, before anything else, and the steps below accept
    only a history that was cut.

    Raises:
        polars.exceptions.ComputeError: On collecting, when a member has two rows in `history.members`.
    """
    seen = cut(history, as_of)
    features = feature_catalog(seen.available, seen.event_types)
    columns = [feature.expression.alias(feature.name) for feature in features]
    return _ingredients(seen).select("member_no", "member_id", *columns)


def _ingredients(seen: SeenHistory) -> pl.LazyFrame:
    """One row per member, sorted by member_id, with all that the expressions of the features read.

    Whole numbers are counts, so a member absent from a step has 0; dates and fractions are facts, so there they are null.
    """
    members = seen.members.sort("member_id").with_columns(as_of=pl.lit(seen.as_of))
    for step in _steps(seen):
        counts = [name for name, dtype in step.collect_schema().items() if dtype.is_integer() and name != "member_no"]
        joined = members.join(step, on="member_no", how="left", validate="1:1", maintain_order="left")
        members = joined.with_columns(pl.col(counts).fill_null(0))
    return members


def _steps(seen: SeenHistory) -> list[pl.LazyFrame]:
    """Frames of one row per member_no that the available tables can fill."""
    steps = [member_totals(seen), active_day_rhythm(seen)]
    if "interactions" in with_interactions(seen.available):
        steps.append(member_people(seen))
    if "orders" in seen.available:
        steps.append(purchase_history(seen))
    if "feedback.score" in seen.available:
        steps.append(last_feedback_score(seen))
    if "members.referrer_id" in seen.available:
        steps.append(_referrals(seen))
    return steps


def _referrals(seen: SeenHistory) -> pl.LazyFrame:
    """One row per member_no who brought others: `referred.members`, those seen by `as_of`."""
    referred = seen.members.filter(pl.col("referrer_no").is_not_null())
    return referred.group_by(pl.col("referrer_no").alias("member_no")).agg(pl.len().cast(pl.Int32).alias("referred.members"))
