"""Phrases on what a member does over windows: how much, what is usual for them, and since when nothing.

"12 comments in the last 28 days", ", usually 30", "12 comments a month until June, none in the last 28 days".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from wording.catalogue import Noun
from wording.columns import COMPARED_WITH, YEAR_DAYS, SentenceContext, cases, rounded
from wording.reasons.described_feature import Saying
from wording.reasons.traits import WITHOUT_LAST

RECENT_DAYS: Final = 28
_LONG_SILENCE_DAYS: Final = 90
# Amounts of money → the kind of activity that brings them about.
_OF_MONEY: Final = {"spend": "order", "refund_spend": "refund"}
# Others that a member is compared with → for how many days they have been here at most.
_MOST_DAYS: Final = {"new": 28, "first_year": YEAR_DAYS}
_NO_NOUN: Final = Noun("", "")


@dataclass(frozen=True)
class Amount:
    """A quantity that is summed over windows, and the words for it.

    Args:
        habit: Its features are named `<habit>_<days>d`.
        words: Its templates are named `<words>.some`, `.alone`, `.mean`, `.none`, `.nothing`.
        noun: What is counted.
        last: The feature with the days since the last one; "" where there is none.
    """

    habit: str
    words: str
    noun: Noun
    last: str

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
        return Amount(habit, habit, _NO_NOUN, "days_since_last_activity")
    if habit in _OF_MONEY:
        kind = _OF_MONEY[habit]
        return Amount(habit, habit, _NO_NOUN, f"days_since_last_{kind}")
    kind = habit.removesuffix("_count")
    last = "" if kind in WITHOUT_LAST else f"days_since_last_{kind}"
    return Amount(habit, "count", context.catalogue.kind(kind).noun, last)


def over_window(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say an amount over a window: "12 comments in the last 28 days"; of a member who is here for less, "so far"."""
    return _over_window(context, name, saying)


def beside_others(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    """Say an amount over the same days as that of the others, whom `COMPARED_WITH` names: "so far" only where it is for both."""
    own_window = pl.lit(value=True) if saying.days is None else _are_all_here_for_less(saying.days)
    return cases((own_window, _over_window(context, name, saying)), otherwise=_in_window(context, name, saying))


def _are_all_here_for_less(days: int) -> pl.Expr:
    """Whether neither the member nor any of the others has been here for so many days."""
    bands = [band for band, most_days in _MOST_DAYS.items() if most_days <= days]
    return pl.col(COMPARED_WITH).is_in(bands)


def _in_window(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    amount, value, window_phrase = amount_of(saying.about, context), context.number(name), context.when(saying.days)
    return cases(
        (value.is_null(), pl.lit(None, pl.String)),
        (value == 0, _when(context, amount.say(context, "none"), window_phrase)),
        otherwise=_when(context, amount.some(context, value), window_phrase),
    )


def _over_window(context: SentenceContext, name: str, saying: Saying) -> pl.Expr:
    amount, days = amount_of(saying.about, context), saying.days
    value, year = context.number(name), context.number(f"{amount.habit}_{YEAR_DAYS}d")
    some_phrase, none_phrase, window_phrase = amount.some(context, value), amount.say(context, "none"), context.when(days)
    if days is None or days == 1:
        return _in_window(context, name, saying)
    since_days = context.number(amount.last)
    when_phrase = cases((context.membership_days() < days, context.when(None)), otherwise=window_phrase)
    never = since_days.is_null() & pl.lit(amount.last in context.columns)
    return cases(
        (value.is_null(), pl.lit(None, pl.String)),
        (value != 0, _when(context, some_phrase, when_phrase)),
        ((since_days >= YEAR_DAYS) & (year == 0), context.say("amount.for", amount=none_phrase, days=since_days)),
        (never, _when(context, none_phrase, context.when(None))),
        otherwise=_when(context, none_phrase, when_phrase),
    )


def trend(context: SentenceContext, _: str, saying: Saying) -> pl.Expr:
    """Say the amount of the last 28 days."""
    amount = amount_of(saying.about, context)
    recent = context.number(f"{amount.habit}_{RECENT_DAYS}d")
    now_phrase = cases((recent == 0, amount.say(context, "none")), otherwise=amount.some(context, recent))
    return _when(context, now_phrase, context.window(RECENT_DAYS))


def alone(context: SentenceContext, name: str, saying: Saying, number: pl.Expr) -> pl.Expr:
    """Say another amount of the same beside the first: "30", "on 12"; "on 12 days" where the first is none."""
    amount = amount_of(saying.about, context)
    n = number if amount.habit in _OF_MONEY else rounded(number)
    some = amount.say(context, "alone", n=n)
    if amount.habit == "active_days":
        some = cases((context.number(name) == 0, context.say("active_days.beside_none", n=n)), otherwise=some)
    return cases((n == 0, amount.say(context, "nothing")), otherwise=some)


def from_level(context: SentenceContext, saying: Saying, level: pl.Expr) -> pl.Expr:
    """Continue with the level before: ", down from 4 in an average 28 days before"."""
    amount = amount_of(saying.about, context)
    phrase, recent = amount.say(context, "mean", n=level), context.number(f"{amount.habit}_{RECENT_DAYS}d")
    down, up = (context.say(f"trend.{way}", level=phrase, recent_days=str(RECENT_DAYS)) for way in ("down", "up"))
    return cases((recent < level, down), otherwise=up)


def stopped(context: SentenceContext, saying: Saying, rate: pl.Expr) -> pl.Expr:
    """Say at what rate it went until it stopped: "12 comments a month until June, none in the last 28 days"."""
    amount = amount_of(saying.about, context)
    since_days = context.number(amount.last)
    window = cases((since_days >= _LONG_SILENCE_DAYS, context.window(_LONG_SILENCE_DAYS)), otherwise=context.window(RECENT_DAYS))
    return context.say(
        "amount.until", amount=amount.some(context, rate), days=since_days, nothing=amount.say(context, "nothing"), window=window
    )


def _when(context: SentenceContext, amount: pl.Expr, when: str | pl.Expr) -> pl.Expr:
    return context.say("amount", amount=amount, when=when)
