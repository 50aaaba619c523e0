"""Segment scored members: risk class, scores, tier, lifecycle and behaviour group; one row per member."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.eligibility import presence
from pipeline.scoring import posts
from pipeline.stored_nights import GROUPS, NIGHT, TIERS_TABLE, store_night
from runtime.run_context import RunContext
from segments.groups import GroupState, assign_groups, fit_groups
from segments.lifecycle import add_lifecycle
from segments.risk import churn_risk, mean_probability
from segments.score_ranges import add_score_ranges
from segments.scores import add_scores
from segments.tiers import STATE_SCHEMA, assign_tiers
from wording.group_names import GroupNames

_YEAR_DAYS: Final = 365
_GROUP_NAMES: Final = GroupNames()
_GROUPS_SCHEMA: Final = {NIGHT: pl.Date(), "state": pl.String()}


def segment_members(run: RunContext, scored: pl.DataFrame) -> pl.DataFrame:
    """Add presence, risk, scores with their ranges, tier, lifecycle and behaviour group; store tiers and groups for later nights.

    One row per row of `scored`, in its order. Only states of earlier nights are read, so that segmenting a night again gives the
    same result.
    """
    settings = run.settings
    base_rate = mean_probability(scored["churn_probability"])
    members = scored.with_columns(
        presence(settings.churn.horizon_days),
        churn_risk(base_rate=base_rate, policy=settings.risk),
        posts(scored.columns, settings.community.posting_events, days=_YEAR_DAYS).alias("posts_365d"),
    )
    members = add_score_ranges(add_scores(members, policy=settings.scores), policy=settings.scores)
    members = add_lifecycle(members.lazy(), policy=settings.lifecycle_policy).collect()
    tiers = assign_tiers(members, _previous_tiers(run), as_of=run.as_of, policy=settings.tiers)
    store_night(run.workspace.lake, TIERS_TABLE, tiers.select(pl.lit(run.as_of).alias(NIGHT), *STATE_SCHEMA), run.as_of)
    members = members.join(tiers, on="member_no", how="left", maintain_order="left", validate="1:1")
    state = _group_state(run, members)
    return members.with_columns(assign_groups(members, state, names=_GROUP_NAMES).alias("segment"))


def _previous_tiers(run: RunContext) -> pl.DataFrame:
    lake = run.workspace.lake
    previous = max((day for day in lake.days(TIERS_TABLE, column=NIGHT) if day < run.as_of), default=None)
    if previous is None:
        return pl.DataFrame(schema=STATE_SCHEMA)
    return lake.scan(TIERS_TABLE).filter(pl.col(NIGHT) == previous).select(list(STATE_SCHEMA)).collect()


def _group_state(run: RunContext, members: pl.DataFrame) -> GroupState:
    """Return the newest groups up to tonight; they are fitted again as often as the models are trained, and keep their names."""
    lake = run.workspace.lake
    states = lake.scan_or_empty(GROUPS, _GROUPS_SCHEMA).filter(pl.col(NIGHT) <= run.as_of).collect().sort(NIGHT)
    current = _in_spoken_words(GroupState.model_validate_json(states["state"][-1])) if states.height else None
    # As often as models: groups that are fitted every night would move members who have not changed.
    if current is not None and (run.as_of - states[NIGHT][-1]).days < run.settings.training.every_days:
        return current
    fitted = fit_groups(members, current, policy=run.settings.groups, names=_GROUP_NAMES).model_dump_json()
    store_night(lake, GROUPS, pl.DataFrame({NIGHT: [run.as_of], "state": [fitted]}, schema=_GROUPS_SCHEMA), run.as_of)
    # Read back from JSON, as later nights will do: tonight must assign groups by exactly the same state.
    return GroupState.model_validate_json(fitted)


def _in_spoken_words(state: GroupState) -> GroupState:
    """Return groups with their names in the community's language, which may have been another one when they were formed."""
    return state.model_copy(update={"names": tuple(map(_GROUP_NAMES.said, state.names))})
