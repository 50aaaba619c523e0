"""Record a night in the ledger: its decisions, and what has become of earlier ones."""

from __future__ import annotations

import polars as pl

from engagement.contact_history import LISTED, match_contacts
from pipeline.engagement.contacts import contacts_seen
from pipeline.engagement.deciding import NightDecisions
from pipeline.engagement.ledger import CONTACT, read_decisions, record_night
from runtime.run_context import RunContext


def record_decisions(run: RunContext, decided: NightDecisions) -> int:
    """Record a night; recording it again changes nothing. Returns the number of rows added to the ledger."""
    decisions = decided.decisions
    return record_night(
        run.workspace.lake, as_of=run.as_of, decided=decisions.chosen, arms=decisions.arms, observed=_contacted(run)
    )


def _contacted(run: RunContext) -> pl.DataFrame:
    """Return the listed decisions whose contact is known: its day, or null where the window closed without one."""
    match_days = run.settings.contact_policy.match_days
    listed = read_decisions(run.workspace.lake, before=run.as_of).filter(pl.col("arm") == LISTED)
    matched = match_contacts(listed, contacts_seen(run.workspace.lake, as_of=run.as_of), match_days=match_days)
    is_closed = pl.col("as_of") + pl.duration(days=match_days) <= run.as_of
    return matched.filter(is_closed | pl.col("contacted_on").is_not_null()).with_columns(kind=pl.lit(CONTACT))
