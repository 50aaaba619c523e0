"""Goals: which figure is to reach what by when, and how likely that is.

A goal is about one reading of its figure (`community.readings`) on one day, so that anybody can check on that day whether it
was met.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal, Self, get_args

import numpy as np
import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from community.figures import WHOLE
from community.forecasts import Forecast, Kind, forecast
from community.rates import AMOUNTS, COUNTS, FIGURE_NAMES, RATE_FIGURES
from community.readings import BETTER_LOW, WINDOW_DAYS, Floats, Reading, daily_values, read, reading_of
from features.calendar import WEEK_DAYS

Status = Literal["met", "missed", "on_track", "off_track", "unknown", "no_data"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

# One group of members, as `dimension` of the figures names it.
GROUPINGS: Final = ("platform", "source", "tier", "lifecycle", "community", "channel")
# Rates that are no shares.
_SCORES: Final = ("feedback_score_30d", "nps_30d", "nps_30d_low", "nps_30d_high")
# From this chance on a goal is on track.
_ON_TRACK: Final = 0.5


class Goal(BaseModel):
    """One of `[[goals]]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    figure: str = Field(description="The figure (docs/figures.md); docs/goals.md says how each is read.")
    target: float = Field(allow_inf_nan=False, description="What it is to reach; shares from 0 to 1.")
    by: date = Field(description="The day on which it is judged.")
    name: str | None = Field(default=None, min_length=1, description="What the report calls it; by default by figure and group.")
    reach: Literal["at_least", "at_most"] | None = Field(
        default=None,
        description="By default at least the target; at most, where less is better (lost members, refunds, silent share).",
    )
    platform: str | None = Field(default=None, description="Only members of this platform.")
    source: str | None = Field(default=None, description="Only members who joined by this source.")
    tier: str | None = Field(default=None, description="Only members of this tier.")
    lifecycle: str | None = Field(default=None, description="Only members in this stage of the lifecycle.")
    community: str | None = Field(default=None, description="Only members of this member community.")
    channel: str | None = Field(default=None, description="Only activity in this channel.")
    reading: Reading | None = Field(
        default=None,
        description="How a figure of [sources.figures] is read: its value on the `day`, the `mean` or the `sum` of 28 days.",
    )

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        known = (*COUNTS, *AMOUNTS, *RATE_FIGURES)
        if self.is_of_platform and (self.reading is None or self.platform is None):
            close = difflib.get_close_matches(self.figure, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
            raise ValueError(f"unknown figure {self.figure!r}; {hint}; one of [sources.figures] needs `platform` and `reading`")
        if not self.is_of_platform and self.reading is not None:
            raise ValueError(f"`reading` is for figures of [sources.figures]; how {self.figure!r} is read says docs/goals.md")
        if len(self._groups) > 1:
            raise ValueError(f"a goal is about one group; this one names {' and '.join(f'`{name}`' for name in self._groups)}")
        if self.figure not in RATE_FIGURES and self.target <= 0:
            raise ValueError(f"the target of {self.figure!r} has to be above 0")
        return self

    @property
    def is_of_platform(self) -> bool:
        """Whether a platform counts the figure."""
        return self.figure not in FIGURE_NAMES

    @property
    def _groups(self) -> dict[str, str]:
        return {name: group for name in GROUPINGS if (group := getattr(self, name)) is not None}

    @property
    def dimension(self) -> str:
        """The group as `dimension` of the figures; `WHOLE` without one."""
        return next((f"{name}={group}" for name, group in self._groups.items()), WHOLE)

    @property
    def key(self) -> str:
        """What tells the goal from the others: its name, else its figure and group."""
        return self.name or " ".join(filter(None, (self.figure, self.dimension)))

    @property
    def slug(self) -> str:
        """The key in lower-case letters, digits and `_`, for names of metrics."""
        return re.sub(r"\W+", "_", self.key.casefold()).strip("_")

    @property
    def how(self) -> Reading:
        """How the figure is read."""
        return self.reading or reading_of(self.figure)

    @property
    def wants_less(self) -> bool:
        """Whether the figure is to be at most the target."""
        return self.figure in BETTER_LOW if self.reach is None else self.reach == "at_most"

    def is_met(self, value: float) -> bool:
        """Tell whether a reading meets the target."""
        return value <= self.target if self.wants_less else value >= self.target


def check_goals(goals: tuple[Goal, ...]) -> tuple[Goal, ...]:
    """Return goals that can be told apart.

    Raises:
        ValueError: Two goals share a name, or figure and group.
    """
    slugs = [goal.slug for goal in goals]
    for goal in goals:
        if slugs.count(goal.slug) > 1:
            raise ValueError(f"two goals are called {goal.key!r}; give each a `name` of its own")
    return goals


Goals = Annotated[tuple[Goal, ...], AfterValidator(check_goals)]


@dataclass(frozen=True)
class Judged:
    """A goal, and how it stands on a night.

    Args:
        goal: The goal.
        status: met or missed once its day has come; before it on_track or off_track, or unknown where too little of the past is
            known for a forecast; no_data where the figure has no value.
        value: The reading of the night, once the day has passed that of the day; None without data.
        expected: The reading expected on the day; None without a forecast.
        low: Lower end of the interval that holds nine times of ten; None likewise.
        high: Upper end; None likewise.
        chance: The probability of meeting the target on the day; None likewise.
        pace_needed: By how much the reading has to change a week from here on; None once the day has come, and without data.
        pace: By how much it changed a week over the last 28 days; None where they are not known.
    """

    goal: Goal
    status: Status
    value: float | None = None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    pace_needed: float | None = None
    pace: float | None = None


def judge(goal: Goal, figures: pl.DataFrame, *, as_of: date) -> Judged:
    """Judge a goal by the figures up to a night; later ones are not looked at.

    Args:
        goal: The goal.
        figures: One row per day, figure and dimension, with its value.
        as_of: The night.
    """
    day = min(goal.by, as_of)
    daily = daily_values(figures, goal.figure, goal.dimension, until=day)
    readings = read(daily, goal.how)
    if not len(readings) or not np.isfinite(readings[-1]):
        return Judged(goal, "no_data")
    value = float(readings[-1])
    if goal.by <= as_of:
        return Judged(goal, "met" if goal.is_met(value) else "missed", value)
    days = (goal.by - as_of).days
    needed = (goal.target - value) * WEEK_DAYS / days
    ahead = forecast(daily, days=days, reading=goal.how, kind=kind_of(goal.figure))
    if ahead is None:
        return Judged(goal, "unknown", value, pace_needed=needed, pace=_pace(readings))
    chance = _chance(goal, ahead)
    low, high = ahead.interval()
    status: Status = "on_track" if chance >= _ON_TRACK else "off_track"
    return Judged(goal, status, value, ahead.expected, low, high, chance, needed, _pace(readings))


def kind_of(figure: str) -> Kind:
    """Return what kind of value a figure is, which decides how errors of its forecasts are measured and how it is written."""
    if figure in _SCORES:
        return "score"
    if figure in AMOUNTS or figure == "first_answer_hours_30d":
        return "amount"
    return "share" if figure in RATE_FIGURES else "count"


def _chance(goal: Goal, ahead: Forecast) -> float:
    at_least = ahead.chance(goal.target)
    return 1 - at_least if goal.wants_less else at_least


def _pace(readings: Floats) -> float | None:
    if len(readings) <= WINDOW_DAYS or not np.isfinite(readings[-1 - WINDOW_DAYS]):
        return None
    return float(readings[-1] - readings[-1 - WINDOW_DAYS]) * WEEK_DAYS / WINDOW_DAYS
