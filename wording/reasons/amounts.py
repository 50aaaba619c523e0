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
from wording.reasons.said import Saying
from wording.reasons.traits import WITHOUT_LAST

_RECENT_DAYS: Final = 28
_LONG_SILENCE_DAYS: Final = 90
# A rate per month is said only when it held for so many days, on so many occasions a month.
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
    """Something that is summed over windows, and how it is said.

    Args:
        habit: Its features are named `<habit>_<days>d`.
        words: Its templates are named `<words>.some`, `.alone`, `.mean`, `.none`, `.nothing`.
        noun: What is counted.
        last: The feature with the days since the last one; "" where there is none.
        times: The habit that counts its occasions; itself where it is a count.
        often: Occasions a month from which a rate per month is said.
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
    some, none, window = amount.some(context, value), amount.say(context, "none"), context.when(days)
    if days is None or days == 1:
        return cases((value == 0, _when(context, none, window)), otherwise=_when(context, some, window))
    here, since = context.here_days(), context.number(amount.last)
    when = cases((here < days, context.when(None)), otherwise=window)
    usual = _usual(context, amount, value=value, year=year, here=here, days=days)
    more = usual if days < YEAR_DAYS else _last_one(context, amount, value, since) if amount.times == amount.habit else ""
    return cases(
        (value.is_null(), pl.lit(None, pl.String)),
        (value != 0, _when(context, some, when, more)),
        ((year > 0) & (since >= _RECENT_DAYS), _stopped(context, amount, year, since)),
        (year > 0, _when(context, none, when, usual)),
        (since >= YEAR_DAYS, context.say("amount.for", amount=none, days=since)),
        (since.is_null() & pl.lit(amount.last in context.columns), _when(context, none, context.when(None))),
        otherwise=_when(context, none, when),
    )


def trend(context: SentenceContext, _: str, saying: Saying) -> pl.Expr:
    """Say the last 28 days against the mean of 28 days before them, within the last `days`."""
    amount, days = amount_of(saying.about, context), saying.days
    assert days is not None
    recent, whole_window = context.number(f"{amount.habit}_{_RECENT_DAYS}d"), context.number(f"{amount.habit}_{days}d")
    before = ((whole_window - recent) * (_RECENT_DAYS / (days - _RECENT_DAYS))).clip(lower_bound=0)
    none = amount.say(context, "none")
    now = cases((recent == 0, none), otherwise=amount.some(context, recent))
    nothing, level = (amount.say(context, what, n=before) for what in ("nothing", "mean"))
    compared = cases(
        ((recent == 0) & (before == 0), ""),
        (before == 0, context.say("trend.none_before", nothing=nothing, days=str(days - _RECENT_DAYS))),
        (recent * _CLEARLY_UP < before, context.say("trend.down", level=level, recent_days=str(_RECENT_DAYS))),
        (recent > before * _CLEARLY_UP, context.say("trend.up", level=level, recent_days=str(_RECENT_DAYS))),
        otherwise=context.say("trend.steady"),
    )
    return cases(
        (whole_window == 0, _when(context, none, context.window(days))),
        otherwise=_when(context, now, context.window(_RECENT_DAYS), compared),
    )


def _when(context: SentenceContext, amount: pl.Expr, when: str | pl.Expr, more: str | pl.Expr = "") -> pl.Expr:
    return context.say("amount", amount=amount, when=when, more=more)


def _usual(context: SentenceContext, amount: Amount, *, value: pl.Expr, year: pl.Expr, here: pl.Expr, days: int) -> pl.Expr:
    """Continue with the mean of windows of that length before this one, where there was at least one.

    Not said is what would read as the contrary: fewer than usual where that amount lowers the risk, more where it raises it.
    """
    usual = pl.when(here >= 2 * days).then((year - value) * days / (here - days))
    is_usual = (value < usual * _CLEARLY_MORE) & (usual < value * _CLEARLY_MORE)
    fits = pl.when(RAISES).then(value < usual).otherwise(value > usual)
    return cases(
        ((rounded(usual) < 1) | (value < 0), ""),
        (is_usual, context.say("amount.as_usual")),
        (fits, context.say("amount.usual", usual=amount.say(context, "alone", n=rounded(usual)))),
        otherwise="",
    )


def _last_one(context: SentenceContext, amount: Amount, year: pl.Expr, since: pl.Expr) -> pl.Expr:
    """Continue with when the last one was, where that was a while ago."""
    of_money = _OF_MONEY.get(amount.habit)
    last = context.say("amount.last" if of_money is None else f"amount.last.{of_money}", days=since)
    is_only = (year == 1) & pl.lit(of_money is None)
    return cases(
        (is_only & (since >= _RECENT_DAYS), context.say("amount.only", days=since)),
        (since >= _RECENT_DAYS, last),
        otherwise="",
    )


def _stopped(context: SentenceContext, amount: Amount, year: pl.Expr, since: pl.Expr) -> pl.Expr:
    """Say at what rate it went until it stopped at least 28 days ago; the year's amount where it was rare or brief."""
    lasted_days = context.here_days() - since
    months = lasted_days / DAYS_PER_MONTH
    rate = (year / months).round(0, mode="half_away_from_zero")
    is_often = (lasted_days >= _DAYS_FOR_A_RATE) & (context.number(f"{amount.times}_{YEAR_DAYS}d") / months >= amount.often)
    silence = cases((since >= _LONG_SILENCE_DAYS, context.window(_LONG_SILENCE_DAYS)), otherwise=context.window(_RECENT_DAYS))
    until = context.say(
        "amount.until",
        amount=amount.some(context, rate),
        days=since,
        nothing=amount.say(context, "nothing"),
        window=silence,
    )
    when = cases((context.here_days() < YEAR_DAYS, context.when(None)), otherwise=context.window(YEAR_DAYS))
    rare = _when(context, amount.some(context, year), when, _last_one(context, amount, year, since))
    return cases((is_often & (rate >= 1), until), otherwise=rare)
