"""Features of the amount of activity: counts per event type, active days, and days since each kind last happened."""

from __future__ import annotations

import polars as pl

from features.feature import NOTHING_NEEDED, Feature, Saying, days_until_as_of, windowed
from features.incremental.window_sums import count, last_date
from features.kinds import OTHER_EVENT, event_kinds

_EVENTS = frozenset({"events"})
_ORDERS = frozenset({"orders"})


def activity_features(event_types: tuple[str, ...]) -> list[Feature]:
    """Declare counts over every window; 0 without activity."""
    return [
        # Needs both: with events only, or orders only, it would repeat their own counts.
        *_counts("activity", "Events, orders and refunds of the member's own", "actions", _EVENTS | _ORDERS),
        *windowed(
            "active_days",
            "Days with any event, order or refund",
            "days",
            lambda days: pl.col(f"active.days_{days}d"),
            saying="amount",
        ),
        *_counts("event", "Events of every type", "events", _EVENTS),
        *(feature for kind in event_kinds(event_types) for feature in _counts(kind, f"Events of type {kind}", "events", _EVENTS)),
        *_counts(OTHER_EVENT, "Events of the types without features of their own", "events", _EVENTS),
        Feature(
            name="event_count_lifetime",
            meaning="Events of every type, ever.",
            unit="events",
            expression=count("event", None),
            needs=_EVENTS,
            habit="event_count",
            saying=Saying("amount", "event_count"),
        ),
    ]


def recency_features(event_types: tuple[str, ...]) -> list[Feature]:
    """Declare the days since each kind of activity last happened; null when never."""
    return [
        _recency("activity", "the last event, order or refund", NOTHING_NEEDED),
        *(_recency(kind, f"the last event of type {kind}", _EVENTS) for kind in event_kinds(event_types)),
        _recency("order", "the last order", _ORDERS),
        _recency("refund", "the last refund", _ORDERS),
        _recency("received", "another member last interacted with this one", frozenset({"interactions"})),
        _recency("content", "the member last published", frozenset({"content"})),
        _recency("contact", "the last message sent to the member", frozenset({"contacts"})),
        _recency("open", "the member last opened a message", frozenset({"contacts.opened_at"})),
        _recency("click", "the member last clicked in a message", frozenset({"contacts.clicked_at"})),
        _recency("feedback", "the member last gave a score", frozenset({"feedback.score"})),
    ]


def _counts(kind: str, meaning: str, unit: str, needs: frozenset[str]) -> list[Feature]:
    return windowed(f"{kind}_count", meaning, unit, lambda days: count(kind, days), saying="amount", needs=needs)


def _recency(kind: str, what: str, needs: frozenset[str]) -> Feature:
    return Feature(
        name=f"days_since_last_{kind}",
        meaning=f"Days since {what}; empty when never.",
        unit="days",
        expression=days_until_as_of(last_date(kind)),
        needs=needs,
        habit=f"days_since_last_{kind}",
        saying=Saying("last_seen" if kind == "activity" else "last_time", kind),
    )
