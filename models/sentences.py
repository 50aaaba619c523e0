"""One plain English sentence per feature and member, made from the member's own values.

Templates follow the families of the feature catalog and know features by name; a feature that no template knows gets a
general sentence from its meaning, value and unit. A sentence holds for every value of its feature, null included, says
nothing about other members, and has no full stop, as it may be continued.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from features.feature import Feature
from models import amounts, traits
from models.amounts import Amount
from models.phrases import (
    DAY,
    Noun,
    SentenceContext,
    ago,
    cases,
    counted,
    decimal,
    event_noun,
    known,
    rounded,
    say,
    sentence_case,
    whole,
    window,
)

Template = Callable[[SentenceContext, re.Match[str]], pl.Expr]


@dataclass(frozen=True)
class Kind:
    """The words for a kind of activity: how it is counted, the last one, and none so far."""

    noun: Noun
    last: str
    never: str


_ACTION: Final = Noun("action", "actions")
# Kinds that are no event types.
_KINDS: Final[Mapping[str, Kind]] = {
    "activity": Kind(_ACTION, "last seen", "never active"),
    "event": Kind(_ACTION, "last action", "no action so far"),
    "other_event": Kind(Noun("action of a rare kind", "actions of rare kinds"), "last rare action", "no rare action so far"),
    "order": Kind(Noun("order", "orders"), "last order", "no order so far"),
    "refund": Kind(Noun("refund", "refunds"), "last refund", "no refund so far"),
    "received": Kind(
        Noun("reaction from others", "reactions from others"), "last reaction from others", "no reaction from others so far"
    ),
    "given": Kind(
        Noun("interaction with others", "interactions with others"), "last interaction with others", "no interaction so far"
    ),
    "content": Kind(Noun("piece published", "pieces published"), "last published a piece", "nothing published so far"),
    "contact": Kind(Noun("message from us", "messages from us"), "last message from us", "no message from us so far"),
    "open": Kind(Noun("message opened", "messages opened"), "last opened a message", "no message opened so far"),
    "click": Kind(Noun("message clicked", "messages clicked"), "last clicked in a message", "no message clicked so far"),
    "feedback": Kind(Noun("feedback answer", "feedback answers"), "last feedback score", "no feedback score so far"),
}
# Counts that days since the last one do not go with: there is no such feature, or it knows only answers with a score.
_WITHOUT_LAST: Final = frozenset({"event", "other_event", "given", "feedback"})


def sentence(feature: Feature, context: SentenceContext) -> pl.Expr:
    """Make the expression that says a feature's value for each row of a frame; never null, capitalised, no full stop."""
    general = _general(feature, context)
    if feature.name not in context.columns:
        return general
    for pattern, template in _TEMPLATES.items():
        match = re.fullmatch(pattern, feature.name)
        if match is not None:
            return sentence_case(pl.coalesce(template(context, match), general))
    return general


def _general(feature: Feature, context: SentenceContext) -> pl.Expr:
    """Say the first clause of the meaning, then the value with its unit."""
    what = re.split(r"[.;:]", feature.meaning)[0].strip() or feature.name.replace("_", " ")
    if feature.name not in context.columns:
        return sentence_case(pl.lit(f"{what}: not known"))
    if feature.unit == "category":
        value = pl.col(feature.name).cast(pl.String)
    elif feature.unit == "flag":
        value = cases(
            (context.number(feature.name) > 0, "yes"),
            (context.number(feature.name) == 0, "no"),
            otherwise=pl.lit(None, pl.String),
        )
    else:
        unit = "" if feature.unit in ("", "ratio", "score", "nats", "share") else f" {feature.unit}"
        value = say(decimal(context.number(feature.name)), unit)
    return sentence_case(say(f"{what}: ", value.fill_null("not known")))


def _kind(name: str) -> Kind:
    noun = event_noun(name)
    return _KINDS.get(name) or Kind(noun, f"last {noun.one}", f"no {noun.one} so far")


def _amount(habit: str, context: SentenceContext) -> Amount:
    if habit == "active_days":
        return amounts.active_days()
    if habit in ("spend", "refund_spend"):
        return amounts.spend(context.currency) if habit == "spend" else amounts.refunds(context.currency)
    kind = habit.removesuffix("_count")
    return amounts.counts(kind, _kind(kind).noun, last="" if kind in _WITHOUT_LAST else f"days_since_last_{kind}")


def _over_window(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    return amounts.over_window(context, _amount(match["habit"], context), int(match["days"]))


def _ever(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    return amounts.ever(context, _amount(match["habit"], context))


def _trend(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    return amounts.trend(context, _amount(match["habit"], context), int(match["days"]))


def _last_seen(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how long the silence is, beside the usual gap: "last seen 41 days ago, usually back after 6 days"."""
    silence, gap = context.number(match[0]), rounded(context.number("gap_median_days_365d"))
    usual = cases((gap == 1, ", usually back the next day"), otherwise=say(", usually back after ", counted(gap, DAY)))
    seen = cases((silence == 0, "seen today"), otherwise=say("last seen ", ago(silence)))
    return cases((silence.is_null(), "never active"), otherwise=say(seen, known(usual)))


def _last_time(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say when something last happened, and how often in the year: "last comment 41 days ago, 12 in the last year"."""
    kind, days, year = _kind(match["kind"]), context.number(match[0]), context.number(f"{match['kind']}_count_365d")
    is_counted = pl.lit(match["kind"] not in _WITHOUT_LAST)
    often = cases((is_counted & (year > 1), say(", ", whole(year), " ", window(365))), otherwise="")
    return cases((days.is_null(), kind.never), otherwise=say(f"{kind.last} ", ago(days), often))


# The first pattern that fits a feature's whole name decides.
_TEMPLATES: Final[Mapping[str, Template]] = {
    r"days_since_last_activity": _last_seen,
    r"days_since_last_(?P<kind>.+)": _last_time,
    r"days_since_first_activity": traits.first_active,
    r"tenure_days": traits.here_for,
    r"gap_(?P<view>mean|median|longest|deviation)_days_365d": traits.gap,
    r"gap_now_to_mean_365d": traits.away,
    r"longest_streak_days_90d|latest_streak_days": traits.streak,
    r"active_weeks_(?P<days>\d+)d": traits.active_weeks,
    r"(?P<part>night|morning|afternoon|evening)_share_(?P<days>\d+)d": traits.hours,
    r"weekend_share_(?P<days>\d+)d": traits.weekends,
    r"most_used_weekday_share_(?P<days>\d+)d": traits.one_weekday,
    r"distinct_event_types_(?P<days>\d+)d": traits.variety,
    r"event_type_entropy_(?P<days>\d+)d": traits.evenness,
    r"distinct_people_(?P<direction>given|received)_(?P<days>\d+)d": traits.people,
    r"received_share_(?P<days>\d+)d": traits.received_share,
    r"reciprocity_share_(?P<days>\d+)d": traits.reciprocity,
    r"average_order_value_(?:(?P<days>\d+)d|lifetime)": traits.average_order,
    r"repeat_order_days": traits.repeat_orders,
    r"first_to_last_order_days": traits.order_span,
    r"first_order_age_days": traits.first_order,
    r"mean_repeat_order_value": traits.repeat_value,
    r"(?P<kind>open|click)_rate_(?P<days>\d+)d": traits.answered,
    r"mean_feedback_score_365d|last_feedback_score": traits.score,
    r"platform|region|gender": traits.category,
    r"age_years": traits.age,
    r"was_referred|members_referred": traits.referred,
    r"(?P<habit>active_days|spend|refund_spend|.+_count)_(?P<days>\d+)d": _over_window,
    r"(?P<habit>spend|refund_spend|.+_count)_lifetime": _ever,
    r"(?P<habit>active_days|spend|.+_count)_trend_28d_vs_(?P<days>\d+)d": _trend,
}
