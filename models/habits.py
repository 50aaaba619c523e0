"""Grouping of features into habits, so that a reason names a habit once, and ranking of the habits of each member.

The feature catalog puts the windows of one count into one habit. Reasons go further, so that they neither say the same thing
twice nor contradict each other: habits that count the same thing are one for everybody (`SAME_HABIT`), such as how often
somebody comments and when they last did; and some are one for a member when they coincide (`Union`): the last comment was the
last visit, the first order was the first day. A window that lies within the silence holds nothing but the silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.feature import Feature
from models.own_past import AWAY as _AWAY
from models.own_past import RECENT_DAYS, SILENCE
from models.panel import Floats

ACTIVITY: Final = "active_days"
# Habit → the habit it is one with, for everybody.
SAME_HABIT: Final[Mapping[str, str]] = {
    "activity_count": ACTIVITY,
    "event_count": ACTIVITY,
    "active_weeks": ACTIVITY,
    "active_days_trend": ACTIVITY,
    "gap": ACTIVITY,
    "streak": ACTIVITY,
    "event_count_trend": ACTIVITY,
    "order_count_trend": "order_count",
    "repeat_order_days": "order_count",
    "spend_trend": "spend",
    "mean_repeat_order_value": "average_order_value",
    "refund_spend": "refund_count",
    "received_count_trend": "received_count",
    "distinct_people_received": "received_count",
    "distinct_people_given": "given_count",
    "open_rate": "open_count",
    "click_rate": "click_count",
    "mean_feedback_score": "feedback_score",
    "event_type_entropy": "distinct_event_types",
}
# Where people only order, orders are the only activity there is; how many, how long and since when make one rhythm, which the
# buy-till-you-die model reads against the silence.
_ONLY_ORDERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("order_count", "order_count_trend"), ACTIVITY),
    **dict.fromkeys(("repeat_order_days", "first_to_last_order_days", "first_order_age_days"), SILENCE),
    "days_since_last_order": SILENCE,
}
# By what the silence is told.
_OF_SILENCE: Final = (SILENCE, _AWAY, "active_days", "days_since_last_order", "repeat_order_days")
# What others do, or what a member does in answer to it.
_OF_OTHERS: Final = ("received_", "distinct_people_received_", "contact_", "open_", "click_", "refund_", "answered_")
# Kinds of events that only say that somebody was there, as active days do.
_PRESENCE: Final = ("login", "visit", "session")
NO_REASONS: Final = pl.DataFrame(
    schema={"row": pl.UInt32, "rank": pl.UInt32, "habit": pl.String, "feature": pl.String, "contribution": pl.Float64}
)

Owners = npt.NDArray[np.int16]
Says = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Union:
    """Two habits that are one for the members for whom a condition holds.

    Args:
        habit: Joins the other and is not named itself.
        into: The habit joined.
        when: Where; null counts as nowhere.
    """

    habit: str
    into: str
    when: pl.Expr


def habits(features: Sequence[str], catalog: Sequence[Feature]) -> dict[str, tuple[str, ...]]:
    """Group features by habit: habit → its features, in the order given; a feature the catalog lacks is a habit of its own."""
    declared, joined_habits = _declared(catalog), dict(SAME_HABIT)
    counts = {habit for habit in declared.values() if habit.endswith("_count")}
    joined_habits |= {f"days_since_last_{count.removesuffix('_count')}": joined_habits.get(count, count) for count in counts}
    joined_habits |= {
        habit: SILENCE if habit.startswith("days") else ACTIVITY for habit in declared.values() if is_presence(habit)
    }
    if not any("events" in feature.needs for feature in catalog):
        joined_habits |= _ONLY_ORDERS
    joined_habits |= {SILENCE: SILENCE}
    grouped: dict[str, list[str]] = {}
    for name in features:
        habit = declared.get(name, name)
        grouped.setdefault(joined_habits.get(habit, habit), []).append(name)
    return {habit: tuple(names) for habit, names in grouped.items()}


def is_presence(name: str) -> bool:
    """Whether a feature or habit counts events that only say that somebody was there."""
    return name.removeprefix("days_since_last_").startswith(_PRESENCE)


def unions(catalog: Sequence[Feature]) -> tuple[Union, ...]:
    """List the habits that are one for some members.

    The last order or event of a type is the silence when it was on the last active day; the first order is the tenure when
    it was on the first day; the count of one type of event is the activity when there were no others; the gaps of somebody who
    is overdue say how long the silence is.
    """
    own = {feature.name for feature in catalog if feature.needs in ({"events"}, {"orders"})}
    types = {name for name in own if re.fullmatch(r".+_count_365d", name)} - {
        "event_count_365d",
        "order_count_365d",
        "refund_count_365d",
    }
    last = {name for name in own if name.startswith("days_since_last_")} - {"days_since_last_refund"}
    return (
        *(Union(name, SILENCE, pl.col(name) == pl.col(SILENCE)) for name in sorted(last)),
        *(Union(name.removesuffix("_365d"), ACTIVITY, pl.col(name) == pl.col("event_count_365d")) for name in sorted(types)),
        Union("first_order_age_days", "tenure", pl.col("first_order_age_days") == pl.col("tenure_days")),
        Union("gap", SILENCE, pl.col(_AWAY) > 1),
        Union(_AWAY, SILENCE, pl.col(_AWAY).is_not_null()),
        Union(_AWAY, ACTIVITY, pl.col(_AWAY).is_null()),
    )


def own_windows(features: Sequence[str], catalog: Sequence[Feature]) -> tuple[int | None, ...]:
    """Return for each feature the days whose activity of the member it tells; None where it tells something else."""
    told = {
        feature.name: RECENT_DAYS if feature.saying.template == "trend" else feature.saying.days
        for feature in catalog
        if not any(f"{word}_".startswith(_OF_OTHERS) for word in (feature.habit, feature.saying.template))
    }
    return tuple(told.get(name) for name in features)


def _declared(catalog: Sequence[Feature]) -> dict[str, str]:
    return {feature.name: feature.habit for feature in catalog} | {_AWAY: _AWAY}


@dataclass(frozen=True)
class Ranked:
    """The habits with the largest contributions of each row, the largest first.

    Args:
        owner: Row × feature → number of the habit that the feature counts under.
        habit: Row × rank → number of the habit.
        total: Row × rank → its contribution.
        says: Direction → row × feature → whether the feature may represent its habit in it.
    """

    owner: Owners
    habit: Owners
    total: Floats
    says: Mapping[int, Says]


@dataclass(frozen=True)
class Habits:
    """The habits behind a model's features.

    Args:
        features: The features that contribute, in the order of the columns of their contributions.
        grouped: Habit → its features.
        unions: Habits that are one for some members.
        declared: The habit of each feature in the catalog.
        own_windows: The days whose activity of the member each tells, or None.
    """

    features: tuple[str, ...]
    grouped: Mapping[str, tuple[str, ...]]
    unions: tuple[Union, ...]
    declared: tuple[str, ...]
    own_windows: tuple[int | None, ...]

    @classmethod
    def of(cls, features: tuple[str, ...], catalog: Sequence[Feature]) -> Habits:
        """Group the features a model reads."""
        grouped, habit_of = habits(features, catalog), _declared(catalog)
        declared = tuple(habit_of.get(name, name) for name in features)
        possible = tuple(union for union in unions(catalog) if union.habit in declared and union.into in grouped)
        return cls(features, grouped, possible, declared, own_windows(features, catalog))

    def rank(self, contributions: Floats, frame: pl.DataFrame, *, most: int, says: Mapping[int, Says]) -> Ranked:
        """Add up the contributions of each habit and rank the habits of each row by size.

        Args:
            contributions: One row per row of `frame`, one column per feature.
            frame: The features themselves.
            most: Habits to rank; those after them are left out.
            says: Direction (1 raises the risk, -1 lowers it) → row × feature → whether its value says so. A habit none of whose
                features says what the habit adds up to cannot be told: it is ranked last, with a contribution of 0.
        """
        owner = self._owners(frame)
        says = {direction: each & self._may_represent(owner) for direction, each in says.items()}
        totals = np.zeros((frame.height, len(self.grouped)))
        # Habit by habit: an array of rows × features × habits would be too large for a batch.
        for habit in range(len(self.grouped)):
            columns = np.flatnonzero((owner == habit).any(axis=0))
            own = np.where(owner[:, columns] == habit, contributions[:, columns], 0.0)
            total = own.sum(axis=1)
            can_be_told = {sign: ((sign * own > 0) & each[:, columns]).any(axis=1) for sign, each in says.items()}
            totals[:, habit] = np.where(np.where(total > 0, can_be_told[1], can_be_told[-1]), total, 0.0)
        # A stable sort: habits of equal size stay in the order of the features, whatever the rows.
        order = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :most]
        return Ranked(owner, order.astype(np.int16), np.take_along_axis(totals, order, axis=1), says)

    def name(self, ranked: Ranked, chosen: npt.NDArray[np.bool_], contributions: Floats) -> pl.DataFrame:
        """Name the chosen habits by the feature that represents each.

        One row per chosen row and rank, sorted by both: `row`, `rank`, `habit`, its `contribution`, and `feature`, the one of
        its features that say the habit's direction with the largest contribution in it.

        Args:
            ranked: The habits, ranked.
            chosen: Row × rank → whether that habit is a reason.
            contributions: One row per row, one column per feature.
        """
        reasons = [NO_REASONS]
        for rank in range(ranked.habit.shape[1]):
            rows = np.flatnonzero(chosen[:, rank])
            habit, total = ranked.habit[rows, rank], ranked.total[rows, rank]
            raises = (total > 0)[:, np.newaxis]
            speaks = (ranked.owner[rows] == habit[:, np.newaxis]) & np.where(raises, ranked.says[1][rows], ranked.says[-1][rows])
            # Contributions in the habit's direction; features that do not speak for it can never be the largest.
            support = np.where(speaks, contributions[rows] * np.sign(total)[:, np.newaxis], -np.inf)
            reasons_of_rank = {
                "row": pl.Series(rows, dtype=pl.UInt32),
                "rank": pl.Series(np.full(rows.size, rank), dtype=pl.UInt32),
                "habit": pl.Series(list(self.grouped), dtype=pl.String).gather(habit),
                "feature": pl.Series(self.features, dtype=pl.String).gather(support.argmax(axis=1)),
                "contribution": pl.Series(total, dtype=pl.Float64),
            }
            reasons.append(pl.DataFrame(reasons_of_rank))
        return pl.concat(reasons).sort("row", "rank")

    def _may_represent(self, owner: Owners) -> Says:
        """Whether a feature may represent its habit: the silence is told as such, and not as that of one kind of activity."""
        if SILENCE not in self.grouped:
            return np.ones(owner.shape, dtype=np.bool_)
        may: Says = (owner != list(self.grouped).index(SILENCE)) | np.isin(np.array(self.declared), _OF_SILENCE)
        return may

    def _owners(self, frame: pl.DataFrame) -> Owners:
        """Return the number of the habit of each feature for each row; a union changes it for the rows where it holds."""
        habit_number = {habit: position for position, habit in enumerate(self.grouped)}
        of_feature = {name: habit_number[habit] for habit, names in self.grouped.items() for name in names}
        declared_owner = np.array([of_feature[name] for name in self.features], dtype=np.int16)
        owner = np.tile(declared_owner, (frame.height, 1))
        declared = np.array(self.declared)
        for union in self.unions:
            if set(union.when.meta.root_names()) <= set(frame.columns):
                # A null condition, as before the first order, unites nothing.
                is_united = frame.select(union.when.fill_null(value=False)).to_series().to_numpy()
                # By the declared habit, so that unions do not chain.
                columns = np.flatnonzero(declared == union.habit)
                owner[np.ix_(np.flatnonzero(is_united), columns)] = habit_number[union.into]
        if SILENCE in self.grouped and SILENCE in frame.columns:
            silence = frame[SILENCE].fill_null(-1).to_numpy()
            for days in {*self.own_windows} - {None}:
                columns = np.flatnonzero(np.array(self.own_windows) == days)
                owner[np.ix_(np.flatnonzero(silence >= days), columns)] = habit_number[SILENCE]
        return owner
