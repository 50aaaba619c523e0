"""Sentences on what a member does over windows: how much, against the member's own usual, and since when nothing.

"12 comments in the last 28 days, usually 30", "12 comments a month until June, none in the last 28 days",
"3 orders in the last year, the last one 41 days ago".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from wording.catalogue import Noun
from wording.columns import DAYS_PER_MONTH, RAISES, YEAR_DAYS, SentenceContext, cases, rounded
from wording.reasons.described_feature import Saying
from wording.reasons.traits import WITHOUT_LAST

_RECENT_DAYS: Final = 28
_LONG_SILENCE_DAYS: Final = 90
# A rate per month is stated only when it lasted at least this many days, with at least `often` occasions a month.
_DAYS_FOR_A_RATE: Final = 61
_OFTEN: Final = 2
_OFTEN_TO_BUY: Final = 1
_CLEARLY_MORE: Final = 1.5
_CLEARLY_UP: Final = 1.25
# Amounts of money → the kind of activity that brings them about.
_OF_MONEY: Final = {"spend": "order", "refund_spend": "refund"}
_NO_NOUN: Final = Noun("", "")


@dataclass(frozen=True)
class Amount:
    """A quantity that is summed over windows, and the words for it.

    Args:
        habit: Its features are named `<habit>_<days>d`.
        words: Its templates are named `<words>.some`, `.alone`, `.mean`, `.none`, `.nothing`.
        noun: What is counted.
        last: The feature with the days since the last one; "" where there is none.
        times: The habit that counts its occasions; itself where it is a count.
        often: Occasions a month from which a rate per month is stated.
    """

    habit: str
    words: str
    noun: Noun
    last: str
    times: str
    often: int

    def say(self, context: SentenceContext, what: str, **values: pl.Expr) -> pl.Expr:
        """Fill one of its templates."""
        return context.say(f"{self.words}.{what}", noun=self.noun, **values)

    def some(self, context: SentenceContext, n: pl.Expr) -> pl.Expr:
        """Say an amount: "12 comments"; of spend, more back than spent is negative."""
        some = self.say(context, "some", n=n)
        return cases((n < 0, self.say(context, "back", n=n.abs())), otherwise=some) if self.words == "spend" else some


def amount_of(habit: str, context: SentenceContext) -> Amount:
    """Describe the amount that a habit is."""
    if habit == "active_days":
        return Amount(habit, habit, _NO_NOUN, "days_since_last_activity", habit, _OFTEN)
    if habit in _OF_MONEY:
        kind = _OF_MONEY[habit]
        return Amount(habit, habit, _NO_NOUN, f"days_since_last_{kind}", f"{kind}_count", _OFTEN_TO_BUY)
    kind = habit.removesuffix("_count")
    last = "" if kind in WITHOUT_LAST else f"days_since_last_{kind}"
    return Amount(habit, "count", context.catalogue.kind(kind).noun, last, habit, _OFTEN)


def over_window(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say an amount over a window, against what was usual before it or, where it is 0, since when and after how much."""
    amount, days = amount_of(saying.about, context), saying.days
    value, year = context.number(name), context.number(f"{amount.habit}_{YEAR_DAYS}d")
    some_phrase, none_phrase, window_phrase = amount.some(context, value), amount.say(context, "none"), context.when(days)
    if days is None or days == 1:
        return cases(
            (value == 0, _when(context, none_phrase, window_phrase)), otherwise=_when(context, some_phrase, window_phrase)
        )
    membership_days, silence_days = context.membership_days(), context.number(amount.last)
    when_phrase = cases((membership_days < days, context.when(None)), otherwise=window_phrase)
    usual_phrase = _usual(context, amount, value=value, year=year, membership_days=membership_days, days=days)
    # Windows reach back a year, so the yearly amount has no earlier one to be compared with: the last occasion follows it.
    last_phrase = _last_one(context, amount, value, silence_days) if amount.times == amount.habit else ""
    continuation = usual_phrase if days < YEAR_DAYS else last_phrase
    return cases(
        (value.is_null(), pl.lit(None, pl.String)),
        (value != 0, _when(context, some_phrase, when_phrase, continuation)),
        ((year > 0) & (silence_days >= _RECENT_DAYS), _stopped(context, amount, year, silence_days)),
        (year > 0, _when(context, none_phrase, when_phrase, usual_phrase)),
        (silence_days >= YEAR_DAYS, context.say("amount.for", amount=none_phrase, days=silence_days)),
        (silence_days.is_null() & pl.lit(amount.last in context.columns), _when(context, none_phrase, context.when(None))),
        otherwise=_when(context, none_phrase, when_phrase),
    )


def trend(context: SentenceContext, _: str, saying: Saying) -> pl.Expr:
    """Say the last 28 days against the mean of 28 days before them, within the last `days`."""
    amount, days = amount_of(saying.about, context), saying.days
    assert days is not None
    recent, window_total = context.number(f"{amount.habit}_{_RECENT_DAYS}d"), context.number(f"{amount.habit}_{days}d")
    usual_amount = ((window_total - recent) * (_RECENT_DAYS / (days - _RECENT_DAYS))).clip(lower_bound=0)
    none_phrase = amount.say(context, "none")
    now_phrase = cases((recent == 0, none_phrase), otherwise=amount.some(context, recent))
    nothing, level = (amount.say(context, what, n=usual_amount) for what in ("nothing", "mean"))
    comparison = cases(
        ((recent == 0) & (usual_amount == 0), ""),
        (usual_amount == 0, context.say("trend.none_before", nothing=nothing, days=str(days - _RECENT_DAYS))),
        (recent * _CLEARLY_UP < usual_amount, context.say("trend.down", level=level, recent_days=str(_RECENT_DAYS))),
        (recent > usual_amount * _CLEARLY_UP, context.say("trend.up", level=level, recent_days=str(_RECENT_DAYS))),
        otherwise=context.say("trend.steady"),
    )
    return cases(
        (window_total == 0, _when(context, none_phrase, context.window(days))),
        otherwise=_when(context, now_phrase, context.window(_RECENT_DAYS), comparison),
    )


def _when(context: SentenceContext, amount: pl.Expr, when: str | pl.Expr, more: str | pl.Expr = "") -> pl.Expr:
    return context.say("amount", amount=amount, when=when, more=more)


def _usual(
    context: SentenceContext, amount: Amount, *, value: pl.Expr, year: pl.Expr, membership_days: pl.Expr, days: int
) -> pl.Expr:
    """Continue with the mean of windows of that length before this one, where there was at least one.

    A comparison that would contradict the reason is left out: fewer than usual where the amount lowers the risk, more than usual
    where it raises it.
    """
    usual_amount = pl.when(membership_days >= 2 * days).then((year - value) * days / (membership_days - days))
    is_usual = (value < usual_amount * _CLEARLY_MORE) & (usual_amount < value * _CLEARLY_MORE)
    fits = pl.when(RAISES).then(value < usual_amount).otherwise(value > usual_amount)
    return cases(
        ((rounded(usual_amount) < 1) | (value < 0), ""),
        (is_usual, context.say("amount.as_usual")),
        (fits, context.say("amount.usual", usual=amount.say(context, "alone", n=rounded(usual_amount)))),
        otherwise="",
    )


def _last_one(context: SentenceContext, amount: Amount, year: pl.Expr, silence_days: pl.Expr) -> pl.Expr:
    """Continue with when the last one was, where that was a while ago."""
    of_money = _OF_MONEY.get(amount.habit)
    last_phrase = context.say("amount.last" if of_money is None else f"amount.last.{of_money}", days=silence_days)
    is_only = (year == 1) & pl.lit(of_money is None)
    return cases(
        (is_only & (silence_days >= _RECENT_DAYS), context.say("amount.only", days=silence_days)),
        (silence_days >= _RECENT_DAYS, last_phrase),
        otherwise="",
    )


def _stopped(context: SentenceContext, amount: Amount, year: pl.Expr, silence_days: pl.Expr) -> pl.Expr:
    """Say at what rate it went until it stopped at least 28 days ago; the year's amount where it was rare or brief."""
    lasted_days = context.membership_days() - silence_days
    months = lasted_days / DAYS_PER_MONTH
    rate = (year / months).round(0, mode="half_away_from_zero")
    is_often = (lasted_days >= _DAYS_FOR_A_RATE) & (context.number(f"{amount.times}_{YEAR_DAYS}d") / months >= amount.often)
    silence_window = cases(
        (silence_days >= _LONG_SILENCE_DAYS, context.window(_LONG_SILENCE_DAYS)), otherwise=context.window(_RECENT_DAYS)
    )
    until_phrase = context.say(
        "amount.until",
        amount=amount.some(context, rate),
        days=silence_days,
        nothing=amount.say(context, "nothing"),
        window=silence_window,
    )
    when_phrase = cases((context.membership_days() < YEAR_DAYS, context.when(None)), otherwise=context.window(YEAR_DAYS))
    rare_phrase = _when(context, amount.some(context, year), when_phrase, _last_one(context, amount, year, silence_days))
    return cases((is_often & (rate >= 1), until_phrase), otherwise=rare_phrase)
