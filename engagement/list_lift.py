"""How many of those whom a night chose for contact left, against what was expected of them and against everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from engagement.actions import RETURNED, Action
from engagement.contact_history import LISTED

# Held-out members say how well the list was chosen; the others also whether talking helped.
ALL: Final = "all"
GROUPS: Final = (ALL, "held_out", "contacted", "not_contacted")
MEASURES: Final = ("n", "predicted", "happened", "lift")


def for_risk(actions: Sequence[Action]) -> list[str]:
    """Return the names of the actions that are judged by whether members return: their audience is chosen for its risk."""
    return [action.name for action in actions if action.outcome == RETURNED]


def list_lift(outcomes: pl.DataFrame, chosen: pl.DataFrame) -> dict[str, float | None]:
    """Measure the members that a night chose for contact.

    Returns:
        `<group>.n`, members with an outcome; `<group>.predicted`, their mean probability; `<group>.happened`, the share that
        left; `<group>.lift`, that share in multiples of everybody's, null where nobody left. For `all` and each of `held_out`,
        `contacted` and `not_contacted` that has members; empty where nobody was chosen.

    Args:
        outcomes: One row per member scored by the night: member_no, churn_probability, is_churned; no nulls.
        chosen: One row per member chosen by it: member_no, arm, contacted_on (null where no contact is known).
    """
    base_rate = outcomes.select(pl.col("is_churned").cast(pl.Float64).mean()).item()
    is_held_out, is_contacted = pl.col("arm") != LISTED, pl.col("contacted_on").is_not_null()
    group = pl.when(is_held_out).then(pl.lit(GROUPS[1])).when(is_contacted).then(pl.lit(GROUPS[2])).otherwise(pl.lit(GROUPS[3]))
    members = chosen.with_columns(group=group).join(outcomes, on="member_no", validate="1:1").sort("member_no")
    metrics: dict[str, float | None] = {}
    for name in GROUPS:
        own = members if name == ALL else members.filter(pl.col("group") == name)
        if own.is_empty():
            continue
        predicted, happened = own.select(pl.col("churn_probability").mean(), pl.col("is_churned").cast(pl.Float64).mean()).row(0)
        values = (float(own.height), predicted, happened, happened / base_rate if base_rate else None)
        metrics |= {f"{name}.{measure}": value for measure, value in zip(MEASURES, values, strict=True)}
    return metrics
