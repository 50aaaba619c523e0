from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wording import numbers as words


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.count(0, "member"), "no members"),
        (words.count(1, "member"), "1 member"),
        (words.count(1204, "member"), "1,204 members"),
        (words.count(2, "category"), "2 categories"),
        (words.count(2, "day"), "2 days"),
        (words.number(-3.456, digits=2), "−3.46"),
        (words.number(-0.001, digits=2), "0.00"),
        (words.percent(0.0312), "3\u00a0%"),
        (words.percent(0.0), "0\u00a0%"),
        (words.percent(0.001), "under 1\u00a0%"),
        (words.percent(0.9999), "over 99\u00a0%"),
        (words.percent(1.0), "100\u00a0%"),
        (words.share(1, 0), "–"),
        (words.share(1, 4), "25\u00a0%"),
        (words.money(12345.6, "GBP"), "£12,346"),
        (words.money(-3.5, "EUR"), "−€3.50"),
        (words.money(-0.001, "EUR"), "€0.00"),
        (words.money(1200, "CHF"), "1,200\u00a0CHF"),
        (words.money(0, None), "0"),
        (words.difference(12, 10), "+2"),
        (words.difference(7, 10), "−3"),
        (words.difference(7, 7), "0"),
        (words.difference(7, None), "–"),
        (words.day(date(2011, 8, 31)), "Wednesday 31 August 2011"),
        (words.short_day(date(2011, 8, 1)), "1 Aug 2011"),
    ],
)
def test_numbers_are_written_as_one_reads_them(said: str, expected: str) -> None:
    assert said == expected


@given(st.integers(-(10**12), 10**12))
def test_a_count_keeps_its_digits(n: int) -> None:
    assert int(words.number(n).replace(",", "").replace("−", "-")) == n
