"""Features of trends: the last 28 days compared with the level of the days before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from features.families.orders import spend_minor
from features.feature import NOTHING_NEEDED, Feature, Saying
from features.incremental.window_sums import count, first_date
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS

_RECENT_DAYS: Final = 28


def trend_features() -> list[Feature]:
    """Declare trend ratios: 1 is unchanged, below 1 is falling; null without a level to compare with."""
    events, orders, interactions = (frozenset({need}) for need in ("events", "orders", "interactions"))
    return [
        *_trends("active_days", "Active days", "activity", lambda days: pl.col(f"active.days_{days}d"), NOTHING_NEEDED),
        *_trends("event_count", "Events", "event", lambda days: count("event", days), events),
        *_trends("order_count", "Orders", "order", lambda days: count("order", days), orders),
        *_trends("received_count", "Interactions received", "received", lambda days: count("received", days), interactions),
        *(_spend_trend(days, orders) for days in LONG_WINDOWS_DAYS),
    ]


def _trends(habit: str, what: str, kind: str, counted: Callable[[int], pl.Expr], needs: frozenset[str]) -> list[Feature]:
    # A member who first did it within the recent days has no earlier level to compare with.
    has_earlier = first_date(kind) <= pl.col("as_of") - pl.duration(days=_RECENT_DAYS)
    return [
        Feature(
            name=_name(habit, days),
            meaning=f"{what} in the last four weeks, plus one, over the mean of four weeks before them, plus one; "
            f"measured within the last {days} days. Empty with nothing in them, or nothing ever before the four weeks.",
            unit="ratio",
            expression=pl.when(has_earlier & (counted(days) > 0)).then(
                (counted(_RECENT_DAYS) + 1) / (_earlier_level(counted, days) + 1)
            ),
            needs=needs,
            habit=f"{habit}_trend",
            saying=Saying("trend", habit, days),
        )
        for days in LONG_WINDOWS_DAYS
    ]


def _spend_trend(days: int, needs: frozenset[str]) -> Feature:
    # Smoothed by the member's own level, as adding one makes no sense for money.
    own_level = spend_minor(LONGEST_WINDOW_DAYS) * (_RECENT_DAYS / LONGEST_WINDOW_DAYS)
    recent = pl.max_horizontal(spend_minor(_RECENT_DAYS), pl.lit(0))
    earlier = pl.max_horizontal(_earlier_level(spend_minor, days), pl.lit(0.0))
    return Feature(
        name=_name("spend", days),
        meaning="Net spend in the last four weeks over its mean of four weeks before them, each plus the member's own mean of "
        f"four weeks over a year; measured within the last {days} days. Empty without net spend over the year.",
        unit="ratio",
        expression=pl.when(own_level > 0).then((recent + own_level) / (earlier + own_level)),
        needs=needs,
        habit="spend_trend",
        saying=Saying("trend", "spend", days),
    )


def _earlier_level(counted: Callable[[int], pl.Expr], days: int) -> pl.Expr:
    return (counted(days) - counted(_RECENT_DAYS)) * (_RECENT_DAYS / (days - _RECENT_DAYS))


def _name(habit: str, days: int) -> str:
    return f"{habit}_trend_{_RECENT_DAYS}d_vs_{days}d"
