"""Numbers, spans, windows and money in plain English, as Polars expressions: what the sentences of reasons are made of.

Every phrase is null where its number is null, and none holds a capital letter of its own making.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

# The column that says whether a reason raises the risk; no feature's name holds a colon.
RAISES: Final = "reason:raises"
DAYS_PER_MONTH: Final = 30.4
YEAR_DAYS: Final = 365
_LAST_DAY_IN_MONTHS: Final = 2 * YEAR_DAYS
_PRECISE_BELOW: Final = 100
_SMALLEST_PERCENT: Final = 0.005
# A slug that ends like this says what happened and is no noun: "logged in", "video watched".
_NOT_A_NOUN: Final = ("ed", "ing", " in", " out", " up", " on", " off")


@dataclass(frozen=True)
class SentenceContext:
    """What sentences may draw on.

    Args:
        columns: Columns of the frame.
        currency: Put behind amounts of money; None to leave it out.
        as_of: The night.
    """

    columns: frozenset[str]
    currency: str | None
    as_of: date

    def number(self, name: str) -> pl.Expr:
        """Read a feature as a number; null throughout where the frame lacks it."""
        return pl.col(name).cast(pl.Float64) if name in self.columns else pl.lit(None, dtype=pl.Float64)

    def here_days(self) -> pl.Expr:
        """Days of the last 365 that the member was here for, `as_of` included; all where joining is unknown."""
        return (self.number("tenure_days") + 1).clip(1, YEAR_DAYS).fill_null(YEAR_DAYS)


@dataclass(frozen=True)
class Noun:
    """A thing that is counted, in both numbers: "message from us", "messages from us"."""

    one: str
    many: str

    def form(self, number: pl.Expr) -> pl.Expr:
        """Give the form that goes with a number."""
        return cases((number == 1, self.one), otherwise=self.many)


DAY: Final = Noun("day", "days")
MONTH: Final = Noun("month", "months")
YEAR: Final = Noun("year", "years")


def event_noun(slug: str) -> Noun:
    """Make a noun of an event type: comment, comments; what is no noun is quoted: “logged in” event, “logged in” events."""
    word = slug.replace("_", " ")
    if word.endswith(_NOT_A_NOUN) or not word[-1:].isalpha():
        return Noun(f"“{word}” event", f"“{word}” events")
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return Noun(word.removesuffix("s"), word)
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return Noun(word, f"{word[:-1]}ies")
    return Noun(word, word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s"))


def say(*parts: str | pl.Expr) -> pl.Expr:
    """Put text and phrases one after the other; null where a phrase is."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])


def cases(*choices: tuple[pl.Expr, str | pl.Expr], otherwise: str | pl.Expr) -> pl.Expr:
    """Say the phrase of the first condition that holds; a condition that is null does not."""
    chosen = say(otherwise)
    for condition, phrase in reversed(choices):
        chosen = pl.when(condition).then(say(phrase)).otherwise(chosen)
    return chosen


def known(phrase: pl.Expr) -> pl.Expr:
    """Keep a phrase, and say nothing where it is null."""
    return phrase.fill_null("")


def sentence_case(text: pl.Expr) -> pl.Expr:
    """Begin with a capital letter."""
    return say(text.str.head(1).str.to_uppercase(), text.str.slice(1))


def rounded(number: pl.Expr) -> pl.Expr:
    """Round to a whole number, halves away from zero."""
    return number.round(0, mode="half_away_from_zero").cast(pl.Int64)


def whole(number: pl.Expr) -> pl.Expr:
    """Write a number without fraction: 1,204 or −3."""
    # Each phrase mentions its number as seldom as it can: phrases nest, and expressions would grow with every mention.
    digits = rounded(number).cast(pl.String)
    for separated in (r"^(-?\d+)(\d{3})$", r"^(-?\d+)(\d{3}),"):
        digits = digits.str.replace(separated, "${1},${2}" + separated[-1].strip("$"))
    return digits.str.replace("-", "−", literal=True)


def decimal(number: pl.Expr) -> pl.Expr:
    """Write a number below 100 with one digit after the point unless that is 0, a larger one without: 6.8, 7, 41, 120."""
    tenths = number.round(1, mode="half_away_from_zero").cast(pl.String)
    text = tenths.str.replace("^-0.0$", "0").str.strip_suffix(".0").str.replace("-", "−", literal=True)
    return cases((number.abs() < _PRECISE_BELOW, text), otherwise=whole(number))


def counted(number: pl.Expr, noun: Noun) -> pl.Expr:
    """Write a whole number with its noun: 1 comment, 1,204 comments, 0 comments."""
    return say(whole(number), f" {noun.many}").str.replace(f"^1 {noun.many}$", f"1 {noun.one}")


def percent(part: pl.Expr) -> pl.Expr:
    """Write a share: 3 %, under 1 %, over 99 %."""
    return cases(
        ((part > 0) & (part < _SMALLEST_PERCENT), "under 1 %"),
        ((part < 1) & (part >= 1 - _SMALLEST_PERCENT), "over 99 %"),
        otherwise=say(whole(part * 100), " %"),
    )


def money(amount: pl.Expr, currency: str | None) -> pl.Expr:
    """Write an amount: 1,204 GBP, or 3.50 GBP where it is small and not whole; the number alone without a currency."""
    exact = amount.round(2, mode="half_away_from_zero").cast(pl.String)
    small = exact.str.strip_suffix(".0").str.replace(r"\.(\d)$", ".${1}0").str.replace("-", "−", literal=True)
    return say(cases((amount.abs() < _PRECISE_BELOW, small), otherwise=whole(amount)), "" if currency is None else f" {currency}")


def span(days: pl.Expr) -> pl.Expr:
    """Write a number of days: 41 days; 14 months beyond a year; 3 years beyond two."""
    return cases(
        (days <= YEAR_DAYS, counted(days, DAY)),
        (days < _LAST_DAY_IN_MONTHS, counted(days / DAYS_PER_MONTH, MONTH)),
        otherwise=counted(days / YEAR_DAYS, YEAR),
    )


def ago(days: pl.Expr) -> pl.Expr:
    """Write an age: today, yesterday, 41 days ago, 14 months ago."""
    return cases((days == 0, "today"), (days == 1, "yesterday"), otherwise=say(span(days), " ago"))


def month(days: pl.Expr, *, as_of: date) -> pl.Expr:
    """Name the month so many days before `as_of`, with the year where it is another one: June, December 2025."""
    day = pl.lit(as_of) - pl.duration(days=days.cast(pl.Int64))
    return cases((day.dt.year() == as_of.year, day.dt.strftime("%B")), otherwise=day.dt.strftime("%B %Y"))


def window(days: int) -> str:
    """Say a window that ends with `as_of`: today, in the last 28 days, in the last year."""
    if days == 1:
        return "today"
    return "in the last year" if days == YEAR_DAYS else f"in the last {days} days"
