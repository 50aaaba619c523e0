"""Alarms: anomalies that tell of one thing put together, ranked, with the groups that drive them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import log
from typing import Final

from community.anomalies import Anomaly, Usual
from community.figures import WHOLE
from community.watched import ROWS, Direction, Watched

# Groups that changed at least so much more than the community are named.
_OVER_PROPORTION: Final = 1.3
_LEAST_PART: Final = 0.25
MOST_GROUPS: Final = 3
# From here on fewer rows are a fault of the data; else they follow from what members do.
_DATA_FAULT: Final = 0.6
# A consequence that changed so much more than its cause is told by itself.
_MUCH_MORE: Final = 1.5
_LARGEST_SIZE: Final = 3.0
_GOOD_NEWS: Final = 0.2
# How much depends on a subject, for the order; what comes first explains what comes later.
_WEIGHTS: Final = {"activity": 3.0, "leaving": 2.5, "commerce": 2.5, "crisis": 4.0, "feedback": 2.0, "contribution": 1.5}
_FOLLOW: Final[Mapping[str, frozenset[str]]] = {
    "rows.events": frozenset({"activity", "joining", "newcomers", "contribution", "rows.content", "drift"}),
    "rows.orders": frozenset({"commerce", "activity", "joining", "newcomers", "refunds", "drift"}),
    "rows.content": frozenset({"contribution"}),
    "rows.feedback": frozenset({"answers", "feedback"}),
    "rows.contacts": frozenset({"messages"}),
    "activity": frozenset({"contribution", "commerce", "newcomers", "answers", "drift", f"{ROWS}events", f"{ROWS}content"}),
    "commerce": frozenset({f"{ROWS}orders", "refunds", "activity"}),
    "joining": frozenset({"newcomers"}),
    "crisis": frozenset({"feedback"}),
}
_DATA_WEIGHT: Final = 5.0


@dataclass(frozen=True)
class Driver:
    """A group that drives an alarm.

    Args:
        dimension: The group, such as `platform=ios`.
        now: The figure of the group since the first day.
        usual: What would have been usual.
    """

    dimension: str
    now: float
    usual: float


@dataclass(frozen=True)
class Alarm:
    """Something that left what is usual, told as one.

    Args:
        subject: What it tells of.
        figure: The figure that leads it.
        dimension: The group whose figure leads; empty for the whole community.
        since: The first day.
        now: The figure since then.
        usual: What would have been usual.
        sure: By how many standard errors it left.
        is_bad: Whether that is bad news.
        also: Other figures that tell of the same.
        drivers: The groups that drive it, the largest change first.
        words: What people write of, where texts are its reason.
        members: Different members behind it, where these are counted.
    """

    subject: str
    figure: str
    dimension: str
    since: date
    now: float
    usual: float
    sure: float
    is_bad: bool = True
    also: tuple[str, ...] = ()
    drivers: tuple[Driver, ...] = ()
    words: tuple[str, ...] = ()
    members: int | None = None

    @property
    def direction(self) -> Direction:
        """Return whether it is less or more than usual."""
        return "less" if self.now < self.usual else "more"

    @property
    def key(self) -> str:
        """Return what makes tonight's alarm the same as that of the night before."""
        return f"{self.subject}.{self.direction}"

    @property
    def kind(self) -> str:
        """Return what kind of subject it has: several topics may be a crisis each."""
        return self.subject.partition(":")[0]

    @property
    def size(self) -> float:
        """Return how far it is from what is usual: the logarithm of the ratio, at most that of about twenty."""
        return size_of(self.now, self.usual)

    @property
    def is_data_fault(self) -> bool:
        """Return whether so many rows are missing that the export is at fault, and not what members do."""
        return self.subject.startswith(ROWS) and self.now <= (1 - _DATA_FAULT) * self.usual

    @property
    def rank(self) -> float:
        """Return how much it asks for attention."""
        weight = _DATA_WEIGHT if self.is_data_fault else _WEIGHTS.get(self.kind, 1.0)
        return weight * (1.0 if self.is_bad else _GOOD_NEWS) * self.size


def size_of(now: float, usual: float) -> float:
    """Return the absolute logarithm of a ratio, at most 3.

    Args:
        now: A figure.
        usual: What would have been usual.
    """
    if min(now, usual) <= 0:
        return 0.0 if now == usual else _LARGEST_SIZE
    return min(_LARGEST_SIZE, abs(log(now / usual)))


def group(anomalies: Iterable[Anomaly], usual: Usual, watched: Mapping[str, Watched]) -> list[Alarm]:
    """Make one alarm of all anomalies of a subject and direction.

    Args:
        anomalies: The anomalies of the night, the least likely by chance first.
        usual: The figures beside what is usual.
        watched: Figure → how it is watched.
    """
    together: dict[tuple[str, bool], list[Anomaly]] = {}
    for one in anomalies:
        how = watched[one.figure]
        together.setdefault((how.subject, how.bad in (None, one.direction)), []).append(one)
    return [_alarm(subject, parts, usual, is_bad=is_bad) for (subject, is_bad), parts in together.items()]


def rank(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """Put alarms that follow from others into these, and sort by how much they ask for attention.

    Args:
        alarms: The alarms of the night.
    """
    left = sorted(alarms, key=lambda one: (-one.rank, one.key))
    told: list[Alarm] = []
    for alarm in left:
        cause = next((place for place, one in enumerate(told) if _explains(one, alarm)), None)
        if cause is None:
            told.append(alarm)
        else:
            also = dict.fromkeys((*told[cause].also, alarm.figure, *alarm.also))
            also.pop(told[cause].figure, None)
            told[cause] = replace(told[cause], also=tuple(also))
    return tuple(told)


def _alarm(subject: str, parts: list[Anomaly], usual: Usual, *, is_bad: bool) -> Alarm:
    # The whole community speaks for its groups.
    lead = next((one for one in parts if one.dimension == WHOLE), parts[0])
    figures = tuple(dict.fromkeys(one.figure for one in parts if one.figure != lead.figure))
    drivers = tuple(_drivers(lead, usual)) if lead.dimension == WHOLE else _groups(parts, lead)
    return Alarm(
        subject, lead.figure, lead.dimension, lead.since, lead.now, lead.usual, lead.change_sure, is_bad, figures, drivers
    )


def _groups(parts: list[Anomaly], lead: Anomaly) -> tuple[Driver, ...]:
    """Return the other groups of the same figure that left what is usual."""
    others = [one for one in parts if one.figure == lead.figure and one.dimension != lead.dimension]
    return tuple(Driver(one.dimension, one.now, one.usual) for one in others[: MOST_GROUPS - 1])


def _drivers(lead: Anomaly, usual: Usual) -> Iterator[Driver]:
    """Yield the groups of the dimension that explains most: those that changed more than their part of the community."""
    change = lead.now - lead.usual
    best: list[tuple[float, Driver]] = []
    kinds: dict[str, list[tuple[float, Driver]]] = {}
    for dimension, now, was in usual.changes(lead.figure, lead.since):
        if dimension == WHOLE or not change or not lead.usual:
            continue
        part = (now - was) / change
        if part >= _LEAST_PART and part >= _OVER_PROPORTION * was / lead.usual:
            kinds.setdefault(dimension.partition("=")[0], []).append((part, Driver(dimension, now, was)))
    for groups in kinds.values():
        if sum(part for part, _ in groups) > sum(part for part, _ in best):
            best = groups
    yield from (driver for _, driver in sorted(best, key=lambda one: -one[0])[:MOST_GROUPS])


def _explains(cause: Alarm, follower: Alarm) -> bool:
    if follower.subject not in _FOLLOW.get(cause.kind, frozenset()):
        return False
    if cause.subject.startswith(ROWS):
        # Where rows are missing, everything counted from them is.
        return cause.is_data_fault and follower.is_bad
    if follower.subject.startswith(ROWS):
        return cause.direction == follower.direction and not follower.is_data_fault
    same_way = cause.is_bad == follower.is_bad
    return same_way and (cause.kind == "crisis" or follower.size <= _MUCH_MORE * cause.size)
