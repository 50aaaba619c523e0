"""Sentences on how a member does things that take more than the feature's own value: silence, rhythm, shares, answers.

Each function makes the text of one kind of feature from the member's values; where the feature is null it says why. All take
the sentence context, the name of the feature, and its saying (which template, about what, over which window).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from wording.columns import SentenceContext, cases, decimal, rounded, whole
from wording.reasons.described_feature import Saying

# Counts that days since the last one do not go with: there is no such feature, or it knows only answers with a score.
WITHOUT_LAST: Final = frozenset({"event", "other_event", "given", "feedback"})
_CLEARLY_LONGER: Final = 1.25
_WHOLE_FROM: Final = 10


def last_seen(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say when the member was last seen: "last seen 41 days ago"."""
    silence = context.number(name)
    return cases(
        (silence.is_null(), context.say("last_seen.never")),
        (silence == 0, context.say("last_seen.today")),
        otherwise=context.say("last_seen", days=silence),
    )


def usually_back(context: SentenceContext, gap: pl.Expr) -> pl.Expr:
    """Continue with the usual gap: ", usually back after 6 days"."""
    return cases(
        (rounded(gap) == 1, context.say("last_seen.usual_day")), otherwise=context.say("last_seen.usual", gap=rounded(gap))
    )


def last_time(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say when something last happened: "last comment 41 days ago"."""
    kind, days = context.catalogue.kind(saying.about), context.number(name)
    return cases((days.is_null(), kind.never), otherwise=context.say("last_time", last=kind.last, days=days))


def before_that(context: SentenceContext, gap: pl.Expr) -> pl.Expr:
    """Continue with the mean days between such times before: ", before that every 6 days"."""
    return cases((rounded(gap) == 1, context.say("last_time.daily")), otherwise=context.say("last_time.every", n=rounded(gap)))


def gap_mean(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how far apart the active days are on average: "comes every 6 days on average"."""
    return _unless_few_days(context, name, _every(context))


def gap_deviation(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how regular the gaps are: "comes every 6 days on average, give or take 12 days"."""
    days, every = context.number(name), _every(context)
    spread = cases((rounded(days) == 0, every), otherwise=context.say("gap_deviation_days_365d", every=every, n=days))
    return _unless_few_days(context, name, spread)


def own(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say the feature's own value, in words of their own where the catalogue has some for null, 0 and 1.

    Those templates are named `<template>.unknown`, `.zero` and `.one`.
    """
    n, key = context.number(name), saying.template or name
    values: dict[str, str | pl.Expr] = {
        "n": n,
        "value": pl.col(name).cast(pl.String),
        "window": context.when(saying.days),
        "year": str(context.as_of.year),
        "few_days": _few_days(context),
    }
    own_words = [("unknown", pl.col(name).is_null()), ("zero", n == 0), ("one", n == 1)]
    special = [
        (holds, context.say(f"{key}.{word}", **values))
        for word, holds in own_words
        if f"{key}.{word}" in context.catalogue.sentences
    ]
    return cases(*special, otherwise=context.say(key, **values))


def away(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how long the member is away, against the usual: "away for 41 days, 6.8 times as long as usual"."""
    ratio, silence = context.number(name), context.number("days_since_last_activity")
    times = cases((ratio < _WHOLE_FROM, decimal(ratio)), otherwise=whole(ratio))
    sentence_text = cases(
        (silence == 0, context.say("gap_now_to_mean_365d.today")),
        (ratio <= 1, context.say("gap_now_to_mean_365d.no_longer", days=silence)),
        otherwise=context.say("gap_now_to_mean_365d", days=silence, times=times),
    )
    return _unless_few_days(context, name, sentence_text)


def active_weeks(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say in how many weeks the member was active: "active in 3 of the last 13 weeks"."""
    assert saying.days is not None
    weeks, of = context.number(name), saying.days // 7
    return cases(
        (weeks == 0, context.say("active_weeks.none", of=str(of))),
        (weeks == of, context.say("active_weeks.all", of=str(of))),
        otherwise=context.say("active_weeks", n=weeks, of=str(of)),
    )


def hours(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how much falls into a part of the day: "60 % of the activity in the last 90 days was in the evening"."""
    return _share(context, name, saying, of=f"hours.{saying.about}", nothing="hours.none")


def weekends(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many active days are weekend days."""
    share, days, window = context.number(name), context.number(f"active_days_{saying.days}d"), _window(context, saying)
    only = cases(
        (share == 0, context.say("weekend_share.only_off", window=window)),
        otherwise=context.say("weekend_share.only_on", window=window),
    )
    several = _share(context, name, saying, of="weekend_share", nothing="active_days.no")
    return cases((share.is_not_null() & (days == 1), only), otherwise=several)


def one_weekday(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many active days fall on the weekday used most."""
    several = _share(context, name, saying, of="most_used_weekday_share", nothing="active_days.no")
    return cases((context.number(f"active_days_{saying.days}d") == 1, _few_days(context)), otherwise=several)


def evenness(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say over how many types the events are spread, the exponential of their entropy: 1 when all are of one type."""
    entropy, window = context.number(name), _window(context, saying)
    return cases(
        (entropy.is_null(), context.say("distinct_event_types.zero", window=window)),
        (entropy == 0, context.say("event_type_entropy.one", window=window)),
        otherwise=context.say("event_type_entropy", n=entropy.exp(), window=window),
    )


def received_share(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how much of what passes between the member and others comes from others."""
    return _share(context, name, saying, of="received_share", nothing="received_share.none")


def reciprocity(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many of those the member interacted with did so in turn."""
    return _share(context, name, saying, of="reciprocity_share", nothing="distinct_people_given.zero")


def repeat_orders(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how often the member ordered again."""
    days = context.number(name)
    return cases(
        (context.number("first_order_age_days").is_null() & (days == 0), context.say("orders.none")),
        (days == 0, context.say("repeat_order_days.zero")),
        otherwise=context.say("repeat_order_days", n=days),
    )


def answered(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many messages were opened or clicked: "opened 3 of 10 messages from us in the last 90 days"."""
    key, window = f"answered.{saying.about}", _window(context, saying)
    answer_count = context.number(f"{saying.about}_count_{saying.days}d")
    message_count = context.number(f"contact_count_{saying.days}d")
    return cases(
        (context.number(name).is_null(), context.say("answered.none_sent", window=window)),
        (answer_count > message_count, context.say(f"{key}.more", done=answer_count, window=window)),
        ((message_count == 1) & (answer_count == 0), context.say(f"{key}.not_only", window=window)),
        (message_count == 1, context.say(f"{key}.only", window=window)),
        (answer_count == 0, context.say(f"{key}.none", sent=message_count, window=window)),
        otherwise=context.say(key, done=answer_count, sent=message_count, window=window),
    )


def _every(context: SentenceContext) -> pl.Expr:
    """Say it of the past where the member is away for longer than that."""
    days, silence = context.number("gap_mean_days_365d"), context.number("days_since_last_activity")
    now, before = (
        cases((rounded(days) == 1, context.say(f"gap.daily{when}")), otherwise=context.say(f"gap.every{when}", n=days))
        for when in ("", ".before")
    )
    return cases((silence > days * _CLEARLY_LONGER, before), otherwise=now)


def _unless_few_days(context: SentenceContext, name: str, sentence_text: pl.Expr) -> pl.Expr:
    return cases((context.number(name).is_null(), _few_days(context)), otherwise=sentence_text)


def _few_days(context: SentenceContext) -> pl.Expr:
    """Say that there are too few active days for gaps between them."""
    days = context.number("active_days_365d")
    return cases((days == 0, context.say("few_days.none")), otherwise=context.say("few_days", n=days))


def _share(context: SentenceContext, name: str, saying: Saying, *, of: str, nothing: str) -> pl.Expr:
    share, window = context.number(name), _window(context, saying)
    total_phrase = context.say(of, window=window)
    return cases(
        (share.is_null(), context.say(nothing, window=window)),
        (share == 0, context.say("share.none", of=total_phrase)),
        (share == 1, context.say("share.all", of=total_phrase)),
        otherwise=context.say("share", n=share, of=total_phrase),
    )


def _window(context: SentenceContext, saying: Saying) -> str:
    assert saying.days is not None
    return context.window(saying.days)
