"""Make the lists of a night from its segmented members: the member list, the contact list and what changed."""

from __future__ import annotations

from typing import Final

import polars as pl

from engagement.actions import PLAIN_RANKING, RETURNED
from engagement.contact_history import LISTED
from outputs.lists import CHANGES_SCHEMA, CONTACT_SCHEMA, SHOWN_COLUMNS, conform, members_schema, order_reasons
from pipeline.engagement.contact_list import contact_list
from pipeline.engagement.deciding import NightDecisions
from pipeline.engagement.ledger import read_decisions
from pipeline.history.daily_rollups import members_known
from pipeline.stored_nights import SCORES, previous_night, read_scores, store_night
from runtime.run_context import RunContext
from segments.changes import list_changes
from wording.changes import why_changed
from wording.columns import SentenceContext

_SEEN: Final = (
    "member_no",
    "member_id",
    "can_contact",
    "can_profile",
    "role",
    "platform",
    "region",
    "gender",
    "seen_from",
    "referrer_no",
)

# Not in the table of scores: reasons can be found again, and decisions about contacts are no scores.
_NOT_STORED: Final = ("reasons", "holdout", "suppressed_because")


def members_seen(run: RunContext) -> pl.DataFrame:
    """Return every member ever seen by the night, sorted by member_id, with consent, role, profile and referrer."""
    known = members_known(run.workspace.lake, timezone=run.timezone, as_of=run.as_of)
    seen = pl.col("seen_from").is_null() | (pl.col("seen_from") <= run.as_of)
    return known.filter(seen).select(_SEEN).collect(engine="streaming").sort("member_id")


def member_list(run: RunContext, members: pl.DataFrame, seen: pl.DataFrame, decided: NightDecisions) -> pl.DataFrame:
    """Make the list everyone receives: every member ever seen by tonight, sorted by member_id.

    Members who may not be profiled are there with nothing but their id and why they are not contacted. For members at risk, or on
    the contact list to come back, the reasons that raise the risk come first. Columns follow the contract of `members.parquet`.

    Args:
        run: The run.
        members: One row per segmented member.
        seen: One row per member seen by the night.
        decided: The decisions of the night.
    """
    unprofiled = not_profiled(seen).with_columns(as_of=pl.lit(run.as_of), is_eligible=pl.lit(value=False))
    columns = [column for column in members_schema(members.columns) if column in members.columns]
    listed = pl.concat([members.select("member_no", *columns), unprofiled], how="diagonal_relaxed").sort("member_id")
    listed = listed.join(decided.decisions.members, on="member_no", how="left", maintain_order="left", validate="1:1")
    is_at_risk = pl.col("churn_risk").is_in(["medium", "high"]) | pl.col("member_no").is_in(_called_back(decided))
    listed = listed.with_columns(order_reasons(pl.col("reasons"), is_at_risk=is_at_risk).alias("reasons"))
    stored = conform(listed.drop("member_no"), schema=members_schema(listed.columns))
    store_night(run.workspace.lake, SCORES, listed.select("member_no").hstack(stored.drop(_NOT_STORED)), run.as_of)
    return stored


def _called_back(decided: NightDecisions) -> list[int]:
    """Return the numbers of the members on the contact list so that they come back."""
    actions = [PLAIN_RANKING, *(action.name for action in decided.actions if action.outcome == RETURNED)]
    is_called = (pl.col("arm") == LISTED) & pl.col("action").is_in(actions)
    return decided.decisions.chosen.filter(is_called)["member_no"].to_list()


def contacts_for(run: RunContext, members: pl.DataFrame, decided: NightDecisions) -> pl.DataFrame:
    """One row per member to contact tomorrow, best first, as `contact_list.csv` has it; `show` if there is something to show."""
    listed = contact_list(run, members, decided)
    wanted = [name for name in (*CONTACT_SCHEMA, *SHOWN_COLUMNS) if name in listed.columns]
    return conform(listed.select(wanted), schema=CONTACT_SCHEMA)


def changes_since(run: RunContext, members: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """Make `changes.csv`: one row per member and change since the newest night before that was scored.

    Args:
        run: The run.
        members: Tonight's member list.
        contacts: Tonight's contact list.
    """
    lake = run.workspace.lake
    earlier = previous_night(lake, run.as_of)
    before = None if earlier is None else read_scores(lake, earlier)
    contacts_before = None if before is None else _listed_on(run, before)
    changes = list_changes(members, before, contacts, contacts_before)
    context = SentenceContext(frozenset(changes.columns), run.settings.community.currency, run.as_of)
    return changes.with_columns(reason=why_changed(context)).select(list(CHANGES_SCHEMA))


def _listed_on(run: RunContext, scores: pl.DataFrame) -> pl.DataFrame | None:
    """Return the contact list of the night before, by the ledger: member_id, action; None where the ledger does not have it."""
    decisions = read_decisions(run.workspace.lake, before=run.as_of)
    tonight_before = decisions.filter(pl.col("as_of") == scores["as_of"].first())
    if tonight_before.is_empty():
        return None
    listed = tonight_before.filter(pl.col("arm") == LISTED)
    action = pl.when(pl.col("action") != PLAIN_RANKING).then("action").alias("action")
    return listed.join(scores.select("member_no", "member_id"), on="member_no").select("member_id", action)


def count_not_profiled(run: RunContext) -> int:
    """How many of the members seen by tonight may not be profiled: they are listed, and nothing else."""
    return not_profiled(members_seen(run)).height


def not_profiled(seen: pl.DataFrame) -> pl.DataFrame:
    """One row per member seen by tonight who is not profiled, by refusal or as staff: member_no, member_id."""
    return seen.filter(pl.col("can_profile").eq(other=False)).select("member_no", "member_id")
