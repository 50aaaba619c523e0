"""Record a night in the ledger: its decisions, and what has become of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from engagement.actions import RETURNED, SPENT, Action
from engagement.contact_history import LISTED, match_contacts
from pipeline.engagement.contacts import contacts_seen
from pipeline.engagement.deciding import NightDecisions
from pipeline.engagement.ledger import CONTACT, OUTCOME, read_decisions, record_night
from pipeline.outcomes import end_of_day, outcomes
from runtime.run_context import RunContext

# Data may arrive late: an outcome is measured again for so many nights after it has matured.
_SETTLING_DAYS: Final = 14


def record_decisions(run: RunContext, decided: NightDecisions) -> int:
    """Record a night; recording it again changes nothing. Returns the number of rows added to the ledger."""
    decisions = decided.decisions
    earlier = read_decisions(run.workspace.lake, before=run.as_of)
    observed = pl.concat([_contacted(run, earlier), _outcomes(run, earlier, decided.actions)], how="diagonal_relaxed")
    return record_night(run.workspace.lake, as_of=run.as_of, decided=decisions.chosen, arms=decisions.arms, observed=observed)


def _contacted(run: RunContext, earlier: pl.DataFrame) -> pl.DataFrame:
    """Return the listed decisions whose contact is known: its day, or null where the window closed without one."""
    match_days = run.settings.contact_policy.match_days
    listed = earlier.filter(pl.col("arm") == LISTED)
    matched = match_contacts(listed, contacts_seen(run.workspace.lake, as_of=run.as_of), match_days=match_days)
    is_closed = pl.col("as_of") + pl.duration(days=match_days) <= run.as_of
    return matched.filter(is_closed | pl.col("contacted_on").is_not_null()).with_columns(kind=pl.lit(CONTACT))


def _outcomes(run: RunContext, earlier: pl.DataFrame, actions: Sequence[Action]) -> pl.DataFrame:
    """Measure the decisions whose horizon is over, held-out members included.

    One row per decision: the outcome of its action, whether the member returned, and the spend where there are orders.
    """
    settings = run.settings
    judged = pl.DataFrame(
        [(action.name, action.horizon(settings.churn.horizon_days), action.outcome) for action in actions],
        schema={"action": pl.String(), "horizon": pl.Int32(), "judged_by": pl.String()},
        orient="row",
    )
    # An action that is no longer configured has no outcome to be judged by.
    waiting = earlier.join(judged, on="action", maintain_order="left")
    age = (pl.lit(run.as_of) - pl.col("as_of")).dt.total_days() - pl.col("horizon")
    due = waiting.filter(age.is_between(0, _SETTLING_DAYS))
    groups = due.group_by("horizon", "judged_by", maintain_order=True)
    measured = [_measured(run, group, int(days), str(outcome)) for (days, outcome), group in groups]
    return pl.concat(measured, how="diagonal_relaxed") if measured else due.with_columns(kind=pl.lit(OUTCOME))


def _measured(run: RunContext, decisions: pl.DataFrame, horizon_days: int, outcome: str) -> pl.DataFrame:
    nights = {night: end_of_day(night, timezone=run.timezone) for night in decisions["as_of"].unique()}
    starting = decisions.with_columns(start=pl.col("as_of").replace_strict(nights, return_dtype=pl.Datetime("us", "UTC")))

    def measure(what: str) -> pl.DataFrame:
        return outcomes(
            run.workspace.lake,
            starting,
            outcome=what,
            horizon_days=horizon_days,
            timezone=run.timezone,
            posting_events=run.settings.community.posting_events,
        )

    own, returned = measure(outcome), measure(RETURNED)["outcome"]
    measured = own.with_columns(returned=returned, outcome_before=pl.col("before"), kind=pl.lit(OUTCOME))
    if run.settings.table_sources("orders"):
        spend = measure(SPENT)
        measured = measured.with_columns(spent=spend["outcome"], spent_before=spend["before"])
    return measured.drop("start", "before", "horizon", "judged_by")
