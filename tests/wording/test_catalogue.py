"""A second language is a second catalogue: nothing outside it is in English but numbers, months and what features mean."""

from __future__ import annotations

import re
from calendar import month_name
from dataclasses import replace
from string import Formatter

import polars as pl
import pytest

from tests.features.builders import AS_OF
from tests.wording.reasons.test_sentences import CATALOG, random_history
from wording.catalogue import Catalogue, Noun
from wording.columns import RAISES, SentenceContext
from wording.contacts import why_contact
from wording.english import ENGLISH
from wording.group_names import GroupNames
from wording.reasons.sentences import sentence
from wording.texts import fill

MARK = Noun("ж", "ж")
# Written by the modules that format numbers and dates, and units of features that have no template.
NOT_OF_THE_CATALOGUE = re.compile("|".join(["under", "over", "EUR", *month_name[1:]]))


def foreign(template: str) -> str:
    """The same placeholders with other words between them."""
    return "".join(
        ("ж" if text.strip() else text) + ("" if name is None else f"{{{name}{':' + spec if spec else ''}}}")
        for text, name, spec, _ in Formatter().parse(template)
    )


OTHER = Catalogue(
    sentences={key: foreign(template) for key, template in ENGLISH.sentences.items()},
    nouns=dict.fromkeys(ENGLISH.nouns, MARK),
    kinds={name: replace(kind, noun=MARK, last="ж", never="ж") for name, kind in ENGLISH.kinds.items()},
    event_noun=lambda _: MARK,
    groups=replace(
        ENGLISH.groups,
        adjectives=dict.fromkeys(ENGLISH.groups.adjectives, ("ж", None)),
        nouns=dict.fromkeys(ENGLISH.groups.nouns, "ж"),
        plain_adjective="ж",
        plain_noun="ж",
    ),
    columns={},
    topics=dict.fromkeys(ENGLISH.topics, "ж"),
)


@pytest.fixture(scope="module")
def members() -> pl.DataFrame:
    return random_history().with_columns(pl.lit(True).alias(RAISES), churn_probability=pl.lit(0.5))


def test_a_second_catalogue_says_every_reason_and_contact_in_its_own_words(members: pl.DataFrame) -> None:
    context = SentenceContext(frozenset(members.columns), "EUR", AS_OF, OTHER)
    said = members.select(*(sentence(feature, context).alias(feature.name) for feature in CATALOG), why=why_contact(context))
    told = [text for column in said for text in column]
    own_values = set(members.select(pl.col("platform", "region", "gender")).unpivot()["value"].drop_nulls())
    left = {word for text in told for word in re.findall(r"[A-Za-z]+", NOT_OF_THE_CATALOGUE.sub("", text))}
    assert left <= own_values


def test_a_second_catalogue_names_groups_and_fills_templates_in_its_own_words() -> None:
    assert GroupNames(OTHER).name({"active_days_365d": 1.0}, {}, kinds={}, taken=()) == "ж ж"
    assert fill("alert.remedy", catalogue=OTHER, remedy="Repair it.") == "жRepair it."


def test_a_template_is_filled_with_numbers_money_and_the_form_that_goes_with_a_number() -> None:
    assert fill("headline.data", n=1) == "1 row* was read; every one is accounted for and none broke a rule."
    assert fill("headline.data", n=1204).startswith("1,204 rows* were read")
    assert fill("headline.active.joined", n=0) == "; no members joined"
    assert fill("headline.expected", n=12.5, currency="GBP", days=90).startswith("£12.50* is what")
    assert fill("alert.failed", community="{n}", night="the night", code=3) == "{n}: the night failed (exit code 3)"
