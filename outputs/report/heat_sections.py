"""The heat maps of the report, as tables: whether new members stay, and when members are active."""

from __future__ import annotations

from typing import Final

import polars as pl

from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from wording.numbers import number, percent
from wording.texts import fill, listing

_COHORTS, _HOURS = 36, 38
# Shades of a heat map, from 0 (nothing) on.
_SHADES: Final = 5
_BEST_HOURS: Final = 3
_LEAST_COHORTS: Final = 2
_WEEKDAYS: Final = range(1, 8)
_HOURS_OF_A_DAY: Final = range(24)


def cohorts_section(facts: ReportFacts) -> Section | None:
    """Show the weekly cohorts, the oldest first; weeks in which only few joined are left out."""
    week = None if facts.morning is None else facts.morning.week
    if week is None:
        return None
    large = week.cohorts.filter(pl.col("members") >= facts.smallest_group)
    # In the week of joining nearly everybody is active: it says nothing and would outshine the others.
    since = large.filter(pl.col("weeks_since") > 0)
    if since["cohort_week"].n_unique() < _LEAST_COHORTS:
        return None
    top = since.select(pl.col("share").max()).item() or 1.0
    columns = range(1, since.select(pl.col("weeks_since").max()).item() + 1)
    rows = []
    for (first, members), own in since.group_by("cohort_week", "members", maintain_order=True):
        shares = dict(own.select("weeks_since", "share").iter_rows())
        cells = [(percent(shares[n]), _shade(shares[n], top)) if n in shares else ("", 0) for n in columns]
        rows.append((first, members, cells))
    is_any_small = large.height < week.cohorts.height
    body = render_fragment(
        "section_cohorts.html.j2", rows=rows, columns=columns, smallest=facts.smallest_group if is_any_small else None
    )
    return Section("cohorts", fill("cohorts.title"), body, _COHORTS)


def hours_section(facts: ReportFacts) -> Section | None:
    """Show when members are active, an hour of the day a row, a weekday a column; hours with only few members are left out."""
    week = None if facts.morning is None else facts.morning.week
    if week is None:
        return None
    busy = week.hours.filter(pl.col("members") >= facts.smallest_group)
    if busy.is_empty():
        return None
    top = busy.select(pl.col("members").max()).item()
    members = {(weekday, hour): count for weekday, hour, count in busy.iter_rows()}
    best = busy.sort(["members", "weekday", "hour"], descending=[True, False, False]).head(_BEST_HOURS)
    rows = [
        (
            hour,
            [
                (number(members[day, hour]), _shade(members[day, hour], top)) if (day, hour) in members else ("", 0)
                for day in _WEEKDAYS
            ],
        )
        for hour in _HOURS_OF_A_DAY
    ]
    body = render_fragment(
        "section_hours.html.j2",
        rows=rows,
        weekdays=[fill(f"hours.weekday.{day}") for day in _WEEKDAYS],
        best=listing([_moment(day, hour) for day, hour, _ in best.iter_rows()]),
        smallest=facts.smallest_group if busy.height < week.hours.height else None,
    )
    return Section("hours", fill("hours.title"), body, _HOURS)


def _moment(weekday: int, hour: int) -> str:
    return fill("hours.moment", weekday=fill(f"hours.weekday.{weekday}"), hour=hour)


def _shade(value: float, top: float) -> int:
    return 0 if value <= 0 else max(1, min(_SHADES, round(_SHADES * value / top)))
