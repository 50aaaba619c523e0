"""Sentences on how a member does things: when, rhythm, hours, variety, people, purchases, answers to messages, profile.

Each function makes the text of one kind of feature from the member's values; where the feature is null it says why.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from wording.columns import YEAR_DAYS, SentenceContext, cases, decimal, rounded, whole
from wording.reasons.said import Saying

# Counts that days since the last one do not go with: there is no such feature, or it knows only answers with a score.
WITHOUT_LAST: Final = frozenset({"event", "other_event", "given", "feedback"})
_CLEARLY_LONGER: Final = 1.25
_WHOLE_FROM: Final = 10


def last_seen(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how long the silence is, beside the usual gap: "last seen 41 days ago, usually back after 6 days"."""
    silence, gap = context.number(name), rounded(context.number("gap_median_days_365d"))
    usual = cases((gap == 1, context.say("last_seen.usual_day")), otherwise=context.say("last_seen.usual", gap=gap)).fill_null("")
    return cases(
        (silence.is_null(), context.say("last_seen.never")),
        (silence == 0, context.say("last_seen.today", usual=usual)),
        otherwise=context.say("last_seen", days=silence, usual=usual),
    )


def last_time(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say when something last happened, and how often in the year: "last comment 41 days ago, 12 in the last year"."""
    kind, days = context.catalogue.kind(saying.about), context.number(name)
    year = context.number(f"{saying.about}_count_{YEAR_DAYS}d")
    once = context.say("last_time", last=kind.last, days=days)
    often = context.say("last_time.often", last=kind.last, days=days, n=year, window=context.window(YEAR_DAYS))
    is_counted = pl.lit(saying.about not in WITHOUT_LAST)
    return cases((days.is_null(), kind.never), (is_counted & (year > 1), often), otherwise=once)


def here_for(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how long the member has been here: "here for 14 months"."""
    days = context.number(name)
    return cases(
        (days.is_null(), context.say("here_for.unknown")),
        (days == 0, context.say("here_for.today")),
        otherwise=context.say("here_for", days=days),
    )


def first_active(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say when the member first did something: "first active 14 months ago"."""
    days = context.number(name)
    return cases((days.is_null(), context.say("last_seen.never")), otherwise=context.say("first_active", days=days))


def gap_mean(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how far apart the active days are on average: "came every 6 days on average"."""
    return _unless_few_days(context, name, _every(context))


def gap_median(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say after how many days the member usually comes back."""
    days = context.number(name)
    usual = cases((rounded(days) == 1, context.say("gap_median.day")), otherwise=context.say("gap_median", n=days))
    return _unless_few_days(context, name, usual)


def gap_longest(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how long the longest break was."""
    return _unless_few_days(context, name, context.say("gap_longest", n=context.number(name)))


def gap_deviation(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how regular the gaps are: "came every 6 days on average, give or take 12 days"."""
    days, every = context.number(name), _every(context)
    spread = cases((rounded(days) == 0, every), otherwise=context.say("gap_deviation", every=every, n=days))
    return _unless_few_days(context, name, spread)


def away(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how long the member is away, against the usual: "away for 41 days, 6.8 times as long as usual"."""
    ratio, silence = context.number(name), context.number("days_since_last_activity")
    times = cases((ratio < _WHOLE_FROM, decimal(ratio)), otherwise=whole(ratio))
    said = cases(
        (silence == 0, context.say("away.today")),
        (ratio <= 1, context.say("away.no_longer", days=silence)),
        (ratio < _CLEARLY_LONGER, context.say("away.as_usual", days=silence)),
        otherwise=context.say("away", days=silence, times=times),
    )
    return _unless_few_days(context, name, said)


def streak(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many days in a row: "active up to 5 days in a row in the last 90 days"."""
    days, window = context.number(name), _window(context, saying)
    return cases(
        (days == 0, context.say("not_active", window=window)),
        (days == 1, context.say(f"{saying.template}.one", window=window)),
        otherwise=context.say(saying.template, n=days, window=window),
    )


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
        (share == 0, context.say("weekends.only_off", window=window)), otherwise=context.say("weekends.only_on", window=window)
    )
    several = _share(context, name, saying, of="weekends", nothing="not_active")
    return cases((share.is_not_null() & (days == 1), only), otherwise=several)


def one_weekday(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many active days fall on the weekday used most."""
    several = _share(context, name, saying, of="one_weekday", nothing="not_active")
    return cases((context.number(f"active_days_{saying.days}d") == 1, _few_days(context)), otherwise=several)


def variety(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many types of event were used: "3 kinds of action in the last 28 days"."""
    return _or_none(context, name, "variety", window=_window(context, saying))


def evenness(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say over how many types the events are spread, the exponential of their entropy: 1 when all are of one type."""
    entropy, window = context.number(name), _window(context, saying)
    return cases(
        (entropy.is_null(), context.say("variety.none", window=window)),
        (entropy == 0, context.say("evenness.one", window=window)),
        otherwise=context.say("evenness", n=entropy.exp(), window=window),
    )


def people(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many others were reached, or reached the member."""
    return _or_none(context, name, f"people.{saying.about}", window=_window(context, saying))


def received_share(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how much of what passes between the member and others comes from others."""
    return _share(context, name, saying, of="received_share", nothing="received_share.none")


def reciprocity(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many of those the member interacted with did so in turn."""
    return _share(context, name, saying, of="reciprocity", nothing="people.given.none")


def average_order(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say the mean order: "average order of 40 EUR in the last 90 days"."""
    amount, when = context.number(name), context.when(saying.days)
    return cases(
        (amount.is_null(), context.say("average_order.none", when=when)),
        otherwise=context.say("average_order", n=amount, when=when),
    )


def repeat_orders(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how often the member ordered again."""
    days = context.number(name)
    return cases(
        (context.number("first_order_age_days").is_null() & (days == 0), context.say("orders.none")),
        otherwise=_or_none(context, name, "repeat_orders"),
    )


def order_span(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how long the member went on ordering."""
    days = context.number(name)
    return cases(
        (days.is_null(), context.say("orders.none")),
        (days == 0, context.say("order_span.one")),
        otherwise=context.say("order_span", n=days),
    )


def first_order(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say when the member first ordered."""
    days = context.number(name)
    return cases((days.is_null(), context.say("orders.none")), otherwise=context.say("first_order", n=days))


def repeat_value(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say what the orders after the first one come to."""
    amount = context.number(name)
    return cases((amount.is_null(), context.say("repeat_orders.none")), otherwise=context.say("repeat_value", n=amount))


def answered(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say how many messages were opened or clicked: "opened 3 of 10 messages from us in the last 90 days"."""
    key, window = f"answered.{saying.about}", _window(context, saying)
    done, sent = context.number(f"{saying.about}_count_{saying.days}d"), context.number(f"contact_count_{saying.days}d")
    return cases(
        (context.number(name).is_null(), context.say("answered.none_sent", window=window)),
        (done > sent, context.say(f"{key}.more", done=done, window=window)),
        ((sent == 1) & (done == 0), context.say(f"{key}.not_only", window=window)),
        (sent == 1, context.say(f"{key}.only", window=window)),
        (done == 0, context.say(f"{key}.none", sent=sent, window=window)),
        otherwise=context.say(key, done=done, sent=sent, window=window),
    )


def score(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say the last score, or the mean score."""
    value = context.number(name)
    none, some = context.say(f"{saying.template}.none"), context.say(saying.template, n=value)
    return cases((value.is_null(), none), otherwise=some)


def category(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say a category of the profile: "region: DE"."""
    what, value = context.catalogue.sentences[f"category.{saying.about}"], pl.col(name).cast(pl.String)
    return cases(
        (value.is_null(), context.say("category.unknown", what=what)), otherwise=context.say("category", what=what, value=value)
    )


def age(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say the age of this year."""
    years = context.number(name)
    return cases(
        (years.is_null(), context.say("age.unknown")), otherwise=context.say("age", n=years, year=str(context.as_of.year))
    )


def was_referred(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say whether another member brought this one."""
    return cases((context.number(name) > 0, context.say("was_referred")), otherwise=context.say("was_referred.no"))


def members_referred(context: SentenceContext, name: str, _: Saying) -> pl.Expr:
    """Say how many members this one brought."""
    return _or_none(context, name, "members_referred")


def _every(context: SentenceContext) -> pl.Expr:
    days = context.number("gap_mean_days_365d")
    return cases((rounded(days) == 1, context.say("gap.daily")), otherwise=context.say("gap.every", n=days))


def _unless_few_days(context: SentenceContext, name: str, said: pl.Expr) -> pl.Expr:
    return cases((context.number(name).is_null(), _few_days(context)), otherwise=said)


def _few_days(context: SentenceContext) -> pl.Expr:
    """Say that there are too few active days for gaps between them."""
    days = context.number("active_days_365d")
    return cases((days == 0, context.say("few_days.none")), otherwise=context.say("few_days", n=days))


def _or_none(context: SentenceContext, name: str, key: str, **values: str) -> pl.Expr:
    n = context.number(name)
    return cases((n == 0, context.say(f"{key}.none", **values)), otherwise=context.say(key, n=n, **values))


def _share(context: SentenceContext, name: str, saying: Saying, *, of: str, nothing: str) -> pl.Expr:
    share, window = context.number(name), _window(context, saying)
    whole_of = context.say(of, window=window)
    return cases(
        (share.is_null(), context.say(nothing, window=window)),
        (share == 0, context.say("share.none", of=whole_of)),
        (share == 1, context.say("share.all", of=whole_of)),
        otherwise=context.say("share", n=share, of=whole_of),
    )


def _window(context: SentenceContext, saying: Saying) -> str:
    assert saying.days is not None
    return context.window(saying.days)
