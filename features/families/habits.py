"""Features of the pattern of activity: hours, weekdays, and variety of event types."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.feature import Feature, share, windowed
from features.incremental.active_days import DAY_PARTS
from features.incremental.window_sums import DISTINCT_TYPES_WINDOWS_DAYS, count, distinct_event_types
from features.kinds import OTHER_EVENT, event_kinds
from features.ordered import sum_in_order
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS

_EVENTS: Final = frozenset({"events"})
_HOURS: Final = {"night": "0 to 5", "morning": "6 to 11", "afternoon": "12 to 17", "evening": "18 to 23"}


def hour_features() -> list[Feature]:
    """Declare the share of activity in each part of the local day; null without activity in the window."""
    return [feature for part in DAY_PARTS for feature in _day_part(part)]


def weekday_features() -> list[Feature]:
    """Declare the share of active days on weekends and on the most used weekday; null without active days in the window."""
    return [
        *windowed(
            "weekend_share",
            "Share of the active days that are a Saturday or Sunday",
            "share",
            lambda days: share(pl.col(f"active.weekend_days_{days}d"), _active_days(days)),
            windows_days=LONG_WINDOWS_DAYS,
        ),
        *windowed(
            "most_used_weekday_share",
            "Share of the active days that fall on the member's most used weekday",
            "share",
            lambda days: share(pl.col(f"active.most_used_weekday_days_{days}d"), _active_days(days)),
            windows_days=(LONGEST_WINDOW_DAYS,),
        ),
    ]


def diversity_features(event_types: tuple[str, ...]) -> list[Feature]:
    """Declare the number of distinct event types, and the entropy of their use; the latter is null without events."""
    kinds = (*event_kinds(event_types), OTHER_EVENT)
    return [
        *windowed(
            "distinct_event_types",
            "Different event types used",
            "event types",
            distinct_event_types,
            needs=_EVENTS,
            windows_days=DISTINCT_TYPES_WINDOWS_DAYS,
        ),
        *windowed(
            "event_type_entropy",
            "Shannon entropy of the event types, those without features of their own as one; empty without events",
            "nats",
            lambda days: _entropy(kinds, days),
            needs=_EVENTS,
            windows_days=(LONGEST_WINDOW_DAYS,),
        ),
    ]


def _day_part(part: str) -> list[Feature]:
    return windowed(
        f"{part}_share",
        f"Share of the activity between the hours {_HOURS[part]} of the local day",
        "share",
        lambda days: share(
            pl.col(f"active.{part}_n_{days}d"),
            pl.sum_horizontal([f"active.{each}_n_{days}d" for each in DAY_PARTS]),  # noqa: TID251 - whole numbers
        ),
        saying="hours",
        about=part,
        windows_days=LONG_WINDOWS_DAYS,
    )


def _active_days(days: int) -> pl.Expr:
    return pl.col(f"active.days_{days}d")


def _entropy(kinds: tuple[str, ...], days: int) -> pl.Expr:
    """Return Shannon's H = −Σ p ln p over the kinds, summed in fixed order, so that rounding is the same in every run."""
    shares = [share(count(kind, days), count("event", days)) for kind in kinds]
    surprise = [pl.when(p > 0).then(-p * p.log()).otherwise(0.0) for p in shares]
    return pl.when(count("event", days) > 0).then(sum_in_order(surprise))
