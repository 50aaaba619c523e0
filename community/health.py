"""The health index of a community: 0 to 100, made of named factors, each beside the community's own past year.

Every measure is read over 28 days and scored by its place among its own readings of the 364 days before: the share of those days
on which it was worse, equal ones counting half, times 100. 50 is the middle of the community's own year, 100 better than on any
day of it. A factor is the mean of its measures, the index the mean of the factors; what a community has no figures for is left
out, and the others share its weight. Such a score compares a community with itself alone: one that was poorly all year has 50,
too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from community.figures import WHOLE
from community.readings import WINDOW_DAYS, Floats, daily_values, read, reading_of
from features.calendar import FOUR_WEEKS_DAYS, WEEK_DAYS, YEAR_DAYS

# Fewer readings make no usual; they begin once a window of 28 days is full. Of a longer past the newest year counts.
LEAST_DAYS: Final = 56
# With what the index of a night is compared: a week, four weeks and a year before.
COMPARED_DAYS: Final = (WEEK_DAYS, FOUR_WEEKS_DAYS, YEAR_DAYS)


@dataclass(frozen=True)
class Measure:
    """What a factor is measured by.

    Args:
        figure: The figure, by its reading (`community.readings`).
        over: A figure whose reading that is divided by; None for the reading itself.
        is_better_low: Whether less is better.
    """

    figure: str
    over: str | None = None
    is_better_low: bool = False


# Factor → its measures: are there members, do they write, are they answered, do they take part, come often, stay, buy?
FACTORS: Final[Mapping[str, tuple[Measure, ...]]] = {
    "members": (Measure("mau"), Measure("new_members")),
    "content": (Measure("contributors"), Measure("creators")),
    "answers": (Measure("unanswered_share_30d", is_better_low=True), Measure("first_answer_hours_30d", is_better_low=True)),
    "interaction": (
        Measure("silent_share_30d", is_better_low=True),
        Measure("comment_rate_30d"),
        Measure("share_rate_30d"),
        Measure("open_rate_30d"),
        Measure("click_rate_30d"),
    ),
    "liveliness": (Measure("dau"), Measure("stickiness")),
    "loyalty": (
        Measure("lost_members", over="mau", is_better_low=True),
        Measure("retention_d30"),
        Measure("repeat_rate"),
        Measure("feedback_score_30d"),
    ),
    "commerce": (Measure("spend"), Measure("buyers"), Measure("conversion_rate_30d")),
}


@dataclass(frozen=True)
class Factor:
    """A factor of the index.

    Args:
        what: One of `FACTORS`.
        score: 0 to 100 on the night.
        moved: Days before the night → by how many points of the index the factor has moved it since; they add up to the change.
        figures: The figures it is measured by here.
    """

    what: str
    score: float
    moved: Mapping[int, float]
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Health:
    """The health index of a night.

    Args:
        index: 0 to 100: the mean of the factors.
        factors: Those the community has figures for, in the order of `FACTORS`.
        before: Days before the night → the index then, by the same factors; a day without all of them is left out.
        days: How many days of its own past the night is compared with, at most 364.
    """

    index: float
    factors: tuple[Factor, ...]
    before: Mapping[int, float]
    days: int

    def change(self, days: int) -> float | None:
        """Return by how many points the index has changed in so many days; None where it is not known."""
        return None if days not in self.before else self.index - self.before[days]


def assess_health(figures: pl.DataFrame, *, as_of: date) -> Health | None:
    """Compute the health index of a night; None in a community's first twelve weeks.

    Args:
        figures: One row per day, figure and dimension, with its value; those after the night are not looked at.
        as_of: The night.
    """
    needed = _needed(figures, as_of)
    scored = {name: [_scored(needed, measure, as_of) for measure in measures] for name, measures in FACTORS.items()}
    tonight = {name: score for name, ones in scored.items() if (score := _mean(ones, 0)) is not None}
    if not tonight:
        return None
    # The measures of tonight, so that a measure that began meanwhile is no change.
    held = {name: [one for one in scored[name] if one.score(0) is not None] for name in tonight}
    then = {days: _all(held, days) for days in COMPARED_DAYS}
    known = {days: scores for days, scores in then.items() if scores is not None}
    factors = tuple(
        Factor(
            name,
            score,
            {days: (score - scores[name]) / len(tonight) for days, scores in known.items()},
            tuple(one.measure.figure for one in held[name]),
        )
        for name, score in tonight.items()
    )
    index = float(np.mean(list(tonight.values())))
    before = {days: float(np.mean(list(scores.values()))) for days, scores in known.items()}
    known_days = max(len(one.readings) - 1 - WINDOW_DAYS for ones in held.values() for one in ones)
    return Health(index, factors, before, min(YEAR_DAYS, known_days))


@dataclass(frozen=True)
class _Scored:
    """The readings of a measure, the newest last; NaN where there is none, negated where less is better."""

    measure: Measure
    readings: Floats

    def score(self, days_before: int) -> float | None:
        """Return the score of so many days before the night; None where too little is known, or nothing has varied."""
        end = len(self.readings) - 1 - days_before
        if end < 0 or not np.isfinite(self.readings[end]):
            return None
        now, past = self.readings[end], self.readings[max(0, end - YEAR_DAYS) : end]
        past = past[np.isfinite(past)]
        if len(past) < LEAST_DAYS or np.all(past == now):
            return None
        return float(100 * (np.mean(past < now) + np.mean(past == now) / 2))


def _mean(measures: Sequence[_Scored], days_before: int) -> float | None:
    scores = [score for one in measures if (score := one.score(days_before)) is not None]
    return float(np.mean(scores)) if scores else None


def _all(held: Mapping[str, Sequence[_Scored]], days_before: int) -> dict[str, float] | None:
    """Return the scores of all factors on an earlier day; None where a measure of tonight has none then."""
    scores = {name: [one.score(days_before) for one in ones] for name, ones in held.items()}
    if any(score is None for ones in scores.values() for score in ones):
        return None
    return {name: float(np.mean([score for score in ones if score is not None])) for name, ones in scores.items()}


def _scored(figures: pl.DataFrame, measure: Measure, as_of: date) -> _Scored:
    readings = _readings(figures, measure.figure, as_of)
    if measure.over is not None:
        over = _readings(figures, measure.over, as_of)
        known = min(len(readings), len(over))
        readings, over = readings[len(readings) - known :], over[len(over) - known :]
        readings = np.divide(readings, over, out=np.full_like(readings, np.nan), where=over > 0)
    return _Scored(measure, -readings if measure.is_better_low else readings)


def _readings(figures: pl.DataFrame, figure: str, as_of: date) -> Floats:
    readings = read(daily_values(figures, figure, WHOLE, until=as_of), reading_of(figure))
    # What looks back by itself did not yet see whole windows.
    readings[:WINDOW_DAYS] = np.nan
    return readings


def _needed(figures: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the figures that are measured: of the whole community, over as long as the index of a year ago looks back."""
    names = {name for measures in FACTORS.values() for one in measures for name in (one.figure, one.over) if name}
    since = as_of - timedelta(days=2 * YEAR_DAYS + WINDOW_DAYS)
    is_needed = pl.col("figure").is_in(sorted(names)) & (pl.col("dimension") == WHOLE)
    return figures.filter(is_needed, pl.col("day").is_between(since, as_of))
