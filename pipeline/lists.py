"""Make the lists of a night from its segmented members: the member list, the contact list and what changed."""

from __future__ import annotations

from typing import Final

import polars as pl

from outputs.lists import CHANGES_SCHEMA, CONTACT_SCHEMA, MEMBERS_SCHEMA, conform
from pipeline.history.consent import numbers_not_profiled
from pipeline.history.daily_rollups import members_known
from pipeline.stored_nights import SCORES, previous_night, read_scores, store_night
from runtime.run_context import RunContext
from segments.changes import list_changes
from segments.contact_list import ContactPolicy, contact_list
from wording.changes import why_changed
from wording.columns import SentenceContext
from wording.contacts import why_contact

# Not in the table of scores: reasons can be found again, and decisions about contacts are no scores.
_NOT_STORED: Final = ("reasons", "holdout", "suppressed_because")


def member_list(night: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """Make the list everyone receives: every member ever seen by tonight, sorted by member_id.

    Members who may not be profiled are there with nothing but their id. Columns follow the contract of `members.parquet`.
    """
    unprofiled = _not_profiled(night).with_columns(as_of=pl.lit(night.as_of), is_eligible=pl.lit(False))
    columns = [column for column in MEMBERS_SCHEMA if column in members.columns]
    listed = pl.concat([members.select("member_no", *columns), unprofiled], how="diagonal_relaxed").sort("member_id")
    stored = conform(listed.drop("member_no"), schema=MEMBERS_SCHEMA)
    store_night(night.workspace.lake, SCORES, listed.select("member_no").hstack(stored.drop(_NOT_STORED)), night.as_of)
    return stored


def contacts_for(night: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """One row per member to talk to tomorrow, best first, as `contact_list.csv` has it."""
    consent = members_known(night.workspace.lake, timezone=night.timezone, as_of=night.as_of).select(
        "member_no", "can_contact", "can_profile"
    )
    scored = members.join(consent.collect(engine="streaming"), on="member_no", how="left", maintain_order="left", validate="1:1")
    chosen = contact_list(scored, policy=ContactPolicy(capacity=night.settings.lists.contact_capacity))
    context = SentenceContext(frozenset(chosen.columns), night.settings.community.currency, night.as_of)
    listed = chosen.with_columns(as_of=pl.lit(night.as_of), reason=why_contact(context))
    return conform(listed.select(name for name in CONTACT_SCHEMA if name in listed.columns), schema=CONTACT_SCHEMA)


def changes_since(night: RunContext, members: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """One row per member and change since the newest night before that was scored, as `changes.csv` has it."""
    lake = night.workspace.lake
    earlier = previous_night(lake, night.as_of)
    before = None if earlier is None else read_scores(lake, earlier)
    # The lake does not hold earlier contact lists.
    changes = list_changes(members, before, contacts, contacts_before=None)
    context = SentenceContext(frozenset(changes.columns), night.settings.community.currency, night.as_of)
    return changes.with_columns(reason=why_changed(context)).select(list(CHANGES_SCHEMA))


def count_not_profiled(night: RunContext) -> int:
    """How many of the members seen by tonight may not be profiled: they are listed, and nothing else."""
    return _not_profiled(night).height


def _not_profiled(night: RunContext) -> pl.DataFrame:
    """One row per member seen by tonight who said no to being profiled: member_no, member_id."""
    if numbers_not_profiled(night.workspace.lake).is_empty():
        return pl.DataFrame(schema={"member_no": pl.Int32(), "member_id": pl.String()})
    known = members_known(night.workspace.lake, timezone=night.timezone, as_of=night.as_of)
    seen = pl.col("seen_from").is_null() | (pl.col("seen_from") <= night.as_of)
    refused = known.filter(seen & pl.col("can_profile").eq(other=False))
    return refused.select("member_no", "member_id").collect(engine="streaming")
