"""A simulated community in which nothing happens but chance, weekdays and slow change, unless something is planted.

Its members have platforms and sources, come by their own habits and the weekday, join, leave, order, answer surveys and write;
days differ for all by a few percent, as weather and television make them. Daily figures are counted by the code of the nights.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from community import figures as counting
from community.bursts import bad_answer_figures
from community.rates import complete, meaningful, values
from community.tone import tone_of

FIRST_DAY: Final = date(2024, 1, 1)
PLATFORMS: Final = {"ios": 0.4, "android": 0.45, "web": 0.15}
SOURCES: Final = {"ads": 0.3, "friends": 0.4, "search": 0.3}
_WEEKDAYS: Final = np.array([1.0, 0.95, 0.95, 1.0, 1.1, 1.35, 1.25])
_LIFE_DAYS: Final = 400
# Of the days on which a member is active, the share with an order, a post, a title, an answer.
_BUYS, _POSTS, _WRITES, _ANSWERS = 0.08, 0.15, 0.05, 0.06
_TITLES: Final = (
    "great coffee with friends", "how to clean the grinder", "my new cup", "looking for a recipe", "weekend meeting report",
    "which beans do you like", "photo of the week", "question about delivery", "thanks for the help", "slow water heater",
)  # fmt: skip
_WELL: Final = ("I love it, thank you", "works great", "fine", "nice people and fast help", "good coffee")
_BADLY: Final = ("too expensive and slow", "I am disappointed", "bad taste, sad", "the app is terrible", "rude answer")


@dataclass(frozen=True)
class Planted:
    """What happens from a day on.

    Args:
        day: The day, counted from 0.
        activity: Factor of the activity of members of `platform`.
        platform: The platform whose members change; None for all.
        leaving: Factor of the chance to leave, of all members.
        bad_answers: Factor of the odds that an answer is bad.
        crisis: Extra titles a day about a topic with bad tone.
        stops: Whether no events and orders arrive any more.
    """

    day: int
    activity: float = 1.0
    platform: str | None = None
    leaving: float = 1.0
    bad_answers: float = 1.0
    crisis: int = 0
    stops: bool = False


@dataclass(frozen=True)
class Simulated:
    """A simulated community.

    Args:
        figures: Rows of `community.rates.FIGURES_SCHEMA`, with the rows of tables and bad answers.
        texts: One row per title or answer: member_no, day, text, is_answer, score.
        days: How many days.
        first: The first of them.
    """

    figures: pl.DataFrame
    texts: pl.DataFrame
    days: int
    first: date = FIRST_DAY

    def night(self, number: int) -> date:
        """Return the day with a number."""
        return self.first + timedelta(days=number)


def simulate(*, seed: int, days: int, members: int = 1500, planted: Planted | None = None) -> Simulated:
    """Simulate a community and count its figures.

    Args:
        seed: Of all chance.
        days: How many days.
        members: Members on the first day; about as many as leave join.
        planted: What happens; None for nothing.
    """
    random = np.random.default_rng(seed)
    people = _People.drawn(random, members=members, days=days)
    event = planted or Planted(days)
    people.live(random, days, event)
    active = people.active_days(random, days, event)
    figures = _figures(people, active, random, days)
    texts = _texts(random, active, days, event)
    answers = texts.filter("is_answer").group_by("day").len("n")
    counted = answers.select("day", figure=pl.lit("feedback_answers"), dimension=pl.lit(""), value=pl.col("n").cast(pl.Float64))
    return Simulated(pl.concat([figures, counted, bad_answer_figures(texts)]).sort("day", "figure", "dimension"), texts, days)


@dataclass
class _People:
    rate: npt.NDArray[np.float64]
    joined: npt.NDArray[np.int64]
    left: npt.NDArray[np.int64]
    platform: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]

    @staticmethod
    def drawn(random: np.random.Generator, *, members: int, days: int) -> _People:
        joins = random.poisson(members / _LIFE_DAYS, days)
        joined = np.concatenate([np.zeros(members, np.int64), np.repeat(np.arange(days), joins)])
        size = len(joined)
        return _People(
            np.minimum(random.gamma(0.7, 0.2, size), 0.9),
            joined,
            np.full(size, days),
            random.choice(len(PLATFORMS), size, p=list(PLATFORMS.values())),
            random.choice(len(SOURCES), size, p=list(SOURCES.values())),
        )

    def live(self, random: np.random.Generator, days: int, event: Planted) -> None:
        """Draw when each member leaves."""
        hazard = np.full(days, 1 / _LIFE_DAYS)
        hazard[event.day :] *= event.leaving
        reached = np.cumsum(hazard)
        before = np.concatenate([[0.0], reached])[self.joined]
        self.left = np.searchsorted(reached, before + random.exponential(1.0, len(self.joined)))

    def active_days(self, random: np.random.Generator, days: int, event: Planted) -> pl.DataFrame:
        """Return one row per member and day of activity."""
        weekday = _WEEKDAYS[(np.arange(days) + FIRST_DAY.weekday()) % 7]
        mood = np.zeros(days)
        for day in range(1, days):
            mood[day] = 0.6 * mood[day - 1] + random.normal(0, 0.03)
        factor = weekday / weekday.mean() * np.exp(mood)
        changed = (
            np.ones(len(self.rate), bool) if event.platform is None else self.platform == list(PLATFORMS).index(event.platform)
        )
        rows = []
        for day in range(days):
            chance = self.rate * factor[day]
            if day >= event.day:
                chance = np.where(changed, chance * event.activity, chance)
            is_here = (self.joined <= day) & (day < self.left) & (not (event.stops and day >= event.day))
            who = np.flatnonzero(is_here & ((random.random(len(chance)) < chance) | (self.joined == day)))
            rows.append(pl.DataFrame({"member_no": who.astype(np.int32), "day": np.full(len(who), day)}))
        return pl.concat(rows).with_columns(day=pl.lit(FIRST_DAY) + pl.duration(days=pl.col("day")))


def _figures(people: _People, active: pl.DataFrame, random: np.random.Generator, days: int) -> pl.DataFrame:
    every = counting.Days(FIRST_DAY, FIRST_DAY + timedelta(days=days - 1))
    first = active.group_by("member_no").agg(first_active=pl.col("day").min())
    joined = pl.DataFrame({"member_no": np.arange(len(people.rate), dtype=np.int32), "day": people.joined}).with_columns(
        day=pl.lit(FIRST_DAY) + pl.duration(days=pl.col("day"))
    )
    groups = pl.concat(
        joined.select(
            "member_no",
            dimension=pl.lit(f"{name}=") + pl.Series(np.array(list(kinds))[chosen]),
            since=pl.lit(None, pl.Date()),
            until=pl.lit(None, pl.Date()),
        )
        for name, kinds, chosen in (("platform", PLATFORMS, people.platform), ("source", SOURCES, people.source))
    ).sort("member_no", "dimension")
    bought = active.filter(pl.Series(random.random(active.height) < _BUYS))
    posted = active.filter(pl.Series(random.random(active.height) < _POSTS))
    amounts = bought.with_columns(n=pl.Series((random.lognormal(3, 0.8, bought.height) * 100).astype(np.int64)))
    first_order = bought.group_by("member_no").agg(first=pl.col("day").min())
    again = bought.join(first_order, on="member_no").filter(pl.col("first") < pl.col("day")).select("member_no", "day")
    points = [
        counting.comings_and_goings(active, first, every),
        counting.joinings(active, joined, every),
        counting.named("orders", bought),
        counting.named("buyers", bought),
        counting.named("repeat_buyers", again),
        counting.named("spend", amounts),
        counting.named("contributors", posted),
    ]
    known = counting.window_sums(counting.named("members", joined), window_days=days + 1)
    spans = [
        *(counting.window_spans(active, name, window_days=width) for name, width in {"dau": 1, "wau": 7, "mau": 30}.items()),
        counting.window_spans(posted, "contributors_30d", window_days=30),
        counting.window_spans(bought, "buyers_30d", window_days=30),
        known,
    ]
    counts = [
        counting.count_points(pl.concat(points), groups),
        counting.count_spans(pl.concat(spans), groups, every),
    ]
    counted = meaningful(complete(values(pl.concat(counts), minor_units=100)))
    rows = []
    for table, part, extra in (("events", active, 3.0), ("orders", bought, 1.0)):
        by_day = part.group_by("day").len("n")
        rows.append(
            by_day.select("day", figure=pl.lit(f"rows.{table}"), dimension=pl.lit(""), value=pl.col("n").cast(pl.Float64) * extra)
        )
    left = pl.DataFrame({"day": people.left}).filter(pl.col("day") < days).group_by("day").len("n")
    leaves = left.select(
        day=pl.lit(FIRST_DAY) + pl.duration(days=pl.col("day")),
        figure=pl.lit("leaves"),
        dimension=pl.lit(""),
        value=pl.col("n").cast(pl.Float64),
    )
    return pl.concat([counted, *rows, leaves])


def _texts(random: np.random.Generator, active: pl.DataFrame, days: int, event: Planted) -> pl.DataFrame:
    """Return titles and answers of active members; a planted crisis adds titles about a topic with bad tone."""
    number = (active["day"] - FIRST_DAY).dt.total_days().to_numpy()
    wrote, answered = random.random(len(number)) < _WRITES, random.random(len(number)) < _ANSWERS
    odds = np.where(number >= event.day, 0.2 / 0.8 * event.bad_answers, 0.2 / 0.8)
    is_bad = random.random(len(number)) < odds / (1 + odds)
    score = np.where(is_bad, random.integers(0, 7, len(number)), random.integers(7, 11, len(number))).astype(float)
    titles = np.array(_TITLES)[random.integers(0, len(_TITLES), len(number))]
    well, badly = (np.array(kind)[random.integers(0, len(kind), len(number))] for kind in (_WELL, _BADLY))
    texts = pl.concat(
        [
            active.with_columns(text=pl.Series(titles), is_answer=False, score=pl.lit(None, pl.Float64)).filter(pl.Series(wrote)),
            active.with_columns(text=pl.Series(np.where(is_bad, badly, well)), is_answer=True, score=pl.Series(score)).filter(
                pl.Series(answered)
            ),
        ]
    )
    if event.crisis:
        rows = [
            (int(who), FIRST_DAY + timedelta(days=day), "the refund scam is terrible, they lie", False, None)
            for day in range(event.day, days)
            for who in random.choice(1000, random.poisson(event.crisis), replace=False)
        ]
        texts = pl.concat([texts, pl.DataFrame(rows, schema=texts.schema, orient="row")])
    return texts.with_columns(tone=tone_of(texts["text"])).sort("day", "member_no")
