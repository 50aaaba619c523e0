"""How past nights came true among whom: by presence, tier, time here, platform, region and joining cohort."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from features.history import History, cut, is_activity
from models.slices import measure_churn_slices
from pipeline.history.daily_rollups import load_snapshot
from pipeline.learning.model_card import member_slices
from pipeline.maturity import outcomes_of
from pipeline.stored_nights import NIGHT, SCORES
from pipeline.verification.past_lake import at_one_moment
from runtime.run_context import RunContext


def matured_nights(run: RunContext) -> list[date]:
    """Return the nights whose churn horizon was over by the newest night, the newest first."""
    nights = run.workspace.lake.days(SCORES, column=NIGHT)
    horizon = timedelta(days=run.settings.churn.horizon_days)
    return sorted((night for night in nights if night + horizon <= max(nights)), reverse=True)


def slices_of_night(run: RunContext, night: date) -> pl.DataFrame:
    """Measure the churn predictions of a matured night within slices; nothing is written.

    One row per kind and slice, as `measure_churn_slices`. Tiers are those that the night gave.

    Args:
        run: The run.
        night: One of `matured_nights`.
    """
    fixed = at_one_moment(run)
    newest = max(fixed.workspace.lake.days(SCORES, column=NIGHT))
    history = load_snapshot(fixed.on(newest)).history
    outcomes = outcomes_of(fixed.on(newest), history, night).drop_nulls(["churn_probability", "is_churned"])
    known = _known_of_members(history, night)
    rows = outcomes.select("member_no").join(known, on="member_no", how="left", maintain_order="left", validate="1:1")
    slices = member_slices(rows, outcomes.select("member_no", "tier"), horizon_days=run.settings.churn.horizon_days)
    return measure_churn_slices(
        outcomes["is_churned"].cast(pl.Float64).to_numpy(), outcomes["churn_probability"].to_numpy(), slices
    )


def _known_of_members(history: History, night: date) -> pl.DataFrame:
    """Return one row per member known by a night: member_no, as_of, platform, region, tenure_days, days_since_last_activity."""
    seen = cut(history, night)
    active = (
        seen.daily.filter(is_activity())
        .group_by("member_no")
        .agg(first=pl.col("event_date").min(), last=pl.col("event_date").max())
    )
    day = pl.lit(night)
    return (
        seen.members.select("member_no", "seen_from", "platform", "region")
        .join(active, on="member_no", how="left", validate="1:1")
        .select(
            "member_no",
            "platform",
            "region",
            as_of=day,
            tenure_days=(day - pl.coalesce("seen_from", "first")).dt.total_days(),
            days_since_last_activity=(day - pl.col("last")).dt.total_days(),
        )
        .collect(engine="streaming")
    )
