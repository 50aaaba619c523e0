"""Compute the daily figures and keep them in a table: only of days that changed, or that still see a day that changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import Any, Final

import polars as pl

from community.cohorts import COHORT_FIGURES
from community.figures import FIGURES_SCHEMA, LOOKBACK_DAYS, RETENTION_DAYS, Days
from community.platform_figures import is_of_platform
from community.rates import complete
from lake.contracts import DAILY
from lake.storage.delta import Lake
from pipeline.community.cohort_counts import count_cohorts, weeks_to_count
from pipeline.community.figure_answers import count_answers, first_asking_day
from pipeline.community.figure_counts import count_figures
from pipeline.community.figure_members import FigureMembers, read_members_changed, store_members
from pipeline.community.platform_figures import read_platform_figures
from runtime.run_context import RunContext, code_hash

FIGURES: Final = "figures"
_VERSION: Final = "daily_version"
_DEFINITIONS: Final = "definitions"
_ASKING_FROM: Final = "asking_from"
_ROWS_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True)
class _Stored:
    """The figures as an earlier night left them.

    Args:
        figures: Rows of `FIGURES_SCHEMA`; none where other code or other settings counted them.
        facts: What they were counted from.
    """

    figures: pl.DataFrame
    facts: dict[str, Any]

    @cached_property
    def counted(self) -> pl.DataFrame:
        """Return those that are counted here, without what platforms gave."""
        return self.figures.filter(~is_of_platform())


def update_figures(run: RunContext) -> int:
    """Bring the figures up to the night, whose member list is stored, and return how many days were computed.

    Args:
        run: The run.
    """
    lake = run.workspace.lake
    first = min(lake.days(DAILY), default=None)
    if first is None or first > run.as_of:
        return 0
    stored = _read_stored(run)
    members = read_members_changed(run)
    changed = _days_changed(lake, stored)
    asking_from = first_asking_day(run, _day_or_none(stored.facts.get(_ASKING_FROM)), changed=changed)
    last = max([run.as_of, *stored.counted["day"].unique()])
    calendar = {first + timedelta(days=n) for n in range((last - first).days + 1)}
    differ = calendar if changed is None else _days_to_compute(calendar, members, stored, changed, asking_from)
    # The night itself in any case: its groups are those of tonight's member list.
    days = sorted(differ | {run.as_of})
    weeks = weeks_to_count(days, members, first=first, last=last)
    is_cohort = pl.col("figure").is_in(COHORT_FIGURES)
    is_counted_again = pl.when(is_cohort).then(_is_one_of(weeks)).otherwise(_is_one_of(days))
    # A stretch may reach over days that are right already.
    computed = [_compute(run, stretch, members, asking_from).filter(is_counted_again) for stretch in _stretches(lake, days)]
    cohorts = count_cohorts(lake, members, weeks, first=first)
    # All of them every night: they are few, and platforms correct days that are long gone.
    given = read_platform_figures(lake, first=first, last=last)
    figures = complete(pl.concat([stored.counted.filter(~is_counted_again), *computed, cohorts, given]))
    facts = {
        _VERSION: lake.version(DAILY),
        _DEFINITIONS: _definitions(run),
        _ASKING_FROM: asking_from and asking_from.isoformat(),
    }
    # The members last: where a run dies between the two, what moved of them is found and counted again.
    if facts != stored.facts or not figures.equals(stored.figures):
        lake.replace(FIGURES, figures, metadata=facts)
    store_members(run, members)
    return len(days)


def _read_stored(run: RunContext) -> _Stored:
    lake = run.workspace.lake
    facts = lake.metadata(FIGURES)
    if facts.get(_DEFINITIONS) != _definitions(run):
        return _Stored(FIGURES_SCHEMA.to_frame(), {})
    return _Stored(lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).collect(), facts)


def _definitions(run: RunContext) -> str:
    """Return a hash of the code and the settings that say what the figures are; those of another one are counted anew."""
    community, content = run.settings.community, run.settings.content
    events = {name: getattr(community, name) for name in type(community).model_fields if name.endswith("_events")}
    settings = {**events, "timezone": run.timezone, "content": content.model_dump(mode="json")}
    return hashlib.sha256(json.dumps([_code(), settings], sort_keys=True).encode()).hexdigest()


@cache
def _code() -> str:
    return code_hash(rooms=("community", "pipeline/community"))


def _day_or_none(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _days_changed(lake: Lake, stored: _Stored) -> set[date] | None:
    """Return the days whose rows may differ from those that the stored figures were counted from; None for all."""
    return None if stored.counted.is_empty() else lake.days_changed(DAILY, since_version=stored.facts[_VERSION])


def _days_to_compute(
    calendar: AbstractSet[date],
    members: FigureMembers,
    stored: _Stored,
    changed: AbstractSet[date],
    asking_from: date | None,
) -> set[date]:
    """Return the days of the calendar whose figures may differ from the stored ones."""
    seen_again = {day + timedelta(days=n) for day in changed for n in range(LOOKBACK_DAYS + 1)}
    moved = {day + timedelta(days=n) for day in members.days_moved for n in (0, *RETENTION_DAYS)}
    recounted_from = members.recounted_from or date.max
    asking_before = _day_or_none(stored.facts.get(_ASKING_FROM))
    if asking_from != asking_before:
        # From this day on other pieces count as waiting for an answer.
        recounted_from = min(recounted_from, asking_from or date.max, asking_before or date.max)
    recounted = {day for day in calendar if day >= recounted_from}
    absent = calendar - set(stored.counted["day"].unique())
    return set(calendar & (seen_again | moved | recounted | absent))


def _is_one_of(days: Sequence[date]) -> pl.Expr:
    return pl.col("day").is_in(pl.Series(days, dtype=pl.Date).implode())


def _stretches(lake: Lake, days: Sequence[date]) -> Iterator[Days]:
    """Split days into runs of consecutive days whose rows, with those that they look back on, fit in memory."""
    rows = dict(lake.rows_by_day(DAILY).iter_rows())
    start, held = days[0], 0
    for day, following in pairwise([*days, None]):
        assert day is not None
        held += rows.get(day, 0)
        if following is None or held > _ROWS_AT_ONCE or (following - day).days > LOOKBACK_DAYS:
            yield Days(start, day)
            start, held = following or day, 0


def _compute(run: RunContext, days: Days, members: FigureMembers, asking_from: date | None) -> pl.DataFrame:
    return pl.concat([count_figures(run, days, members), count_answers(run, days, members, asking_from=asking_from)])
