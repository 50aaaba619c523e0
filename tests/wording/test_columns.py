from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wording import columns
from wording.catalogue import Noun
from wording.columns import SentenceContext
from wording.english import ENGLISH
from wording.english.grammar import event_noun


def said(phrase: pl.Expr, **columns: object) -> list[str | None]:
    return pl.DataFrame(columns, strict=False).select(phrase.alias("text"))["text"].to_list()


N = pl.col("n").cast(pl.Float64)
CONTEXT = SentenceContext(frozenset({"n"}), None, date(2026, 2, 3))
POUNDS = replace(CONTEXT, currency="GBP")
DAY = ENGLISH.nouns["day"]


@pytest.mark.parametrize(
    ("phrase", "numbers", "texts"),
    [
        (columns.whole(N), [0, 0.4, 0.5, 999, 1000, -1204, 1234567], ["0", "0", "1", "999", "1,000", "−1,204", "1,234,567"]),
        (columns.decimal(N), [0.04, 6.84, 7, -0.04, -2.5, 120.6, 1204], ["0", "6.8", "7", "0", "−2.5", "121", "1,204"]),
        (columns.counted(N, DAY), [0, 1, 1.2, 2, 1001], ["0 days", "1 day", "1 day", "2 days", "1,001 days"]),
        (columns.percent(N), [0, 0.001, 0.3, 0.999, 1], ["0 %", "under 1 %", "30 %", "over 99 %", "100 %"]),
        (
            POUNDS.money(N),
            [3.5, 12, 0.07, 1204.5, 0],
            ["3.50 GBP", "12 GBP", "0.07 GBP", "1,205 GBP", "0 GBP"],
        ),
        (CONTEXT.money(N), [3.5, 1000], ["3.50", "1,000"]),
        (CONTEXT.span(N), [1, 365, 366, 729, 730, 1200], ["1 day", "365 days", "12 months", "24 months", "2 years", "3 years"]),
        (CONTEXT.ago(N), [0, 1, 41, 400], ["today", "yesterday", "41 days ago", "13 months ago"]),
        (CONTEXT.month(N), [2, 3, 34, 230], ["February", "January", "December 2025", "June 2025"]),
    ],
)
def test_numbers_are_said_in_plain_english_and_null_stays_null(
    phrase: pl.Expr, numbers: list[float], texts: list[str | None]
) -> None:
    assert said(phrase, n=[*numbers, None]) == [*texts, None]


@pytest.mark.parametrize(
    ("slug", "one", "many"),
    [
        ("comment", "comment", "comments"),
        ("poll_vote", "poll vote", "poll votes"),
        ("reply", "reply", "replies"),
        ("search", "search", "searches"),
        ("page_views", "page view", "page views"),
        ("access", "access", "accesses"),
        ("logged_in", "“logged in” event", "“logged in” events"),
        ("video_watched", "“video watched” event", "“video watched” events"),
        ("42", "“42” event", "“42” events"),
    ],
)
def test_event_types_become_nouns_and_what_is_none_is_quoted(slug: str, one: str, many: str) -> None:
    assert event_noun(slug) == Noun(one, many)


@given(st.integers(min_value=-(10**9) + 1, max_value=10**9 - 1))
def test_whole_numbers_are_written_with_separators(number: int) -> None:
    assert said(columns.whole(N), n=[number]) == [f"{number:,}".replace("-", "−")]


def test_the_first_condition_that_holds_decides_and_null_does_not_hold() -> None:
    chosen = columns.cases((N > 2, "many"), (N > 1, columns.join("just ", columns.whole(N))), otherwise="few")
    assert said(chosen, n=[3, 2, 1, None]) == ["many", "just 2", "few", "few"]
