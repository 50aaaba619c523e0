from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from wording.columns import SentenceContext
from wording.contacts import why_contact

KNOWN = ("tenure_days", "days_since_last_activity", "active_days_365d", "spend_365d")


def told(currency: str | None = "EUR", **columns: float | None) -> str:
    frame = pl.DataFrame({name: [value] for name, value in columns.items()}, strict=False)
    said: str = frame.select(why_contact(SentenceContext(frozenset(frame.columns), currency, date(2025, 6, 30)))).item()
    return said


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ((800, 41, 97, 240.4), "Was active 9 days a month, last seen 41 days ago, spent 240 EUR in a year."),
        ((800, 0, 12, 0.0), "Active about once a month, seen today."),
        ((10, 1, 1, None), "Active on a single day, last seen yesterday."),
        ((800, 27, 97, 0.0), "Active 9 days a month, last seen 27 days ago."),
        ((800, 28, 97, 0.0), "Was active 9 days a month, last seen 28 days ago."),
        ((None, 3, 8, -5.0), "Last seen 3 days ago."),
        ((None, 1204, None, 1204.5), "Last seen 1204 days ago, spent 1205 EUR in a year."),
        ((None, None, None, 0.4), "Likely to leave: 50 %."),
    ],
)
def test_the_reason_is_a_plain_sentence(known: tuple[float | None, ...], reason: str) -> None:
    assert told(churn_probability=0.495, **dict(zip(KNOWN, known, strict=True))) == reason


def test_what_a_community_does_not_know_is_left_out() -> None:
    assert told(None, churn_probability=0.5, spend_365d=3.0) == "Spent 3 in a year."
    assert told(churn_probability=0.5) == "Likely to leave: 50 %."
