"""Decide whom to contact tomorrow: gather what the rules read, decide, and make the contact list of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from engagement.actions import AUDIENCE_SCHEMA, OVERDUE_GAPS, POSTS_DAYS, Action, plain_ranking
from engagement.contact_history import ContactHistory, contact_history
from engagement.decisions import Decisions, decide
from pipeline.engagement.actions import configured_actions
from pipeline.engagement.contacts import contacts_seen
from pipeline.engagement.ledger import read_arms, read_decisions
from pipeline.engagement.ranking import predicted_uplifts
from pipeline.engagement.responses import responses
from pipeline.scoring import posts
from runtime.progress import say
from runtime.run_context import RunContext

# What the rules read of a member, besides the columns of an audience.
_RULES: Final = {"can_contact": pl.Boolean(), "can_profile": pl.Boolean(), "role": pl.String()}


@dataclass(frozen=True)
class NightDecisions:
    """The decisions of a night and what they were made from.

    Args:
        actions: The actions of the night.
        decisions: The decisions.
        history: Contacts and earlier decisions.
        members: One row per member seen by the night, with what rules, audiences and messages read.
    """

    actions: tuple[Action, ...]
    decisions: Decisions
    history: ContactHistory
    members: pl.DataFrame


def decide_contacts(
    run: RunContext,
    members: pl.DataFrame,
    seen: pl.DataFrame,
    features: pl.LazyFrame,
    waiting: pl.DataFrame | None = None,
) -> NightDecisions:
    """Decide for every member seen by the night.

    Args:
        run: The run.
        members: One row per segmented member.
        seen: One row per member seen by the night, whether scored or not: member_no, member_id, can_contact, can_profile, role,
            platform, region, gender.
        features: The features of the night: one row per member.
        waiting: One row per author: member_no, unanswered_posts; None where nobody answers here.
    """
    settings, lake = run.settings, run.workspace.lake
    actions = configured_actions(settings)
    policy = settings.contact_policy
    if not actions:
        # Without actions nothing is measured, so that nobody is left alone for it.
        actions, policy = (plain_ranking(),), policy.model_copy(update={"holdout_share": 0.0})
    history = contact_history(
        contacts_seen(lake, as_of=run.as_of),
        read_decisions(lake, before=run.as_of),
        as_of=run.as_of,
        actions=actions,
        churn_horizon_days=settings.churn.horizon_days,
        policy=policy,
    )
    known = _known(run, members, seen, waiting)
    decisions = decide(
        known,
        actions=actions,
        policy=policy,
        history=history,
        # What this night has frozen itself counts, too: run again, with another share, it changes no arm.
        frozen=read_arms(lake, before=run.as_of + timedelta(days=1)),
        capacity=settings.lists.contact_capacity,
        responses=responses(run, actions),
        as_of=run.as_of,
        uplifts=predicted_uplifts(run, actions, features),
    )
    if decisions.gap > 0:
        say(f"the contact list gains at most {decisions.gap:.1%} less than the best possible one")
    return NightDecisions(actions, decisions, history, known)


def _known(run: RunContext, members: pl.DataFrame, seen: pl.DataFrame, waiting: pl.DataFrame | None) -> pl.DataFrame:
    """Return one row per member seen by the night with the columns of rules and audiences; what is not known is null."""
    scored = members.drop(set(seen.columns) - {"member_no"}, strict=False)
    joined = seen.join(scored, on="member_no", how="left", maintain_order="left", validate="1:1")
    if waiting is not None:
        # Who has published nothing has nothing that waits.
        joined = joined.join(waiting, on="member_no", how="left", maintain_order="left", validate="1:1")
        joined = joined.with_columns(pl.col("unanswered_posts").fill_null(0))
    posting_events = run.settings.community.posting_events
    posted = {f"posts_{days}d": posts(joined.columns, posting_events, days=days) for days in POSTS_DAYS}
    is_silent = (pl.col("days_since_last_activity") >= run.settings.churn.horizon_days).alias("is_silent")
    gaps = pl.col("gap_now_to_mean_365d") if "gap_now_to_mean_365d" in joined.columns else pl.lit(None, pl.Float64)
    joined = joined.with_columns(is_silent, (gaps >= OVERDUE_GAPS).alias("is_overdue"), **posted)
    wanted = {**AUDIENCE_SCHEMA, **_RULES}
    return joined.with_columns(
        (pl.col(name) if name in joined.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in wanted.items()
    )
