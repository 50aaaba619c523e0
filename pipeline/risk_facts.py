"""Collect what the report and MLflow tell of leaving and coming back, the members still here and the gone apart."""

from __future__ import annotations

import polars as pl

from features.eligibility import GONE, STILL_HERE
from outputs.report.risk_facts import Outlook, Risk, TierRule
from runtime.run_context import RunContext


def risk_facts(run: RunContext, members: pl.DataFrame, earlier: pl.DataFrame | None) -> Risk | None:
    """Return how many may leave and how many may come back; None while nobody is scored.

    Args:
        run: The run.
        members: Tonight's member list.
        earlier: The scores of the night before, or None.
    """
    if not members["is_eligible"].any():
        return None
    policy, churn = run.settings.risk, run.settings.churn
    return Risk(
        horizon_days=churn.horizon_days,
        eligible_days=churn.eligible_days,
        still_here=outlook(members, earlier, STILL_HERE),
        gone=outlook(members, earlier, GONE),
        medium_from=policy.medium_from if policy.medium_from_odds_ratio is None else None,
        high_from=policy.high_from if policy.high_from_odds_ratio is None else None,
    )


def outlook(members: pl.DataFrame, earlier: pl.DataFrame | None, presence: str) -> Outlook:
    """Return what is expected of the members who are still here, or gone."""
    own = members.filter(pl.col("presence") == presence)
    counts = dict(own.group_by("churn_risk").len().iter_rows())
    # Nights of earlier releases do not tell who was still here.
    is_known = earlier is not None and "presence" in earlier.columns and bool(earlier["presence"].is_not_null().any())
    before = earlier.filter(is_high_and(presence)).height if earlier is not None and is_known else None
    leaving = float(own["churn_probability"].sort().sum())
    return Outlook(own.height, counts.get("low", 0), counts.get("medium", 0), counts.get("high", 0), leaving, before)


def is_high_and(presence: str) -> pl.Expr:
    """Return whether a member's risk is high and the member is still here, or gone; never null."""
    return ((pl.col("churn_risk") == "high") & (pl.col("presence") == presence)).fill_null(value=False)


def risk_metrics(members: pl.DataFrame) -> dict[str, float]:
    """Return the metrics that a night logs of both kinds of members: how many, at high risk, and expected to leave."""
    return {
        f"{presence}.{name}": value
        for presence in (STILL_HERE, GONE)
        for one in (outlook(members, None, presence),)
        for name, value in (("members", one.members), ("high_risk", one.high), ("expected_to_leave", one.leaving))
    }


def tier_rule(run: RunContext, members: pl.DataFrame) -> TierRule:
    """Return by what members have their tiers."""
    policy, scores = run.settings.tiers, run.settings.scores
    return TierRule(
        is_money=bool(members["commercial_score"].is_not_null().any()),
        has_weights=scores.value_weights is not None or scores.commercial_weights is not None,
        eligible_days=run.settings.churn.eligible_days,
        diamond=1 - policy.diamond.enter / 100,
        gold=1 - policy.gold.enter / 100,
        silver=1 - policy.silver.enter / 100,
    )
