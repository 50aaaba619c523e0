"""Read what the assessments of the community as a whole need, and set the expected spend beside what was spent."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from community.absence import PERIOD_DAYS
from community.assessments import Assessments, ExpectedSpend, assess
from community.member_periods import PERIODS, by_member_and_period
from features.calendar import YEAR_DAYS
from features.history import ORDER_ACTIVITIES
from lake.contracts import DAILY, MINOR_UNITS_PER_UNIT
from pipeline.history.recent_rollups import RecentRollups
from pipeline.watching import Watch
from runtime.run_context import RunContext


def assess_community(run: RunContext, members: pl.DataFrame, watch: Watch | None, rollups: RecentRollups) -> Assessments | None:
    """Assess the community as a whole; None where nobody did anything within a year.

    Members who may not be profiled, staff and bots do not count.

    Args:
        run: The run.
        members: Tonight's member list.
        watch: The watch of the night, which knows between what bounds the spend of all members will lie.
        rollups: The daily rollups.
    """
    lake, as_of = run.workspace.lake, run.as_of
    first = min(lake.days(DAILY), default=as_of)
    # Left out by number alone: what members received from others, which `consenting` corrects, is no part of it.
    not_profiled = rollups.not_profiled.implode()
    counts = ~pl.col("member_no").is_in(not_profiled)
    daily = rollups.daily.filter(counts)
    ties = rollups.ties.filter(counts, ~pl.col("other_no").is_in(not_profiled))
    by_period = by_member_and_period(daily, ties, as_of=as_of, posting_events=run.settings.community.posting_events)
    if by_period.is_empty():
        return None
    known = min(((as_of - first).days + 1) // PERIOD_DAYS, PERIODS)
    return Assessments(assess(by_period, known=known), _expected_spend(run, daily, members, watch, first))


def _expected_spend(
    run: RunContext, daily: pl.LazyFrame, members: pl.DataFrame, watch: Watch | None, first: date
) -> ExpectedSpend | None:
    expected = members["expected_value"]
    if not expected.count():
        return None
    days, as_of = run.settings.value.horizon_days, run.as_of
    low, high = (None, None) if watch is None or watch.value is None else watch.value
    year_before = as_of - timedelta(days=YEAR_DAYS)
    spent = _spent(daily, as_of - timedelta(days=days - 1), as_of, first)
    then = _spent(daily, year_before + timedelta(days=1), year_before + timedelta(days=days), first)
    return ExpectedSpend(days, float(expected.sum()), low, high, spent, then if days <= YEAR_DAYS else None)


def _spent(daily: pl.LazyFrame, start: date, end: date, first: date) -> float | None:
    """Return orders less refunds of some days, in currency units; None where the lake does not reach back to them."""
    if start < first:
        return None
    orders = daily.filter(pl.col("event_date").is_between(start, end), pl.col("activity").is_in(ORDER_ACTIVITIES))
    minor = orders.select(pl.col("amount_minor").sum()).collect(engine="streaming").item()
    return int(minor) / MINOR_UNITS_PER_UNIT
