"""Make the lists of a night from its segmented members: the member list and the contact list."""

from __future__ import annotations

import polars as pl

from outputs.lists import CONTACT_SCHEMA, MEMBERS_SCHEMA, conform
from pipeline.history.consent import numbers_not_profiled
from pipeline.history.daily_rollups import members_known
from pipeline.stored_nights import SCORES, store_night
from runtime.run_context import RunContext
from segments.contact_list import ContactPolicy, contact_list
from wording.columns import SentenceContext
from wording.contacts import why_contact


def member_list(run: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """Make the member list and store its scores: one row per member known by tonight, sorted by member_id.

    Members who may not be profiled have their id and nulls. Columns follow the contract of `members.parquet`.
    """
    unprofiled = _not_profiled(run).with_columns(as_of=pl.lit(run.as_of), is_eligible=pl.lit(False))
    columns = [column for column in MEMBERS_SCHEMA if column in members.columns]
    listed = pl.concat([members.select("member_no", *columns), unprofiled], how="diagonal_relaxed").sort("member_id")
    stored = conform(listed.drop("member_no"), schema=MEMBERS_SCHEMA)
    store_night(run.workspace.lake, SCORES, listed.select("member_no").hstack(stored.drop("reasons")), run.as_of)
    return stored


def contacts_for(run: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """Make the contact list: one row per member to talk to tomorrow, the one with most at stake first."""
    consent = members_known(run.workspace.lake, timezone=run.timezone, as_of=run.as_of).select(
        "member_no", "can_contact", "can_profile"
    )
    scored = members.join(consent.collect(engine="streaming"), on="member_no", how="left", maintain_order="left", validate="1:1")
    chosen = contact_list(scored, policy=ContactPolicy(capacity=run.settings.lists.contact_capacity))
    context = SentenceContext(frozenset(chosen.columns), run.settings.community.currency, run.as_of)
    listed = chosen.with_columns(as_of=pl.lit(run.as_of), reason=why_contact(context))
    return conform(listed.select(name for name in CONTACT_SCHEMA if name in listed.columns), schema=CONTACT_SCHEMA)


def count_not_profiled(run: RunContext) -> int:
    """Return how many members known by tonight may not be profiled."""
    return _not_profiled(run).height


def _not_profiled(run: RunContext) -> pl.DataFrame:
    """Return one row per member known by tonight who refused profiling: member_no, member_id."""
    if numbers_not_profiled(run.workspace.lake).is_empty():
        return pl.DataFrame(schema={"member_no": pl.Int32(), "member_id": pl.String()})
    known = members_known(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    seen = pl.col("seen_from").is_null() | (pl.col("seen_from") <= run.as_of)
    refused = known.filter(seen & pl.col("can_profile").eq(other=False))
    return refused.select("member_no", "member_id").collect(engine="streaming")
