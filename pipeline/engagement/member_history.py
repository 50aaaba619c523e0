"""A member's history with us: every decision of the ledger about one member, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from lake.contracts import MEMBERS
from lake.member_index import scan_member_index
from pipeline.engagement.actions import configured_actions
from pipeline.engagement.ledger import CONTACT, DECISION, OUTCOME, WITHDRAWN, read_ledger
from pipeline.history.consent import scan_refused_profiling
from runtime.run_context import RunContext
from wording.decisions import arm_in_words, contacted_in_words, outcome_in_words
from wording.numbers import number
from wording.texts import fill, label

_KEY: Final = ("as_of", "action")
HISTORY_SCHEMA: Final = {
    "as_of": pl.Date(),
    "action": pl.String(),
    "decision": pl.String(),
    "contacted": pl.String(),
    "outcome": pl.String(),
}


@dataclass(frozen=True)
class MemberHistory:
    """What we have decided about a member.

    Args:
        display_name: What the member is called; None where it is not known, or the member may not be profiled.
        decisions: One row per decision, the newest first: as_of, and in words action, decision, contacted, outcome.
    """

    display_name: str | None
    decisions: pl.DataFrame


def member_history(run: RunContext, member_id: str) -> MemberHistory:
    """Read a member's history as far as a night; that of a member who refuses profiling is empty.

    Args:
        run: The run.
        member_id: The member's id, as in the lists.
    """
    lake, nothing = run.workspace.lake, pl.DataFrame(schema=HISTORY_SCHEMA)
    refused = scan_refused_profiling(lake).filter(pl.col("member_id") == member_id).collect()
    numbers = scan_member_index(lake).filter(pl.col("member_id") == member_id).collect()["member_no"]
    if refused.height or numbers.is_empty():
        return MemberHistory(None, nothing)
    rows = [_in_words(run, row) for row in _decisions(run, numbers[0]).iter_rows(named=True)]
    return MemberHistory(_display_name(run, member_id), pl.DataFrame(rows, schema=HISTORY_SCHEMA) if rows else nothing)


def _decisions(run: RunContext, member_no: int) -> pl.DataFrame:
    """Return one row per decision, the newest first: as_of, action, arm, contacted_on, is_known, outcome."""
    ledger = read_ledger(run.workspace.lake, before=run.as_of + timedelta(days=1), member_no=member_no)
    decided = ledger.filter((pl.col("kind") == DECISION) & (pl.col("arm") != WITHDRAWN)).select(*_KEY, "arm")
    known = ledger.filter(pl.col("kind") == CONTACT).select(*_KEY, "contacted_on", is_known=pl.lit(value=True))
    matured = ledger.filter(pl.col("kind") == OUTCOME).select(*_KEY, "outcome")
    joined = decided.join(known, on=list(_KEY), how="left").join(matured, on=list(_KEY), how="left")
    return joined.sort(*_KEY, descending=[True, False])


def _in_words(run: RunContext, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "as_of": row["as_of"],
        "action": label(row["action"]),
        "decision": arm_in_words(row["arm"]),
        "contacted": contacted_in_words(row["arm"], row["contacted_on"], is_known=row["is_known"] is not None),
        "outcome": _outcome(run, row["action"], row["as_of"], row["outcome"]),
    }


def _outcome(run: RunContext, name: str, night: date, outcome: float | None) -> str:
    action = next((one for one in configured_actions(run.settings) if one.name == name), None)
    if outcome is None:
        # An action that is no longer configured has no horizon to wait for.
        horizon = None if action is None else action.horizon(run.settings.churn.horizon_days)
        return "" if horizon is None else fill("decision.due", day=night + timedelta(days=horizon))
    if action is None:
        return number(outcome, digits=1)
    return outcome_in_words(action.outcome, outcome, currency=run.settings.community.currency)


def _display_name(run: RunContext, member_id: str) -> str | None:
    recorded = run.workspace.lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).filter(pl.col("member_id") == member_id)
    names = recorded.select("display_name").collect()["display_name"]
    return names[0] if names.len() else None
