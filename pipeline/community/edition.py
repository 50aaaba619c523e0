"""Collect the facts of a weekly or monthly edition of the report from what nights have stored: no training, no scoring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from community.levels import moves
from features.calendar import WEEK_DAYS
from lake.errors import ConfigurationError
from outputs.report.facts import Edition, ReportFacts
from outputs.report.morning_facts import MorningFacts
from outputs.report.people_facts import Move, PeopleFacts, Rising
from outputs.report.week_facts import PERIOD_DAYS, Period
from pipeline.community.morning import read_figures
from pipeline.community.rising import read_tiers
from pipeline.community.week import week_facts
from pipeline.engagement.facts import measure_loop, talked_facts
from pipeline.report_facts import activity_facts, groups
from pipeline.risk_facts import tier_rule
from pipeline.stored_nights import NIGHT, SCORES, TIERS_TABLE, read_scores
from runtime.run_context import RunContext
from segments.lifecycle import STAGES
from segments.tiers import TIERS


def edition_facts(run: RunContext, period: Period) -> ReportFacts:
    """Collect the facts of an edition: of the period that ends with the night, beside the one before.

    Args:
        run: The run of a night that has been run.
        period: Week or month, which is four weeks.

    Raises:
        ConfigurationError: The night has not been run, or counted no figures.
    """
    nights = _Nights.of(run, PERIOD_DAYS[period])
    figures = read_figures(run)
    if figures.is_empty():
        raise ConfigurationError("no night has computed figures here", remedy="Run `evenfall nightly` first.")
    lake = run.workspace.lake
    members = read_scores(lake, run.as_of)
    earlier = None if nights.before is None else read_scores(lake, nights.before)
    has_value = bool(members["expected_value"].is_not_null().any())
    return ReportFacts(
        community=run.settings.community.name,
        as_of=run.as_of,
        currency=run.settings.community.currency,
        members=members.height,
        activity=activity_facts(run, has_orders=False),
        tiers=groups(members, earlier, "tier", order=tuple(reversed(TIERS))),
        tier_rule=tier_rule(run, members),
        lifecycle=groups(members, earlier, "lifecycle", order=STAGES),
        stages=run.settings.lifecycle_policy,
        not_profiled=int(members["lifecycle"].is_null().sum()),
        value_horizon_days=run.settings.value.horizon_days if has_value else None,
        talked=talked_facts(measure_loop(run)),
        people=PeopleFacts(rising=_tier_flow(run, nights)),
        morning=MorningFacts(figures=figures, week=week_facts(run, figures, period=period)),
        smallest_group=run.settings.community.smallest_group,
        edition=Edition(period, run.as_of - timedelta(days=PERIOD_DAYS[period] - 1), nights.before),
    )


@dataclass(frozen=True)
class _Nights:
    """The night, and the stored night that the period began after; None where none is stored."""

    last: date
    before: date | None

    @classmethod
    def of(cls, run: RunContext, days: int) -> _Nights:
        stored = run.workspace.lake.days(SCORES, column=NIGHT)
        if run.as_of not in stored:
            known = f"the newest night that has been run is {max(stored)}" if stored else "no night has been run here"
            raise ConfigurationError(
                f"the night of {run.as_of} has not been run; {known}",
                remedy="Run `evenfall nightly` first, or name a night that has been run by --as-of.",
            )
        # Where no night ran on the day before the period, the newest of the week before it stands in.
        wanted = run.as_of - timedelta(days=days)
        return cls(run.as_of, max((day for day in stored if wanted - timedelta(days=WEEK_DAYS) < day <= wanted), default=None))


def _tier_flow(run: RunContext, nights: _Nights) -> Rising | None:
    """Return who moved between tiers within the period; None where nothing is stored from before it."""
    stored = run.workspace.lake.days(TIERS_TABLE, column=NIGHT)
    if nights.before not in stored or nights.last not in stored:
        return None
    first, last = (read_tiers(run, night) for night in (nights.before, nights.last))
    return Rising(since=nights.before, moves=tuple(Move(*row) for row in moves(first, last, order=TIERS).iter_rows()))
