"""Who reached a higher level in the last weeks, for the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import polars as pl

from community.badges import levels_held, levels_since
from community.levels import NO_LEVEL, days_in_tier, level_moves
from features.calendar import WEEK_DAYS
from outputs.report.people_facts import LevelFlow
from pipeline.stored_nights import NIGHT
from runtime.run_context import RunContext

_WEEKS: Final = 4


def in_order(levels: Mapping[str, int]) -> tuple[str, ...]:
    """Return the levels, the lowest first."""
    return tuple(sorted(levels, key=lambda level: levels[level]))


def level_flow(run: RunContext, earned: pl.DataFrame) -> LevelFlow | None:
    """Return who reached a higher level; None without levels, and where badges are younger than a week.

    Badges are stored with the night they were earned on, so that the levels of every past day are known.

    Args:
        run: The run.
        earned: Badges as `pipeline.community.thanks.earn_badges` returns them.
    """
    badges, levels = run.settings.badges, run.settings.recognition.levels
    if not levels or earned.is_empty():
        return None
    first: date = earned.select(pl.col(NIGHT).min()).item()
    ends = [run.as_of - timedelta(days=WEEK_DAYS * ago) for ago in range(_WEEKS + 1)]
    held = {end: levels_held(earned.filter(pl.col(NIGHT) <= end), badges, levels) for end in ends if end >= first}
    order = in_order(levels)
    flows = [(later, level_moves(held[earlier], held[later], order=order)) for later, earlier in pairwise(held)]
    if not flows:
        return None
    since = levels_since(earned, badges, levels).rename({"level": "tier", "level_since": "tier_since"})
    days = days_in_tier(since, as_of=run.as_of, first_night=first, order=(NO_LEVEL, *order))
    return LevelFlow(
        moves=tuple((before or None, after, members) for before, after, members, _ in flows[0][1].iter_rows()),
        weeks=tuple((until, int(flow["members"].sum())) for until, flow in flows),
        days_in_level=tuple(days.items()),
    )
