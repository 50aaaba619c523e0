"""What the daily figures say of one morning: goals of every status, and a health index."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from community.figures import FIGURES_SCHEMA
from community.goals import Goal, Judged
from community.health import Factor, Health
from outputs.report.goal_facts import GoalFacts
from outputs.report.morning_facts import MorningFacts
from tests.outputs.examples import AS_OF


def goals(name: str = "Christmas") -> tuple[GoalFacts, ...]:
    """Goals: not on track, on track, missed, too early to say, without data."""
    late = date(2011, 12, 31)
    members = Goal(figure="mau", target=1_500, by=late)
    spend = Goal(figure="spend", target=50_000, by=date(2011, 12, 24), tier="gold", name=name)
    silent = Goal(figure="silent_share_30d", target=0.5, by=date(2011, 7, 31))
    young = Goal(figure="stickiness", target=0.25, by=late)
    earlier = {AS_OF - timedelta(days=7 - n): 0.3 - 0.02 * n for n in range(7)}
    return (
        GoalFacts(Judged(members, "off_track", 1_204, 1_280, 1_102, 1_480, 0.12, 17.0, -4.2), {**earlier, AS_OF: 0.12}),
        GoalFacts(Judged(spend, "on_track", 52_000, 70_000, 51_000, 90_000, 0.9999, -120.0, 300.0), {AS_OF: 0.9999}),
        GoalFacts(Judged(silent, "missed", 0.532), {}),
        GoalFacts(Judged(young, "unknown", 0.2, pace_needed=0.005, pace=None), {}),
        GoalFacts(Judged(Goal(figure="orders", target=5, by=late), "no_data"), {}),
    )


def health() -> Health:
    """An index of two factors, of which one rises and one falls."""
    commerce = Factor("commerce", 80.0, {7: 1.0, 28: 6.0}, ("spend", "buyers"))
    liveliness = Factor("liveliness", 44.0, {7: -0.5, 28: -2.0}, ("dau", "stickiness"))
    return Health(62.0, (liveliness, commerce), {7: 61.5, 28: 58.0}, 364)


def morning() -> MorningFacts:
    """All of it; the figures themselves are none."""
    return MorningFacts(pl.DataFrame(schema=FIGURES_SCHEMA), goals(), health())
