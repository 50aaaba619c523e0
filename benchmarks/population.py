"""Who lives in a generated community: how much each member does, when they join, and when they fall silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Members who join after the last day, ready for the days that may be added later.
SPARE_DAYS: Final = 60
FADING_DAYS: Final = 45
_SHARE_HERE_BEFORE: Final = 0.4
_OLDEST_TENURE_DAYS: Final = 1_100
_MEAN_STAY_DAYS: Final = 420
_RETURN_SHARE: Final = 0.08
_PARETO_SHAPE: Final = 1.15
_MOST_TIMES_MEDIAN: Final = 400.0
_BUYER_SHARE: Final = 0.3
_SHARE_TO_BE_CONTACTED: Final = 0.85
# Monday to Sunday.
WEEKDAY_RHYTHM: Final = np.array([1.0, 1.02, 1.04, 1.03, 1.1, 0.88, 0.78])
_PLATFORMS: Final = ("ios", "android", "web")
_REGIONS: Final = ("north", "south", "east", "west", "abroad")
_GENDERS: Final = ("f", "m", "x", None)


@dataclass(frozen=True)
class Size:
    """How big a community is, and which one of that size.

    Args:
        members: Members who have joined by the last day.
        events: Events in all, exactly.
        days: Days of history.
        seed: The same seed gives the same community, byte for byte.
        last_day: The last day of the history.
        orders: Orders in all, refunds included; by default a twentieth of the events.
        days_per_file: Days of the history in one file; a day added later always has its own.
    """

    members: int = 500_000
    events: int = 50_000_000
    days: int = 365
    seed: int = 2_026
    last_day: date = date(2026, 9, 30)
    orders: int | None = None
    days_per_file: int = 1

    @property
    def orders_in_all(self) -> int:
        """Orders of the whole history."""
        return self.events // 20 if self.orders is None else self.orders

    def day(self, number: int) -> date:
        """The date of a day; 0 is the first of the history, `days` the first that may be added."""
        return self.last_day - timedelta(days=self.days - 1 - number)


@dataclass(frozen=True)
class Population:
    """One value per member, spare ones at the end.

    Args:
        rate: How much a member does on a usual day, in any unit.
        buying: How much a member buys on a usual day; 0 for most.
        joined: The day of joining; negative before the history begins.
        silent_from: The day from which a member does nothing.
        back_from: The day from which a member is active again; beyond the end for nearly all.
        visiting: The chance that an active member comes on a given day.
        ids: Members as the community's systems call them.
    """

    rate: Floats
    buying: Floats
    joined: Integers
    silent_from: Integers
    back_from: Integers
    visiting: Floats
    ids: pl.Series

    def weights(self, day: int) -> Floats:
        """How much each member is expected to do on a day, in the unit of `rate`; fading before falling silent."""
        left = np.clip((self.silent_from - day) / FADING_DAYS, 0.0, 1.0)
        level = np.where(day >= self.back_from, 1.0, left)
        return np.asarray(self.rate * level * (self.joined <= day), dtype=np.float64)


def make_population(size: Size) -> Population:
    """Draw a community's members; power-law activity, steady joining, a third gone silent within a year."""
    random = np.random.default_rng([size.seed, 0])
    growth_per_day = size.members * (1 - _SHARE_HERE_BEFORE) / size.days
    spare = int(np.ceil(growth_per_day * SPARE_DAYS))
    people = size.members + spare
    rate = np.minimum((1 - random.random(people)) ** (-1 / _PARETO_SHAPE), _MOST_TIMES_MEDIAN)
    here_before = -np.sort(random.integers(1, _OLDEST_TENURE_DAYS, int(size.members * _SHARE_HERE_BEFORE)))[::-1]
    later = np.sort(random.integers(0, size.days, size.members - here_before.size))
    joined = np.concatenate([here_before, later, size.days + np.arange(spare) * SPARE_DAYS // max(spare, 1)])
    # Whoever does more stays longer; members of old have shown that they stay.
    stay = random.exponential(_MEAN_STAY_DAYS, people) * (0.5 + np.log1p(rate))
    silent_from = (np.maximum(joined, 0) + 1 + stay).astype(np.int64)
    returns = random.random(people) < _RETURN_SHARE
    back_from = np.where(returns, silent_from + random.integers(30, 200, people), np.iinfo(np.int32).max)
    buying = np.where(random.random(people) < _BUYER_SHARE, random.gamma(0.8, 1.0, people) * np.sqrt(rate), 0.0)
    expected_a_day = rate / rate[: size.members].mean() * size.events / size.days / max(size.members, 1)
    visiting = np.clip(1 - np.exp(-0.7 * expected_a_day), 1e-4, 0.95)
    return Population(
        rate, buying, joined.astype(np.int64), silent_from, back_from.astype(np.int64), visiting, _ids(np.arange(people))
    )


def members_who_joined(size: Size, population: Population, *, first: int | None, last: int) -> pl.DataFrame:
    """One row per member who joined on days `first` to `last` (None: from the beginning), as a members export has it."""
    since = np.iinfo(np.int64).min if first is None else first
    numbers = np.flatnonzero((population.joined >= since) & (population.joined <= last))
    random = np.random.default_rng([size.seed, 1, last + _OLDEST_TENURE_DAYS])

    def drawn(values: tuple[str | None, ...]) -> pl.Series:
        return pl.Series(values, dtype=pl.String)[random.integers(0, len(values), numbers.size)]

    joined = pl.Series(population.joined[numbers]).cast(pl.Int64)
    midnight = pl.lit(size.day(0)).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame({"member_id": population.ids[numbers], "joined": joined}).select(
        "member_id",
        joined_at=midnight + pl.duration(days="joined", seconds=pl.lit(pl.Series(random.integers(0, 86_400, numbers.size)))),
        platform=pl.lit(drawn(_PLATFORMS)),
        region=pl.lit(drawn(_REGIONS)),
        birth_year=pl.lit(pl.Series(random.integers(1950, 2009, numbers.size)).cast(pl.Int32)),
        gender=pl.lit(drawn(_GENDERS)),
        can_contact=pl.lit(pl.Series(random.random(numbers.size) < _SHARE_TO_BE_CONTACTED)),
    )


def _ids(numbers: Integers) -> pl.Series:
    """Members by their number as the community's systems call them."""
    written = pl.lit("m") + pl.col("member_id").cast(pl.String).str.zfill(7)
    return pl.DataFrame({"member_id": numbers}).select(written.alias("member_id")).to_series()
