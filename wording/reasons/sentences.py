"""One plain sentence per feature and member, made from the member's own values.

A feature says itself which sentence it is told in, and on what; a feature that names none gets a general sentence from its
meaning, value and unit. A sentence holds for every value of its feature, null included, says nothing about other members, and
has no full stop, as it may be continued.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from wording.columns import SentenceContext, cases, sentence_case
from wording.reasons import amounts, traits
from wording.reasons.said import Said, Saying

Template = Callable[[SentenceContext, str, Saying], pl.Expr]

_TEMPLATES: Final[Mapping[str, Template]] = {
    "last_seen": traits.last_seen,
    "last_time": traits.last_time,
    "here_for": traits.here_for,
    "first_active": traits.first_active,
    "gap_mean": traits.gap_mean,
    "gap_median": traits.gap_median,
    "gap_longest": traits.gap_longest,
    "gap_deviation": traits.gap_deviation,
    "away": traits.away,
    "longest_streak": traits.streak,
    "latest_streak": traits.streak,
    "active_weeks": traits.active_weeks,
    "hours": traits.hours,
    "weekends": traits.weekends,
    "one_weekday": traits.one_weekday,
    "variety": traits.variety,
    "evenness": traits.evenness,
    "people": traits.people,
    "received_share": traits.received_share,
    "reciprocity": traits.reciprocity,
    "average_order": traits.average_order,
    "repeat_orders": traits.repeat_orders,
    "order_span": traits.order_span,
    "first_order": traits.first_order,
    "repeat_value": traits.repeat_value,
    "answered": traits.answered,
    "last_score": traits.score,
    "mean_score": traits.score,
    "category": traits.category,
    "age": traits.age,
    "was_referred": traits.was_referred,
    "members_referred": traits.members_referred,
    "amount": amounts.over_window,
    "trend": amounts.trend,
}


def sentence(feature: Said, context: SentenceContext) -> pl.Expr:
    """Make the expression that says a feature's value for each row of a frame; never null, capitalised, no full stop."""
    general = _general(feature, context)
    if feature.name not in context.columns or not feature.saying.template:
        return sentence_case(general)
    told = _TEMPLATES[feature.saying.template](context, feature.name, feature.saying)
    return sentence_case(pl.coalesce(told, general))


def _general(feature: Said, context: SentenceContext) -> pl.Expr:
    """Say the first clause of the meaning, then the value with its unit."""
    what = re.split(r"[.;:]", feature.meaning)[0].strip() or feature.name.replace("_", " ")
    number, unknown = context.number(feature.name), context.say("general.unknown")
    if feature.name not in context.columns:
        value = unknown
    elif feature.unit == "category":
        value = pl.col(feature.name).cast(pl.String)
    elif feature.unit == "flag":
        value = cases(
            (number > 0, context.say("general.yes")), (number == 0, context.say("general.no")), otherwise=pl.lit(None, pl.String)
        )
    elif feature.unit in ("", "ratio", "score", "nats", "share"):
        value = context.say("general.number", n=number)
    else:
        value = context.say("general.unit", n=number, unit=feature.unit)
    return context.say("general", what=what, value=pl.coalesce(value, unknown))
