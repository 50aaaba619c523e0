"""Features of relations with other members: interactions given and received, and content published."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.feature import Feature, share, windowed
from features.incremental.people import PEOPLE_WINDOWS_DAYS
from features.incremental.window_sums import count
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS

_INTERACTIONS: Final = frozenset({"interactions"})


def people_features() -> list[Feature]:
    """Declare counts of interactions, distinct people and content, and how mutual interactions are."""
    return [
        *windowed(
            "given_count",
            "Interactions given to other members",
            "interactions",
            _given,
            saying="amount",
            needs=_INTERACTIONS,
        ),
        *windowed(
            "received_count",
            "Interactions received from other members, directly or through content",
            "interactions",
            lambda days: count("received", days),
            saying="amount",
            needs=_INTERACTIONS,
        ),
        *_people("given", "Different members this one interacted with"),
        *_people("received", "Different members who interacted with this one"),
        *windowed(
            "received_share",
            "Share of the interactions with others that were received rather than given; empty without any",
            "share",
            lambda days: share(count("received", days), count("received", days) + _given(days)),
            needs=_INTERACTIONS,
            windows_days=LONG_WINDOWS_DAYS,
        ),
        *windowed(
            "reciprocity_share",
            "Share of the people interacted with who interacted back; empty without any",
            "share",
            lambda days: share(pl.col(f"mutual.people_{days}d"), pl.col(f"given.people_{days}d")),
            needs=_INTERACTIONS,
            windows_days=(LONGEST_WINDOW_DAYS,),
        ),
        *windowed(
            "content_count",
            "Pieces of content published",
            "pieces",
            lambda days: count("content", days),
            saying="amount",
            needs=frozenset({"content"}),
        ),
    ]


def _given(days: int) -> pl.Expr:
    return pl.col(f"given.n_{days}d")


def _people(direction: str, meaning: str) -> list[Feature]:
    return windowed(
        f"distinct_people_{direction}",
        meaning,
        "people",
        lambda days: pl.col(f"{direction}.people_{days}d"),
        needs=_INTERACTIONS,
        windows_days=PEOPLE_WINDOWS_DAYS,
    )
