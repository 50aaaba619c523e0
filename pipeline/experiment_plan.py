"""`evenfall experiment --plan`: what an experiment would need, by the community's own past."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from engagement.planning import Past, Plan, plan
from features.history import DAILY_SCHEMA, is_activity
from lake.contracts import CONTACTS, DAILY
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from pipeline.history.consent import numbers_not_profiled
from pipeline.intake.intake import last_full_day
from pipeline.outcomes import RETURNED, check_outcome, end_of_day, outcomes
from runtime.run_context import RunContext

_ENTERING_DAYS: Final = 28
_FEWEST_MEMBERS: Final = 10
# Where nobody says what effect is hoped for: a tenth of the mean.
_USUAL_HOPE: Final = 0.1


@dataclass(frozen=True)
class PastPlan:
    """A plan and the past it comes from.

    Args:
        outcome: What would be compared.
        horizon_days: The days in which it would count.
        as_of: The last day of the past.
        members: Members whose past it was.
        past: The past.
        plan: The plan.
    """

    outcome: str
    horizon_days: int
    as_of: date
    members: int
    past: Past
    plan: Plan

    @property
    def figures(self) -> dict[str, Any]:
        """Return the figures as they are written as JSON."""
        about = {
            "outcome": self.outcome,
            "horizon_days": self.horizon_days,
            "as_of": self.as_of.isoformat(),
            "members": self.members,
        }
        lengths = {str(days): effect for days, effect in self.plan.smallest_effects.items()}
        return about | asdict(self.past) | asdict(self.plan) | {"smallest_effects": lengths}


def plan_experiment(
    run: RunContext,
    *,
    outcome: str = RETURNED,
    horizon_days: int | None = None,
    effect: float | None = None,
    members_per_day: float | None = None,
    as_of: date | None = None,
) -> PastPlan:
    """Plan an experiment among members like those who were active of late.

    The past is the newest window that is over: members active in the `[churn] eligible_days` before it.

    Args:
        run: The run; its lake has data.
        outcome: As in `pipeline.experiments.analyse_campaign`; likewise the next.
        horizon_days: Days in which the outcome would count; None for the churn horizon.
        effect: The effect wished for, in units of the outcome, not 0; None for a tenth of its mean.
        members_per_day: Members who would enter on a day; None for those contacted on a day of the last 28, or, where nobody
            was, those first active.
        as_of: The last day of the past; None for the last full day in the data.

    Raises:
        ConfigurationError: There is no such outcome, or too little past.
    """
    lake = run.workspace.lake
    horizon = run.settings.churn.horizon_days if horizon_days is None else horizon_days
    day = last_full_day(lake, [], timezone=run.timezone) if as_of is None else as_of
    check_outcome(lake, outcome, posting_events=run.settings.community.posting_events)
    members = _active_members(run, day - timedelta(days=horizon))
    if members.len() < _FEWEST_MEMBERS:
        raise ConfigurationError(
            f"{members.len()} members were active before {day - timedelta(days=horizon)}, which is too few to plan by",
            remedy="Choose a shorter --horizon-days, or take in more of the past.",
        )
    decisions = pl.DataFrame({"member_no": members}).with_columns(
        start=pl.lit(end_of_day(day - timedelta(days=horizon), timezone=run.timezone))
    )
    measured = outcomes(
        lake,
        decisions,
        outcome=outcome,
        horizon_days=horizon,
        timezone=run.timezone,
        posting_events=run.settings.community.posting_events,
    )
    past = _past(measured, _entering(run, day) if members_per_day is None else members_per_day)
    hoped = past.mean * _USUAL_HOPE if effect is None else effect
    if not hoped:
        raise ConfigurationError(
            f"the outcome {outcome!r} did not occur in the {horizon} days that end on {day}",
            remedy="Say what effect you hope for with --effect, or choose another outcome.",
        )
    return PastPlan(outcome, horizon, day, members.len(), past, plan(past, effect=hoped, horizon_days=horizon))


def _active_members(run: RunContext, day: date) -> pl.Series:
    """Return the numbers of the members who may be profiled and were active in the eligible days that end with a day, sorted."""
    since = day - timedelta(days=run.settings.churn.eligible_days - 1)
    active = run.workspace.lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY).is_between(since, day), is_activity())
    numbers = active.select(pl.col("member_no").unique()).collect(engine="streaming")["member_no"]
    return numbers.filter(~numbers.is_in(numbers_not_profiled(run.workspace.lake).implode())).sort()


def _past(measured: pl.DataFrame, members_per_day: float) -> Past:
    mean, variance, correlation = measured.select(
        pl.col("outcome").mean(), pl.col("outcome").var().alias("variance"), pl.corr("outcome", "before").alias("correlation")
    ).row(0)
    # Where the window before never varies there is no correlation, and nothing to gain from it.
    is_known = correlation is not None and not math.isnan(correlation)
    return Past(mean, variance, correlation if is_known else 0.0, members_per_day)


def _entering(run: RunContext, day: date) -> float:
    """Return the members contacted on a day of the last 28, each once; without any, the members first active then."""
    lake, since = run.workspace.lake, day - timedelta(days=_ENTERING_DAYS - 1)
    contacts = lake.scan_or_empty(CONTACTS.name, CONTACTS.landed_schema).filter(pl.col(DAY).is_between(since, day))
    contacted = contacts.join(scan_member_index(lake), on="member_id").select(pl.col("member_no").n_unique())
    activity = lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY) <= day, is_activity())
    joined = activity.group_by("member_no").agg(pl.col(DAY).min()).filter(pl.col(DAY) >= since).select(pl.len())
    receivers, newcomers = (int(frame.collect(engine="streaming").item()) for frame in (contacted, joined))
    return (receivers or newcomers) / _ENTERING_DAYS
