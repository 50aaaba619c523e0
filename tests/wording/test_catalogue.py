"""A second language is a second catalogue: nothing outside it is in English but numbers, months and what features mean."""

from __future__ import annotations

import re
from calendar import month_name

import polars as pl
import pytest

from tests.features.builders import AS_OF
from tests.wording.foreign import OTHER
from tests.wording.reasons.test_sentences import CATALOG, random_history
from wording.columns import COMPARED_WITH, COMPARISON, COMPARISON_TEXT, RAISES, SentenceContext
from wording.contacts import why_contact
from wording.group_names import GroupNames
from wording.reasons.compared import compared_sentence
from wording.texts import fill

# Written by the modules that format numbers and dates, and units of features that have no template.
NOT_OF_THE_CATALOGUE = re.compile("|".join(["under", "over", "EUR", *month_name[1:]]))


@pytest.fixture(scope="module")
def members() -> pl.DataFrame:
    compared = ("past", "until", "new", "first_year", "longer", "everybody", "level")
    with_all = random_history().join(pl.DataFrame({COMPARED_WITH: compared}), how="cross")
    constants = {RAISES: True, COMPARISON: 12.0, COMPARISON_TEXT: None}
    return with_all.with_columns(
        *(pl.lit(value).alias(name) for name, value in constants.items()), churn_probability=pl.lit(0.5)
    ).cast({COMPARISON_TEXT: pl.String})


def test_a_second_catalogue_says_every_reason_and_contact_in_its_own_words(members: pl.DataFrame) -> None:
    context = SentenceContext(frozenset(members.columns), "EUR", AS_OF, OTHER)
    said = members.select(
        *(compared_sentence(feature, context).alias(feature.name) for feature in CATALOG), why=why_contact(context)
    )
    told = [text for column in said for text in column]
    own_values = set(members.select(pl.col("platform", "region", "gender")).unpivot()["value"].drop_nulls())
    left = {word for text in told for word in re.findall(r"[A-Za-z]+", NOT_OF_THE_CATALOGUE.sub("", text))}
    assert left <= own_values


def test_a_second_catalogue_names_groups_and_fills_templates_in_its_own_words() -> None:
    assert GroupNames(OTHER).name({"active_days_365d": 1.0}, {}, kinds={}, taken=()) == "ж ж"
    assert fill("alert.remedy", catalogue=OTHER, remedy="Repair it.") == "жRepair it."
