"""Sentences on what a member does over windows: how much, against the member's own usual, and since when nothing.

"12 comments in the last 28 days, usually 30", "12 comments a month until June, none in the last 28 days",
"3 orders in the last year, the last one 41 days ago".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from models.phrases import (
    DAY,
    DAYS_PER_MONTH,
    RAISES,
    YEAR_DAYS,
    Noun,
    SentenceContext,
    ago,
    cases,
    counted,
    decimal,
    money,
    month,
    rounded,
    say,
    span,
    whole,
    window,
)

_RECENT_DAYS: Final = 28
_LONG_SILENCE_DAYS: Final = 90
# A rate per month is said only when it held for so many days, on so many occasions a month.
_DAYS_FOR_A_RATE: Final = 61
_OFTEN: Final = 2
_OFTEN_TO_BUY: Final = 1
_CLEARLY_MORE: Final = 1.5
_CLEARLY_UP: Final = 1.25


@dataclass(frozen=True)
class Amount:
    """Something that is summed over windows, and how it is said.

    Args:
        habit: Its features are named `<habit>_<days>d`.
        last: The feature with the days since the last one; "" where there is none.
        some: An amount in words: "12 comments".
        alone: A usual amount after those words: "12".
        mean: A mean amount, which for counts has a fraction: "0.4".
        none: No amount at all: "no comments".
        nothing: The same after a comma: "none".
        one: A single one of it after "the last": "one".
        times: The habit that counts its occasions; itself where it is a count.
        often: Occasions a month from which a rate per month is said.
    """

    habit: str
    last: str
    some: Callable[[pl.Expr], pl.Expr]
    alone: Callable[[pl.Expr], pl.Expr]
    mean: Callable[[pl.Expr], pl.Expr]
    none: str
    nothing: str
    one: str
    times: str
    often: int


def counts(kind: str, noun: Noun, *, last: str) -> Amount:
    """Say a count of things."""
    return Amount(
        habit=f"{kind}_count",
        last=last,
        some=lambda n: counted(n, noun),
        alone=whole,
        mean=decimal,
        none=f"no {noun.many}",
        nothing="none",
        one="one",
        times=f"{kind}_count",
        often=_OFTEN,
    )


def active_days() -> Amount:
    """Say on how many days a member was active."""
    return Amount(
        habit="active_days",
        last="days_since_last_activity",
        some=lambda days: say("active on ", counted(days, DAY)),
        alone=lambda days: say("on ", whole(days)),
        mean=lambda days: say(decimal(days), " ", DAY.form(days)),
        none="not active",
        nothing="on none",
        one="one",
        times="active_days",
        often=_OFTEN,
    )


def spend(currency: str | None) -> Amount:
    """Say what was spent, refunds deducted; more back than spent is negative."""

    def some(amount: pl.Expr) -> pl.Expr:
        back = say("got ", money(amount.abs(), currency), " more back than spent")
        return cases((amount < 0, back), otherwise=say("spent ", money(amount, currency)))

    return _of_money("spend", "order", "spent", some, currency)


def refunds(currency: str | None) -> Amount:
    """Say what was refunded."""

    def some(amount: pl.Expr) -> pl.Expr:
        return say("got ", money(amount, currency), " refunded")

    return _of_money("refund_spend", "refund", "refunded", some, currency)


def _of_money(habit: str, kind: str, done: str, some: Callable[[pl.Expr], pl.Expr], currency: str | None) -> Amount:
    return Amount(
        habit=habit,
        last=f"days_since_last_{kind}",
        some=some,
        alone=lambda amount: money(rounded(amount), currency),
        mean=lambda amount: money(amount, currency),
        none=f"nothing {done}",
        nothing="nothing",
        one=kind,
        times=f"{kind}_count",
        often=_OFTEN_TO_BUY,
    )


def over_window(context: SentenceContext, amount: Amount, days: int) -> pl.Expr:
    """Say an amount over a window, against what was usual before it or, where it is 0, since when and after how much."""
    value, year = context.number(f"{amount.habit}_{days}d"), context.number(f"{amount.habit}_{YEAR_DAYS}d")
    if days == 1:
        return cases((value == 0, f"{amount.none} today"), otherwise=say(amount.some(value), " today"))
    here, since = context.here_days(), context.number(amount.last)
    when = cases((here < days, "so far"), otherwise=window(days))
    usual = _usual(value, year, here, amount, days)
    more = usual if days < YEAR_DAYS else _last_one(value, since, amount) if amount.times == amount.habit else ""
    return cases(
        (value.is_null(), pl.lit(None, pl.String)),
        (value != 0, say(amount.some(value), " ", when, more)),
        ((year > 0) & (since >= _RECENT_DAYS), _stopped(context, amount, year, since)),
        (year > 0, say(amount.none, " ", when, usual)),
        otherwise=_never(context, amount, since, when),
    )


def ever(context: SentenceContext, amount: Amount) -> pl.Expr:
    """Say an amount over the whole lifetime."""
    value = context.number(f"{amount.habit}_lifetime")
    return cases((value == 0, say(amount.none, " so far")), otherwise=say(amount.some(value), " so far"))


def trend(context: SentenceContext, amount: Amount, days: int) -> pl.Expr:
    """Say the last 28 days against the mean of 28 days before them, within the last `days`."""
    recent, whole_window = context.number(f"{amount.habit}_{_RECENT_DAYS}d"), context.number(f"{amount.habit}_{days}d")
    before = ((whole_window - recent) * (_RECENT_DAYS / (days - _RECENT_DAYS))).clip(lower_bound=0)
    now = say(cases((recent == 0, amount.none), otherwise=amount.some(recent)), f" {window(_RECENT_DAYS)}")
    level = say(amount.mean(before), f" in an average {_RECENT_DAYS} days before")
    return cases(
        (whole_window == 0, say(amount.none, " ", window(days))),
        ((recent == 0) & (before == 0), now),
        (before == 0, say(now, f", {amount.nothing} in the {days - _RECENT_DAYS} days before")),
        (recent * _CLEARLY_UP < before, say(now, ", down from ", level)),
        (recent > before * _CLEARLY_UP, say(now, ", up from ", level)),
        otherwise=say(now, ", about as before"),
    )


def _usual(value: pl.Expr, year: pl.Expr, here: pl.Expr, amount: Amount, days: int) -> pl.Expr:
    """Continue with the mean of windows of that length before this one, where there was at least one.

    Not said is what would read as the contrary: fewer than usual where that amount lowers the risk, more where it raises it.
    """
    usual = pl.when(here >= 2 * days).then((year - value) * days / (here - days))
    is_usual = (value < usual * _CLEARLY_MORE) & (usual < value * _CLEARLY_MORE)
    fits = pl.when(RAISES).then(value < usual).otherwise(value > usual)
    return cases(
        ((rounded(usual) < 1) | (value < 0), ""),
        (is_usual, ", as usual"),
        (fits, say(", usually ", amount.alone(usual))),
        otherwise="",
    )


def _last_one(year: pl.Expr, since: pl.Expr, amount: Amount) -> pl.Expr:
    is_alone = (year == 1) & pl.lit(amount.one == "one")
    return cases(
        (is_alone & (since >= _RECENT_DAYS), say(", ", ago(since))),
        (since >= _RECENT_DAYS, say(f", the last {amount.one} ", ago(since))),
        otherwise="",
    )


def _stopped(context: SentenceContext, amount: Amount, year: pl.Expr, since: pl.Expr) -> pl.Expr:
    """Say at what rate it went until it stopped at least 28 days ago; the year's amount where it was rare or brief."""
    lasted_days = context.here_days() - since
    months = lasted_days / DAYS_PER_MONTH
    rate = (year / months).round(0, mode="half_away_from_zero")
    is_often = (lasted_days >= _DAYS_FOR_A_RATE) & (context.number(f"{amount.times}_{YEAR_DAYS}d") / months >= amount.often)
    silence = cases((since >= _LONG_SILENCE_DAYS, window(_LONG_SILENCE_DAYS)), otherwise=window(_RECENT_DAYS))
    until = say(amount.some(rate), " a month until ", month(since, as_of=context.as_of), f", {amount.nothing} ", silence)
    when = cases((context.here_days() < YEAR_DAYS, "so far"), otherwise=window(YEAR_DAYS))
    rare = say(amount.some(year), " ", when, _last_one(year, since, amount))
    return cases((is_often & (rate >= 1), until), otherwise=rare)


def _never(context: SentenceContext, amount: Amount, since: pl.Expr, when: pl.Expr) -> pl.Expr:
    never = say(amount.none, " so far") if amount.last in context.columns else say(amount.none, " ", when)
    return cases(
        (since >= YEAR_DAYS, say(amount.none, " for ", span(since))),
        (since.is_null(), never),
        otherwise=say(amount.none, " ", when),
    )
