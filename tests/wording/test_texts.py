from __future__ import annotations

from datetime import date

import pytest

from tests.wording.foreign import OTHER, WORD
from wording.texts import days_ago, fill, label, listing, name, pieces


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (days_ago(0), "today"),
        (days_ago(1), "yesterday"),
        (days_ago(1200), "1,200 days ago"),
        (listing([]), ""),
        (listing(["a"]), "a"),
        (listing(["a", "b", "c"]), "a, b and c"),
        (label("at_risk"), "At risk"),
        (name("past_rate"), "past rate"),
        (label("steady big spenders"), "Steady big spenders"),
    ],
)
def test_names_ages_and_listings_are_said_as_one_reads_them(said: str, expected: str) -> None:
    assert said == expected


def test_a_template_is_filled_with_numbers_money_and_the_form_that_goes_with_a_number() -> None:
    assert fill("headline.data", n=1) == "1 row* was read; every one is accounted for and none was set aside."
    assert fill("headline.data", n=1204).startswith("1,204 rows* were read")
    assert fill("headline.active.joined", n=0) == "; no members joined"
    assert fill("headline.expected", n=12.5, currency="GBP", days=90).startswith("£12.50* is what")
    assert fill("alert.failed", community="{n}", night="it", kind="a bug", code=1) == "{n}: it failed: a bug (exit code 1)"


def test_a_template_is_filled_with_days_ages_shares_and_digits() -> None:
    assert fill("models.trained", night=date(2011, 6, 2), age=1) == "Learnt from everything up to 2 Jun 2011 (yesterday)."
    assert fill("card.title", member="m1", night=date(2011, 8, 31)) == "Member m1, as of Wednesday 31 August 2011"
    assert fill("backtest.lead.bounds", lower=-0.0104, upper=0.02) == "−0.010 to 0.020"


def test_the_words_of_a_template_are_kept_apart_from_its_values() -> None:
    assert list(pieces("flows.lost", table="<b>")) == [("", "<b>"), (" does not add up.", "")]


def test_another_catalogue_names_joins_and_counts_in_its_own_words() -> None:
    assert name("at_risk", catalogue=OTHER) == WORD
    assert listing(["1", "2"], catalogue=OTHER) == f"1{WORD}2"
    assert days_ago(0, catalogue=OTHER) == WORD
