"""One plain sentence per feature and member, made from the member's own values.

A feature names its template; by default it is the template with the feature's name. A feature without one gets a general
sentence from its meaning, value and unit. A sentence holds for every value of its feature, null included, says nothing about
other members, and has no full stop, as it may be continued.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from wording.columns import SentenceContext, cases, sentence_case
from wording.reasons import amounts, traits
from wording.reasons.described_feature import DescribedFeature, Saying

# So that a reason fits one line.
_LONGEST_CLAUSE: Final = 60

Template = Callable[[SentenceContext, str, Saying], pl.Expr]

# Every other template states the feature's own value, and needs only entries in the catalogue.
_TEMPLATES: Final[Mapping[str, Template]] = {
    "last_seen": traits.last_seen,
    "last_time": traits.last_time,
    "gap_mean_days_365d": traits.gap_mean,
    "gap_deviation_days_365d": traits.gap_deviation,
    "gap_now_to_mean_365d": traits.away,
    "active_weeks": traits.active_weeks,
    "hours": traits.hours,
    "weekend_share": traits.weekends,
    "most_used_weekday_share": traits.one_weekday,
    "event_type_entropy": traits.evenness,
    "received_share": traits.received_share,
    "reciprocity_share": traits.reciprocity,
    "repeat_order_days": traits.repeat_orders,
    "answered": traits.answered,
    "amount": amounts.over_window,
    "trend": amounts.trend,
}


def sentence(feature: DescribedFeature, context: SentenceContext) -> pl.Expr:
    """Make the expression that says a feature's value for each row of a frame; never null, capitalised, no full stop.

    Args:
        feature: The feature.
        context: The data that the sentence may use.
    """
    general_sentence, key = _general(feature, context), feature.saying.template or feature.name
    if feature.name not in context.columns or not (key in _TEMPLATES or key in context.catalogue.sentences):
        return sentence_case(general_sentence)
    own_sentence = _TEMPLATES.get(key, traits.own)(context, feature.name, feature.saying)
    return sentence_case(pl.coalesce(own_sentence, general_sentence))


def _general(feature: DescribedFeature, context: SentenceContext) -> pl.Expr:
    """Say the first clause of the meaning, then the value with its unit."""
    clause = re.split(r"[.;:]", feature.meaning)[0].strip() or feature.name.replace("_", " ")
    what = textwrap.shorten(clause, _LONGEST_CLAUSE, placeholder="…")
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
