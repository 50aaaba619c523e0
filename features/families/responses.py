"""Features of responses: messages sent, opened and clicked, and feedback given."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.feature import Feature, share, windowed
from features.incremental.window_sums import amount, count
from features.rollups.daily import SCORE_SCALE
from features.windows import LONG_WINDOWS_DAYS, LONGEST_WINDOW_DAYS

_CONTACTS: Final = frozenset({"contacts"})
_OPENS: Final = frozenset({"contacts.opened_at"})
_CLICKS: Final = frozenset({"contacts.clicked_at"})
_FEEDBACK: Final = frozenset({"feedback"})
_SCORES: Final = frozenset({"feedback.score"})


def contact_features() -> list[Feature]:
    """Declare counts and rates of messages sent, opened and clicked, each counted on the day it happened."""
    return [
        *_counts("contact", "Messages sent to the member", "messages", _CONTACTS),
        *_counts("open", "Messages the member opened", "messages", _OPENS),
        *_counts("click", "Messages the member clicked in", "messages", _CLICKS),
        *_rate("open", "Messages opened per message sent", _OPENS),
        *_rate("click", "Messages clicked per message sent", _CLICKS),
    ]


def feedback_features() -> list[Feature]:
    """Declare the number of answers, and the mean and last score; scores are null without any."""
    return [
        *windowed(
            "feedback_count",
            "Times the member gave feedback",
            "answers",
            lambda days: count("feedback", days) + count("feedback_unscored", days),
            saying="amount",
            needs=_FEEDBACK,
            windows_days=LONG_WINDOWS_DAYS,
        ),
        *windowed(
            "mean_feedback_score",
            "Mean score the member gave; empty without a score",
            "score",
            # Divided by scored answers only; unscored ones are another kind.
            lambda days: share(amount("feedback", days), count("feedback", days) * SCORE_SCALE),
            needs=_SCORES,
            windows_days=(LONGEST_WINDOW_DAYS,),
        ),
        Feature(
            name="last_feedback_score",
            meaning="Mean score of the last day on which the member gave one; empty when never.",
            unit="score",
            expression=pl.col("feedback.last_score"),
            needs=_SCORES,
            habit="feedback_score",
        ),
    ]


def _counts(kind: str, meaning: str, unit: str, needs: frozenset[str]) -> list[Feature]:
    return windowed(f"{kind}_count", meaning, unit, lambda days: count(kind, days), saying="amount", needs=needs)


def _rate(kind: str, meaning: str, needs: frozenset[str]) -> list[Feature]:
    return windowed(
        f"{kind}_rate",
        f"{meaning}; empty without a message",
        "messages per message",
        lambda days: share(count(kind, days), count("contact", days)),
        saying="answered",
        about=kind,
        needs=needs,
        windows_days=LONG_WINDOWS_DAYS,
    )
