"""Conditions over one member, as a configuration writes them: SQL that is true or false for each member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

# The columns of a member that a condition may read; what the data do not give is null.
MEMBER_COLUMNS: Final[Mapping[str, pl.DataType]] = {
    "member_id": pl.String(),
    "is_eligible": pl.Boolean(),
    "is_silent": pl.Boolean(),
    "is_overdue": pl.Boolean(),
    "gap_median_days_365d": pl.Float64(),
    "gap_now_to_mean_365d": pl.Float64(),
    "churn_probability": pl.Float64(),
    "churn_risk": pl.String(),
    "expected_value": pl.Float64(),
    "activity_score": pl.Float64(),
    "influence_score": pl.Float64(),
    "influence_low": pl.Float64(),
    "is_opinion_leader": pl.Boolean(),
    "commercial_score": pl.Float64(),
    "member_value_score": pl.Float64(),
    "tier": pl.String(),
    "previous_tier": pl.String(),
    "lifecycle": pl.String(),
    "segment": pl.String(),
    "tenure_days": pl.Int32(),
    "days_since_last_activity": pl.Int32(),
    "active_days_28d": pl.Int32(),
    "active_days_90d": pl.Int32(),
    "active_days_365d": pl.Int32(),
    "spend_365d": pl.Float64(),
    "posts_28d": pl.Int64(),
    "posts_365d": pl.Int64(),
    "unanswered_posts": pl.Int64(),
    "platform": pl.String(),
    "region": pl.String(),
    "gender": pl.String(),
}


def check_condition(condition: str, schema: Mapping[str, pl.DataType], *, named: str) -> None:
    """Refuse a text that is no condition over one member.

    Args:
        condition: The text.
        schema: The columns that it may read.
        named: What it is called in the message, such as `action 'x': the audience`.

    Raises:
        ValueError: It does not parse, reads an unknown column, or is not true or false for each member.
    """
    try:
        expression = pl.sql_expr(condition)
        unknown = sorted(set(expression.meta.root_names()) - set(schema))
        if unknown:
            raise ValueError(f"{named} reads {', '.join(unknown)}, which members do not have; known: {', '.join(schema)}")
        dtype = pl.LazyFrame(schema=dict(schema)).select(expression.alias("condition")).collect_schema()["condition"]
        # Evaluated without a member: some mistakes show only then.
        pl.DataFrame(schema=dict(schema)).select(expression)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError) as error:
        raise ValueError(f"{named} {condition!r} cannot be read: {str(error).splitlines()[0]}") from None
    if dtype != pl.Boolean:
        raise ValueError(f"{named} {condition!r} is no condition, such as `churn_risk = 'high'`")


def holds(condition: str, *, of: str = "member_id") -> pl.Expr:
    """Return whether a condition holds for a member; never null.

    Args:
        condition: The text, checked by `check_condition`.
        of: A column that every member has.
    """
    # Tied to a column: Polars gives a condition that reads none, such as TRUE, once a thread on a large frame, not once a row.
    return pl.col(of).is_not_null() & pl.sql_expr(condition).fill_null(value=False)
