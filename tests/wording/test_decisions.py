from __future__ import annotations

from datetime import date

import pytest

from wording.decisions import arm_in_words, contacted_in_words, outcome_in_words, why_not_listed


@pytest.mark.parametrize(
    ("outcome", "value", "words"),
    [
        ("returned", 1.0, "came back"),
        ("returned", 0.0, "did not come back"),
        ("posted", 1.0, "posted"),
        ("posted", 0.0, "did not post"),
        ("spent", 12.5, "spent €12.50"),
        ("login", 1.0, "1 login"),
        ("login", 0.0, "no logins"),
    ],
)
def test_an_outcome_is_told_by_what_it_judges(outcome: str, value: float, words: str) -> None:
    assert outcome_in_words(outcome, value, currency="EUR") == words


def test_only_a_listed_member_was_contacted_or_not() -> None:
    day = date(2025, 6, 3)
    assert contacted_in_words("listed", day, is_known=True) == "3 Jun 2025"
    assert contacted_in_words("listed", None, is_known=True) == "no"
    assert contacted_in_words("listed", None, is_known=False) == "not known yet"
    assert contacted_in_words("all", None, is_known=False) == ""


def test_arms_and_rules_have_words_of_their_own() -> None:
    assert arm_in_words("win_back") == "left alone, to measure this action"
    assert why_not_listed("cool-down") == "reached by the same action too recently"
