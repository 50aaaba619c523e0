"""The sentence that says why a member is on the contact list."""

from __future__ import annotations

from typing import Final

import polars as pl

from wording.columns import YEAR_DAYS, SentenceContext, cases, rounded, sentence_case

_DAYS_PER_MONTH: Final = 30
_NEWCOMER_DAYS: Final = 28
# What somebody did who was here in so many days is not past.
_RECENT_DAYS: Final = 28


def why_contact(context: SentenceContext) -> pl.Expr:
    """Say how active the member was, when they were last seen and what they spent; unknown parts are left out.

    "Was active 9 days a month, last seen 41 days ago, spent 240 EUR in a year."
    """
    phrases = [_rhythm(context), _last_seen(context), _spent(context)]
    parts = pl.concat_str(phrases, separator=context.catalogue.sentences["contact.between"], ignore_nulls=True)
    likely_to_leave = context.say("contact.likely", n=context.number("churn_probability") * 100)
    return sentence_case(cases((parts == "", likely_to_leave), otherwise=context.say("contact", parts=parts)))


def why_overdue(context: SentenceContext) -> pl.Expr:
    """Say how long the member is away and how long usually; null where that is not known.

    "Away for 41 days, usually back after 9."
    """
    away, usual = context.number("days_since_last_activity"), rounded(context.number("gap_median_days_365d"))
    said = cases(
        (usual > 1, context.say("contact.overdue", n=away, gap=usual)), otherwise=context.say("contact.overdue_daily", n=away)
    )
    return pl.when(away > 1).then(sentence_case(said))


def why_without_risk(context: SentenceContext) -> pl.Expr:
    """Say what else speaks for a contact: the member is new, contributes, reads along, or spends; null where nothing does."""
    tenure, posts, year = context.number("tenure_days"), context.number("posts_28d"), context.number("posts_365d")
    active, worth = context.number("active_days_28d"), context.number("expected_value")
    said = cases(
        (posts > 1, context.say("contact.contributes", n=posts)),
        (tenure < _NEWCOMER_DAYS, context.say("contact.new", n=tenure)),
        ((year == 0) & (active > 1), context.say("contact.reads", n=active)),
        (worth >= 1, context.say("contact.worth", n=worth)),
        otherwise=pl.lit(None, dtype=pl.String),
    )
    return sentence_case(said)


def _rhythm(context: SentenceContext) -> pl.Expr:
    """Say how many days a month the member was active, from their first day in the year to the last seen."""
    active_days = context.number("active_days_365d")
    present_days = context.number("tenure_days").clip(upper_bound=YEAR_DAYS - 1) - context.number("days_since_last_activity") + 1
    days = rounded(active_days / (present_days / _DAYS_PER_MONTH).clip(lower_bound=1.0))
    is_over = context.number("days_since_last_activity") >= _RECENT_DAYS
    text = cases(
        ((days > 1) & is_over, context.say("contact.often.before", n=days)),
        (days > 1, context.say("contact.often", n=days)),
        ((active_days > 1) & is_over, context.say("contact.monthly.before")),
        (active_days > 1, context.say("contact.monthly")),
        otherwise=context.say("contact.once"),
    )
    return pl.when(days.is_not_null() & (active_days > 0)).then(text)


def _last_seen(context: SentenceContext) -> pl.Expr:
    silence = context.number("days_since_last_activity")
    return cases(
        (silence == 0, context.say("contact.seen_today")),
        (silence == 1, context.say("contact.seen_yesterday")),
        otherwise=context.say("contact.seen", n=silence),
    )


def _spent(context: SentenceContext) -> pl.Expr:
    amount = context.number("spend_365d")
    return pl.when(rounded(amount) > 0).then(context.say("contact.spent", n=amount))
