"""The lift of a past night's contact list, measured with the night's predictions once its horizon is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import polars as pl

from engagement.actions import PLAIN_RANKING
from engagement.list_lift import GROUPS, MEASURES, for_risk, list_lift
from outputs.report.facts import ChosenRow
from pipeline.engagement.actions import configured_actions
from pipeline.engagement.ledger import CONTACT, DECISION, WITHDRAWN, read_ledger
from runtime.run_context import RunContext

# What the metrics of the list begin with among those of a matured night.
LIST: Final = "list"
_ALL_AND_ONE: Final = 2
_KEY: Final = ("as_of", "member_no", "action")


def measure_list(run: RunContext, outcomes: pl.DataFrame, scored_night: date) -> dict[str, float | None]:
    """Measure those whom a night chose by an action that is judged by whether members return.

    Returns:
        Metrics such as `list.held_out.lift`, as `engagement.list_lift` names them.

    Args:
        run: The run of tonight; what later nights recorded is not read.
        outcomes: One row per member scored by the night: member_no, churn_probability, is_churned.
        scored_night: The night.
    """
    recorded = read_ledger(run.workspace.lake, before=run.as_of + timedelta(days=1)).filter(pl.col("as_of") == scored_night)
    actions = [*for_risk(configured_actions(run.settings)), PLAIN_RANKING]
    decisions = recorded.filter(pl.col("kind") == DECISION, pl.col("arm") != WITHDRAWN, pl.col("action").is_in(actions)).select(
        *_KEY, "arm"
    )
    contacts = recorded.filter(pl.col("kind") == CONTACT).select(*_KEY, "contacted_on")
    chosen = decisions.join(contacts, on=list(_KEY), how="left", validate="1:1")
    return {f"{LIST}.{name}": value for name, value in list_lift(outcomes, chosen).items()}


def chosen_rows(metrics: Mapping[str, float]) -> tuple[ChosenRow, ...]:
    """Return the metrics of a matured night's list as rows of the report's table, all first."""
    groups = [group for group in GROUPS if f"{LIST}.{group}.n" in metrics]
    if len(groups) == _ALL_AND_ONE:
        groups = groups[:1]  # Nobody else to be told apart from.
    values = {group: {measure: metrics.get(f"{LIST}.{group}.{measure}") for measure in MEASURES} for group in groups}
    return tuple(
        ChosenRow(group, int(one["n"] or 0), one["predicted"] or 0.0, one["happened"] or 0.0, one["lift"])
        for group, one in values.items()
    )
