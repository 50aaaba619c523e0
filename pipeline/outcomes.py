"""Outcomes: what members did in the window after a decision, and in the window before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from features.history import DAILY_SCHEMA, EVENT_PREFIX, ORDER_ACTIVITIES, is_activity
from lake.contracts import CONTENT, DAILY, EVENTS, MINOR_UNITS_PER_UNIT, ORDERS
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.sources.times import local_date
from lake.storage.delta import DAY, Lake
from runtime.settings_mistakes import nearest

RETURNED: Final = "returned"
SPENT: Final = "spent"
POSTED: Final = "posted"
OUTCOMES: Final = (RETURNED, SPENT, POSTED)
_OWN_CONTENT: Final = "content"
_FIRST_DAY: Final = "first_day"
_DECISION: Final = "decision"


def outcomes(
    lake: Lake,
    decisions: pl.DataFrame,
    *,
    outcome: str,
    horizon_days: int,
    timezone: str,
    posting_events: Sequence[str],
) -> pl.DataFrame:
    """Measure an outcome after each decision, and the same quantity before it.

    The window after a decision begins at its `start` and ends with the local day `horizon_days` after the day of `start`; the
    window before it is the `horizon_days` local days that end at `start`. A night's decision begins with the day after it: its
    `start` is `end_of_day` of the night. Nothing looks at whether a window is over: that is for the caller.

    Args:
        lake: The lake, with its rollups up to date.
        decisions: One row per decision: member_no, start (UTC), any other columns.
        outcome: `returned` (active at all, 1 or 0), `spent` (currency units, refunds taken off), `posted` (an own piece of
            content, or an event of `posting_events`, 1 or 0), or an event type, whose events are counted.
        horizon_days: Days, at least 1.
        timezone: The community's.
        posting_events: Event types that count as posting.

    Returns:
        The rows and columns of `decisions`, in their order, and `outcome` and `before`, both Float64.
    """
    numbered = decisions.with_columns(local_date(pl.col("start"), timezone=timezone).alias(_FIRST_DAY)).with_row_index(_DECISION)
    if numbered.is_empty():
        return decisions.with_columns(outcome=pl.lit(None, pl.Float64), before=pl.lit(None, pl.Float64))
    wanted = _wanted(outcome, posting_events)
    keys = numbered.lazy().select(_DECISION, "member_no", "start", _FIRST_DAY)
    done = pl.concat([_on_whole_days(lake, keys, numbered, wanted, horizon_days), _on_first_days(lake, keys, numbered, wanted)])
    value = _value(outcome)
    sums = done.group_by(_DECISION).agg(
        outcome=value.filter(pl.col("is_after")).sum(), before=value.filter(~pl.col("is_after")).sum()
    )
    measured = numbered.lazy().join(sums, on=_DECISION, how="left", validate="1:1").sort(_DECISION).collect(engine="streaming")
    totals = pl.col("outcome", "before").fill_null(0)
    return measured.with_columns(_scaled(totals, outcome)).drop(_DECISION, _FIRST_DAY)


def end_of_day(day: date, *, timezone: str) -> datetime:
    """Return the last moment of a local day: the `start` of what is decided in its night."""
    next_day = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(timezone))
    return next_day.astimezone(ZoneInfo("UTC")) - timedelta(microseconds=1)


def check_outcome(lake: Lake, outcome: str, *, posting_events: Sequence[str]) -> None:
    """Raise an error for an outcome that is not one, or that the community has no data for.

    Raises:
        ConfigurationError: Neither a known outcome nor an event type that ever occurred, or no row could ever count.
    """
    rollups = lake.scan_or_empty(DAILY, DAILY_SCHEMA)
    seen = set(rollups.select(pl.col("activity").unique()).collect(engine="streaming")["activity"])
    event_types = sorted(name.removeprefix(EVENT_PREFIX) for name in seen if name.startswith(EVENT_PREFIX))
    if outcome not in (*OUTCOMES, *event_types):
        raise ConfigurationError(
            f"there is no outcome {outcome!r}; {nearest(outcome, [*OUTCOMES, *event_types])}",
            remedy="Name returned, spent, posted, or an event type that members of this community have done.",
        )
    needed = {
        SPENT: (set(ORDER_ACTIVITIES), "Map a source of orders, or choose another outcome."),
        POSTED: (
            {_OWN_CONTENT, *(EVENT_PREFIX + name for name in posting_events)},
            "Map a source of content, name the event types that are posting in [community] posting_events, "
            "or choose another outcome.",
        ),
    }
    if outcome in needed and not needed[outcome][0] & seen:
        raise ConfigurationError(f"there are no data for the outcome {outcome!r}", remedy=needed[outcome][1])


def _wanted(outcome: str, posting_events: Sequence[str]) -> pl.Expr:
    activity = pl.col("activity")
    match outcome:
        case "returned":
            return is_activity()
        case "spent":
            return activity.is_in(ORDER_ACTIVITIES)
        case "posted":
            return activity.is_in([_OWN_CONTENT, *(EVENT_PREFIX + name for name in posting_events)])
        case _:
            return activity == EVENT_PREFIX + outcome


def _value(outcome: str) -> pl.Expr:
    return pl.col("amount_minor" if outcome == SPENT else "n").cast(pl.Int64)


def _scaled(totals: pl.Expr, outcome: str) -> pl.Expr:
    if outcome == SPENT:
        return totals / MINOR_UNITS_PER_UNIT
    return ((totals > 0) if outcome in (RETURNED, POSTED) else totals).cast(pl.Float64)


def _on_whole_days(lake: Lake, keys: pl.LazyFrame, decisions: pl.DataFrame, wanted: pl.Expr, horizon_days: int) -> pl.LazyFrame:
    """Return what was done on the days around the first: one row per decision and row of the rollups."""
    first, last = _first_and_last(decisions)
    reach = pl.col(DAY).is_between(first - timedelta(days=horizon_days - 1), last + timedelta(days=horizon_days))
    rollups = lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(reach, wanted)
    days = (pl.col(DAY) - pl.col(_FIRST_DAY)).dt.total_days()
    return (
        rollups.select("member_no", DAY, "n", "amount_minor")
        .join(keys, on="member_no")
        .filter(days.is_between(1 - horizon_days, horizon_days), days != 0)
        .select(_DECISION, "n", "amount_minor", is_after=days > 0)
    )


def _on_first_days(lake: Lake, keys: pl.LazyFrame, decisions: pl.DataFrame, wanted: pl.Expr) -> pl.LazyFrame:
    """Return what was done on the day of each decision, before and after its moment, which the rollups cannot tell apart."""
    days = decisions[_FIRST_DAY].unique().to_list()
    return (
        _moments(lake, days)
        .filter(wanted)
        .join(keys, left_on=["member_no", DAY], right_on=["member_no", _FIRST_DAY])
        .select(_DECISION, "n", "amount_minor", is_after=pl.col("moment") >= pl.col("start"))
    )


def _moments(lake: Lake, days: Collection[date]) -> pl.LazyFrame:
    """Scan what members did on some days: member_no, event_date, moment, activity as in the rollups, n, amount_minor."""
    index, none = scan_member_index(lake), pl.lit(0, pl.Int64)
    refund_or_order = pl.when(pl.col("amount_minor") < 0).then(pl.lit("refund")).otherwise(pl.lit("order"))
    parts = [
        (EVENTS, pl.lit(EVENT_PREFIX) + pl.col("event_type"), none),
        (ORDERS, refund_or_order, pl.col("amount_minor")),
        (CONTENT, pl.lit(_OWN_CONTENT), none),
    ]
    return pl.concat(
        [
            lake.scan_or_empty(table.name, table.landed_schema)
            .filter(pl.col(DAY).is_in(sorted(days)))
            .join(index, left_on=table.owner, right_on="member_id")
            .select(
                "member_no",
                DAY,
                pl.col(table.time or DAY).alias("moment"),
                activity=activity,
                n=pl.lit(1, pl.Int32),
                amount_minor=amount.cast(pl.Int64),
            )
            for table, activity, amount in parts
        ]
    )


def _first_and_last(decisions: pl.DataFrame) -> tuple[date, date]:
    first, last = decisions.select(first=pl.col(_FIRST_DAY).min(), last=pl.col(_FIRST_DAY).max()).row(0)
    return first, last
