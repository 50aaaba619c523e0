"""The sentence of a reason: a feature's value, and what it is compared with.

"Active on 3 days in the last 28 days, usually on 12", "Spent 40 EUR in the last year, members of over a year: 240 EUR".
"""

from __future__ import annotations

from typing import Final

import polars as pl

from wording.columns import COMPARED_WITH, COMPARISON, COMPARISON_TEXT, SentenceContext, cases, rounded, sentence_case
from wording.reasons import amounts, traits
from wording.reasons.described_feature import DescribedFeature
from wording.reasons.sentences import sentence

_BANDS: Final = ("new", "first_year", "longer", "everybody")
_AGO: Final = ("last_seen", "last_time", "days_since_first_activity", "first_order_age_days")
_SPANS: Final = ("tenure_days", "first_to_last_order_days")
_SHARES: Final = ("share", "messages per message")
_FRACTIONS: Final = ("", "ratio", "score", "nats")


def compared_sentence(feature: DescribedFeature, context: SentenceContext) -> pl.Expr:
    """Make the expression that says a feature's value beside what it is compared with; capitalised, without a full stop.

    It reads the columns `COMPARED_WITH`, `COMPARISON` and `COMPARISON_TEXT`.

    Args:
        feature: The feature.
        context: The data that the sentence may use.
    """
    compared_with, number, template = pl.col(COMPARED_WITH), pl.col(COMPARISON), feature.saying.template
    said = pl.concat_str([sentence(feature, context), pl.coalesce(_continued(feature, context), pl.lit(""))])
    if template == "last_seen":
        own = context.number("churn_probability")
        is_less = (compared_with == "level") & (rounded(own * 100) < rounded(number * 100))
        return cases((is_less, context.say("compared.beside_level", share=number, own=own)), otherwise=said)
    if template == "amount":
        stopped = sentence_case(amounts.stopped(context, feature.saying, number))
        return cases(((compared_with == "until") & stopped.is_not_null(), stopped), otherwise=said)
    return said


def _continued(feature: DescribedFeature, context: SentenceContext) -> pl.Expr:
    """Say what the value is compared with, as the end of a sentence; "" where nothing is."""
    compared_with, number = pl.col(COMPARED_WITH), pl.col(COMPARISON)
    if feature.unit == "category":
        return context.say("compared.most", usual=pl.col(COMPARISON_TEXT))
    if feature.unit == "flag":
        return cases((number.is_not_null(), context.say("compared.unlike")), otherwise="")
    usual = _as_value(feature, context, number)
    peers = [(compared_with == band, context.say(f"compared.{band}", usual=usual)) for band in _BANDS]
    past = _own_past(feature, context, number)
    return cases(
        (compared_with == "past", past),
        *peers,
        (compared_with == "level", context.say("compared.level", share=number)),
        otherwise="",
    )


def _own_past(feature: DescribedFeature, context: SentenceContext, number: pl.Expr) -> str | pl.Expr:
    match feature.saying.template:
        case "amount":
            return context.say("amount.usual", usual=amounts.alone(context, feature.saying, number))
        case "trend":
            return amounts.from_level(context, feature.saying, number)
        case "last_seen":
            return traits.usually_back(context, number)
        case "last_time":
            return traits.before_that(context, number)
        case _:
            return ""


def _as_value(feature: DescribedFeature, context: SentenceContext, number: pl.Expr) -> pl.Expr:
    """Write a number as the feature's own values are written."""
    key = feature.saying.template or feature.name
    if key == "amount":
        return amounts.alone(context, feature.saying, number)
    if key in _AGO:
        return context.ago(number)
    if key in _SPANS:
        return context.span(number)
    if feature.unit == "currency units":
        return context.money(number)
    if feature.unit in _SHARES:
        return context.say("compared.share", n=number)
    return context.say("compared.decimal" if feature.unit in _FRACTIONS else "compared.whole", n=number)
