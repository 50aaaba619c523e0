from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from wording.changes import why_changed
from wording.columns import SentenceContext

SCHEMA: dict[str, Any] = {
    "what": pl.String,
    "before": pl.String,
    "after": pl.String,
    "is_profiled": pl.Boolean,
    **dict.fromkeys(("score_before", "score_after", "probability_before", "probability_after"), pl.Float64),
    "action": pl.String,
    "text": pl.String,
}


def told(what: str, before: str | None, after: str | None, **columns: Any) -> str | None:
    row = {"what": what, "before": before, "after": after, "is_profiled": True, **columns}
    frame = pl.DataFrame([row], schema=SCHEMA)
    said: str | None = frame.select(why_changed(SentenceContext(frozenset(SCHEMA), None, date(2025, 6, 30)))).item()
    return said


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ((61.0, 72.4), "Value score up from 61 to 72."),
        ((72.0, 61.0), "Value score down from 72 to 61."),
        ((72.1, 71.9), "Value score 72 as before."),
        ((None, 20.0), "In no tier before, value score 20."),
        ((20.0, None), None),
    ],
)
def test_a_tier_is_explained_by_the_value_score(scores: tuple[float | None, float | None], sentence: str | None) -> None:
    assert told("tier", "silver", "gold", score_before=scores[0], score_after=scores[1]) == sentence


def test_a_risk_is_explained_by_its_reason_else_by_the_probabilities() -> None:
    assert told("churn_risk", "low", "high", text="no order for 61 days") == "No order for 61 days."
    figures = told("churn_risk", "low", "high", probability_before=0.124, probability_after=0.6)
    assert figures == "Likely to leave: 60 %, before 12 %."
    close = told("churn_risk", "high", "medium", probability_before=0.601, probability_after=0.597)
    assert close == "Likely to leave: 60 % as before, just across the line between two classes."
    assert told("churn_risk", None, "low", text="x") == "Active recently enough to be scored."
    assert told("churn_risk", "low", None) == "Not active recently enough to be scored."


@pytest.mark.parametrize("what", ["tier", "churn_risk"])
def test_who_may_no_longer_be_profiled_is_in_no_class(what: str) -> None:
    assert told(what, "x", None, is_profiled=False) == "May no longer be profiled."


def test_the_contact_list_is_explained_by_action_and_reason_or_by_what_kept_the_member_off() -> None:
    assert told("contact_list", None, "win_back", action="win_back", text="Silent.") == "Win back: Silent."
    assert told("contact_list", None, "win_back", action="win_back") == "Win back."
    assert told("contact_list", None, "listed", text="Last seen yesterday.") == "Last seen yesterday."
    assert told("contact_list", "win_back", None, text="cool-down until 3 July") == "Cool-down until 3 July."
    assert told("contact_list", "win_back", None) is None
