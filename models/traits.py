"""Sentences on how a member does things: rhythm, hours, variety, people, purchases, answers to messages, profile.

Each function makes the text of the feature that was matched, from the member's values; where the feature is null it says
why. `match["days"]` is the feature's window.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from models.phrases import (
    DAY,
    Noun,
    SentenceContext,
    ago,
    cases,
    counted,
    decimal,
    money,
    percent,
    rounded,
    say,
    span,
    whole,
    window,
)

_DAY_PARTS: Final = {
    "night": "at night",
    "morning": "in the morning",
    "afternoon": "in the afternoon",
    "evening": "in the evening",
}
_MEMBER: Final = Noun("other member", "other members")
_MESSAGE: Final = Noun("message", "messages")
_KIND: Final = Noun("kind of action", "kinds of action")
_CLEARLY_LONGER: Final = 1.25
_WHOLE_FROM: Final = 10


def here_for(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how long the member has been here: "here for 14 months"."""
    days = context.number(match[0])
    return cases(
        (days.is_null(), "day of joining not known"), (days == 0, "joined today"), otherwise=say("here for ", span(days))
    )


def first_active(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say when the member first did something: "first active 14 months ago"."""
    days = context.number(match[0])
    return cases((days.is_null(), "never active"), otherwise=say("first active ", ago(days)))


def gap(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how far apart the active days are: "came every 6 days on average, give or take 12 days"."""
    value, mean, view = context.number(match[0]), context.number("gap_mean_days_365d"), match["view"]
    every = cases((rounded(mean) == 1, "came nearly every day"), otherwise=say("came every ", whole(mean), " days on average"))
    said = {
        "mean": every,
        "median": cases(
            (rounded(value) == 1, "usually back the next day"), otherwise=say("usually back after ", whole(value), " days")
        ),
        "longest": say("longest break between active days in the last year: ", counted(value, DAY)),
        "deviation": cases((rounded(value) == 0, every), otherwise=say(every, ", give or take ", counted(value, DAY))),
    }[view]
    return cases((value.is_null(), few_days(context)), otherwise=said)


def away(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how long the member is away, against the usual: "away for 41 days, 6.8 times as long as usual"."""
    ratio, silence = context.number(match[0]), context.number("days_since_last_activity")
    times = cases((ratio < _WHOLE_FROM, decimal(ratio)), otherwise=whole(ratio))
    return cases(
        (ratio.is_null(), few_days(context)),
        (silence == 0, "seen today"),
        (ratio <= 1, say("away for ", counted(silence, DAY), ", no longer than usual")),
        (ratio < _CLEARLY_LONGER, say("away for ", counted(silence, DAY), ", about as long as usual")),
        otherwise=say("away for ", counted(silence, DAY), ", ", times, " times as long as usual"),
    )


def few_days(context: SentenceContext) -> pl.Expr:
    """Say that there are too few active days for gaps between them."""
    days = context.number("active_days_365d")
    return cases(
        (days == 0, "not active in the last year"), otherwise=say("active on only ", counted(days, DAY), " in the last year")
    )


def streak(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how many days in a row: "active on up to 5 days in a row in the last 90 days"."""
    days, is_latest = context.number(match[0]), match[0] == "latest_streak_days"
    within = window(365 if is_latest else 90)
    single = "last active for a single day" if is_latest else f"never active two days in a row {within}"
    several = (
        say("last active for ", whole(days), " days in a row")
        if is_latest
        else say("active up to ", whole(days), " days in a row ", within)
    )
    return cases((days == 0, f"not active {within}"), (days == 1, single), otherwise=several)


def active_weeks(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say in how many weeks the member was active: "active in 3 of the last 13 weeks"."""
    weeks, of = context.number(match[0]), int(match["days"]) // 7
    return cases(
        (weeks == 0, f"active in none of the last {of} weeks"),
        (weeks == of, f"active in each of the last {of} weeks"),
        otherwise=say("active in ", whole(weeks), f" of the last {of} weeks"),
    )


def hours(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how much falls into a part of the day: "60 % of the activity in the last 90 days was in the evening"."""
    return _part(
        context, match, f"of the activity {_window(match)} was {_DAY_PARTS[match['part']]}", f"no activity {_window(match)}"
    )


def weekends(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how many active days are weekend days."""
    share, days = context.number(match[0]), context.number(f"active_days_{match['days']}d")
    only = say(f"the only active day {_window(match)} was ", cases((share == 0, "not "), otherwise=""), "on a weekend")
    text = _part(context, match, f"of the active days {_window(match)} were on weekends", f"not active {_window(match)}")
    return cases((share.is_not_null() & (days == 1), only), otherwise=text)


def one_weekday(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how many active days fall on the weekday used most."""
    text = _part(context, match, f"of the active days {_window(match)} fell on one weekday", f"not active {_window(match)}")
    return cases((context.number(f"active_days_{match['days']}d") == 1, few_days(context)), otherwise=text)


def variety(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how many types of event were used: "3 kinds of action in the last 28 days"."""
    kinds = context.number(match[0])
    return cases((kinds == 0, f"no action {_window(match)}"), otherwise=say(counted(kinds, _KIND), " ", _window(match)))


def evenness(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say over how many types the events are spread, the exponential of their entropy: 1 when all are of one type."""
    entropy = context.number(match[0])
    spread = say("activity ", _window(match), " mostly of ", counted(entropy.exp(), Noun("kind", "kinds")))
    return cases(
        (entropy.is_null(), f"no action {_window(match)}"),
        (entropy == 0, f"a single kind of action {_window(match)}"),
        otherwise=spread,
    )


def people(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how many others were reached, or reached the member."""
    n, is_given = context.number(match[0]), match["direction"] == "given"
    some, none = ("interacted with ", "interacted with nobody") if is_given else ("reactions from ", "no reactions from others")
    return cases((n == 0, f"{none} {_window(match)}"), otherwise=say(some, counted(n, _MEMBER), " ", _window(match)))


def received_share(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how much of what passes between the member and others comes from others."""
    none = f"no interactions with others {_window(match)}"
    return _part(context, match, f"of the interactions with others {_window(match)} came from the others", none)


def reciprocity(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how many of those the member interacted with did so in turn."""
    none = f"interacted with nobody {_window(match)}"
    return _part(context, match, f"of those interacted with {_window(match)} interacted back", none)


def average_order(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say the mean order: "average order of 40 EUR in the last 90 days"."""
    amount, when = context.number(match[0]), "so far" if match["days"] is None else _window(match)
    return cases(
        (amount.is_null(), f"no orders {when}"), otherwise=say("average order of ", money(amount, context.currency), f" {when}")
    )


def repeat_orders(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how often the member ordered again."""
    days = context.number(match[0])
    return cases(
        (context.number("first_order_age_days").is_null() & (days == 0), "no paid order so far"),
        (days == 0, "never ordered again after the first order"),
        otherwise=say("ordered again on ", counted(days, DAY), " after the first order"),
    )


def order_span(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how long the member went on ordering."""
    days = context.number(match[0])
    return cases(
        (days.is_null(), "no paid order so far"),
        (days == 0, "ordered on a single day only"),
        otherwise=say(span(days), " between the first and the last order"),
    )


def first_order(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say when the member first ordered."""
    days = context.number(match[0])
    return cases((days.is_null(), "no paid order so far"), otherwise=say("first order ", ago(days)))


def repeat_value(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say what the orders after the first one come to."""
    amount = context.number(match[0])
    spent = say("spent ", money(amount, context.currency), " on an average order day after the first")
    return cases((amount.is_null(), "never ordered again after the first order"), otherwise=spent)


def answered(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say how many messages were opened or clicked: "opened 3 of 10 messages from us in the last 90 days"."""
    kind, days = match["kind"], match["days"]
    done, sent = context.number(f"{kind}_count_{days}d"), context.number(f"contact_count_{days}d")
    did, do = {"open": ("opened", "open"), "click": ("clicked in", "click in")}[kind]
    end = f"from us {_window(match)}"
    return cases(
        (context.number(match[0]).is_null(), f"no messages {end}"),
        (done > sent, say(f"{did} ", counted(done, _MESSAGE), f" {end}")),
        ((sent == 1) & (done == 0), f"did not {do} the only message {end}"),
        (sent == 1, f"{did} the only message {end}"),
        (done == 0, say(f"{did} none of ", counted(sent, _MESSAGE), f" {end}")),
        otherwise=say(f"{did} ", whole(done), " of ", counted(sent, _MESSAGE), f" {end}"),
    )


def score(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say the last score, or the mean score."""
    value, is_last = context.number(match[0]), match[0] == "last_feedback_score"
    what, when = ("last feedback score: ", "so far") if is_last else ("average feedback score in the last year: ", window(365))
    return cases((value.is_null(), f"no feedback score {when}"), otherwise=say(what, decimal(value)))


def category(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say a category of the profile: "region: DE"."""
    name = match[0]
    value = pl.col(name).cast(pl.String) if name in context.columns else pl.lit(None, dtype=pl.String)
    return cases((value.is_null(), f"{name} not known"), otherwise=say(f"{name}: ", value))


def age(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say the age of this year."""
    years = context.number(match[0])
    return cases((years.is_null(), "age not known"), otherwise=say("turns ", whole(years), f" in {context.as_of.year}"))


def referred(context: SentenceContext, match: re.Match[str]) -> pl.Expr:
    """Say whether another member brought this one, or how many this one brought."""
    n = context.number(match[0])
    if match[0] == "was_referred":
        return cases((n > 0, "brought by another member"), otherwise="not brought by another member")
    return cases((n == 0, "brought no other member"), otherwise=say("brought ", counted(n, _MEMBER)))


def _part(context: SentenceContext, match: re.Match[str], of: str, nothing: str) -> pl.Expr:
    share = context.number(match[0])
    return cases(
        (share.is_null(), nothing), (share == 0, f"none {of}"), (share == 1, f"all {of}"), otherwise=say(percent(share), f" {of}")
    )


def _window(match: re.Match[str]) -> str:
    return window(int(match["days"]))
