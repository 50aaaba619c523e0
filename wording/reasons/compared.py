"""The sentence of a reason: a feature's value, and what it is compared with.

"Active on 3 days in the last 28 days, usually on 12", "Spent 40 EUR in the last year, members of over a year: 240 EUR".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from wording.columns import COMPARED_WITH, COMPARISON, COMPARISON_TEXT, SentenceContext, cases, rounded, sentence_case
from wording.reasons import amounts, traits
from wording.reasons.described_feature import DescribedFeature
from wording.reasons.sentences import sentence

_BANDS: Final = ("new", "first_year", "longer", "everybody")
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
        beside = sentence_case(amounts.beside_others(context, feature.name, feature.saying))
        beside = pl.concat_str([beside, pl.coalesce(_continued(feature, context), pl.lit(""))])
        return cases(
            ((compared_with == "until") & stopped.is_not_null(), stopped),
            (compared_with.is_in(_BANDS) & beside.is_not_null(), beside),
            otherwise=said,
        )
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
            return context.say("amount.usual", usual=amounts.alone(context, feature.name, feature.saying, number))
        case "trend":
            return amounts.from_level(context, feature.saying, number)
        case "last_seen":
            return traits.usually_back(context, number)
        case "last_time":
            return traits.before_that(context, number)
        case _:
            return ""


def _as_value(feature: DescribedFeature, context: SentenceContext, number: pl.Expr) -> pl.Expr:
    """Write a number in the terms of the feature's own sentence."""
    key = feature.saying.template or feature.name
    if key in _WRITTEN:
        return _WRITTEN[key](feature, context, number)
    if f"{key}.others" in context.catalogue.sentences:
        return _of_others(key, context, number)
    if feature.unit == "currency units":
        return context.money(number)
    if feature.unit in _SHARES:
        return context.say("compared.share", n=number)
    return context.say("compared.decimal" if feature.unit in _FRACTIONS else "compared.whole", n=number)


def _of_others(key: str, context: SentenceContext, number: pl.Expr) -> pl.Expr:
    """Write a number in words of the catalogue, which may have others for 0 and 1."""
    special = [
        (rounded(number) == value, context.say(f"{key}.others.{word}", n=number))
        for word, value in (("zero", 0), ("one", 1))
        if f"{key}.others.{word}" in context.catalogue.sentences
    ]
    return cases(*special, otherwise=context.say(f"{key}.others", n=number))


def _amount(feature: DescribedFeature, context: SentenceContext, number: pl.Expr) -> pl.Expr:
    return amounts.alone(context, feature.name, feature.saying, number)


def _ago(_: DescribedFeature, context: SentenceContext, number: pl.Expr) -> pl.Expr:
    return context.ago(number)


def _last_time(feature: DescribedFeature, context: SentenceContext, number: pl.Expr) -> pl.Expr:
    """Write when others last did it; after "no message opened so far" with the word that makes it theirs."""
    never = context.number(feature.name).is_null()
    return cases((never, context.say("last_time.others", days=number)), otherwise=context.ago(number))


def _tenure(feature: DescribedFeature, context: SentenceContext, number: pl.Expr) -> pl.Expr:
    """Write for how long others have been here; after "joined today" when they joined."""
    return cases((context.number(feature.name) == 0, context.ago(number)), otherwise=context.span(number))


# Template → how the number of others is written, where that takes more than the number.
_WRITTEN: Final[Mapping[str, Callable[[DescribedFeature, SentenceContext, pl.Expr], pl.Expr]]] = {
    "amount": _amount,
    "last_time": _last_time,
    "tenure_days": _tenure,
    **dict.fromkeys(("last_seen", "days_since_first_activity", "first_order_age_days"), _ago),
}
