"""Sentences as Polars expressions: the templates of a catalogue filled with columns, and numbers written for them.

Every phrase is null where its number is null, and none holds a capital letter of its own making. How numbers, money and
months are written is decided here and in `wording.numbers` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import polars as pl

from wording.catalogue import Catalogue, Noun
from wording.language import current
from wording.numbers import MINUS, PRECISE_BELOW, SMALLEST_PERCENT, symbol_of

# Columns that say whether a reason raises the risk, and what it is compared with; no feature's name holds a colon.
RAISES: Final = "reason:raises"
COMPARED_WITH: Final = "reason:compared_with"
COMPARISON: Final = "reason:comparison"
COMPARISON_TEXT: Final = "reason:comparison_text"
DAYS_PER_MONTH: Final = 30.4
YEAR_DAYS: Final = 365
_LAST_DAY_IN_MONTHS: Final = 2 * YEAR_DAYS


@dataclass(frozen=True)
class SentenceContext:
    """The data that sentences may use.

    Args:
        columns: Columns of the frame.
        currency: Put behind amounts of money; None to leave it out.
        as_of: The night.
        catalogue: The language; by default the one that is spoken.
    """

    columns: frozenset[str]
    currency: str | None
    as_of: date
    catalogue: Catalogue = field(default_factory=current)

    def number(self, name: str) -> pl.Expr:
        """Read a feature as a number; null throughout where the frame lacks it."""
        return pl.col(name).cast(pl.Float64) if name in self.columns else pl.lit(None, dtype=pl.Float64)

    def membership_days(self) -> pl.Expr:
        """Return the days of membership among the last 365, `as_of` included; all 365 where the day of joining is unknown."""
        return (self.number("tenure_days") + 1).clip(1, YEAR_DAYS).fill_null(YEAR_DAYS)

    def say(self, key: str, **values: str | pl.Expr | Noun) -> pl.Expr:
        """Fill a template; null where one of its phrases is.

        Args:
            key: The template's key.
            values: Its placeholders: text as it is, expressions of text, and, with a format, of numbers.
        """
        phrases = []
        for text, value, spec in self.catalogue.parts(key, values):
            phrases += [pl.lit(text)] if text else []
            if value is not None:
                phrases.append(pl.lit(value) if isinstance(value, str) else self._formatted(value, spec, values))
        return pl.concat_str(phrases)

    def window(self, days: int) -> str:
        """Say a window that ends with `as_of`: today, in the last 28 days, in the last year."""
        key = {1: "window.day", YEAR_DAYS: "window.year"}.get(days, "window.days")
        return self.catalogue.sentences[key].format(days=days)

    def when(self, days: int | None) -> str:
        """Say a window, or without one "so far"."""
        return self.catalogue.sentences["so_far"] if days is None else self.window(days)

    def span(self, days: pl.Expr) -> pl.Expr:
        """Write a number of days: 41 days; 14 months beyond a year; 3 years beyond two."""
        return cases(
            (days <= YEAR_DAYS, self.say("span.days", n=days)),
            (days < _LAST_DAY_IN_MONTHS, self.say("span.months", n=days / DAYS_PER_MONTH)),
            otherwise=self.say("span.years", n=days / YEAR_DAYS),
        )

    def ago(self, days: pl.Expr) -> pl.Expr:
        """Write an age: today, yesterday, 41 days ago, 14 months ago."""
        return cases(
            (days == 0, self.say("ago.today")), (days == 1, self.say("ago.yesterday")), otherwise=self.say("ago.days", n=days)
        )

    def month(self, days: pl.Expr) -> pl.Expr:
        """Name the month so many days before `as_of`, with the year where it is another one: June, December 2025."""
        day = pl.lit(self.as_of) - pl.duration(days=days.cast(pl.Int64))
        month, of_year = (self.catalogue.sentences[form] for form in ("form.month", "form.month_of_year"))
        return cases((day.dt.year() == self.as_of.year, day.dt.strftime(month)), otherwise=day.dt.strftime(of_year))

    def money(self, amount: pl.Expr) -> pl.Expr:
        """Write an amount: 1,204 GBP, or 3.50 GBP where it is small and not whole."""
        exact = amount.round(2, mode="half_away_from_zero").cast(pl.String)
        small = exact.str.strip_suffix(".0").str.replace(r"\.(\d)$", ".${1}0").str.replace("-", MINUS, literal=True)
        return self._with_unit(cases((amount.abs() < PRECISE_BELOW, small), otherwise=whole(amount)))

    def plain_money(self, amount: pl.Expr) -> pl.Expr:
        """Write an amount as the contact list does, whole and without separators: 1204 GBP."""
        return self._with_unit(plain(amount))

    def percent(self, part: pl.Expr) -> pl.Expr:
        """Write a share: 3 %, under 1 %, over 99 %."""
        return percent(part, self.catalogue)

    def _with_unit(self, amount: pl.Expr) -> pl.Expr:
        if self.currency is None:
            return amount
        symbol = symbol_of(self.currency, self.catalogue) or self.currency
        before, _, after = (
            self.catalogue.sentences["form.money.column"].format(n="\n", symbol=symbol, code=self.currency).partition("\n")
        )
        return join(before, amount, after)

    def _formatted(self, value: pl.Expr, spec: str, values: dict[str, Any]) -> pl.Expr:
        name, _, noun = spec.partition(":")
        if noun:
            noun_forms = self.catalogue.noun(noun, values)
            return (
                counted(value, noun_forms, self.catalogue)
                if name == "count"
                else cases((value == 1, noun_forms.one), otherwise=noun_forms.many)
            )
        of_context: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
            "percent": self.percent,
            "span": self.span,
            "ago": self.ago,
            "month": self.month,
            "money": self.money,
            "plain_money": self.plain_money,
        }
        return value if not name else (_FORMATS.get(name) or of_context[name])(value)


def join(*parts: str | pl.Expr) -> pl.Expr:
    """Put text and phrases one after the other; null where a phrase is."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])


def cases(*choices: tuple[pl.Expr, str | pl.Expr], otherwise: str | pl.Expr) -> pl.Expr:
    """Say the phrase of the first condition that holds; a condition that is null does not."""
    chosen = join(otherwise)
    for condition, phrase in reversed(choices):
        chosen = pl.when(condition).then(join(phrase)).otherwise(chosen)
    return chosen


def sentence_case(text: pl.Expr) -> pl.Expr:
    """Begin with a capital letter."""
    return join(text.str.head(1).str.to_uppercase(), text.str.slice(1))


def rounded(number: pl.Expr) -> pl.Expr:
    """Round to a whole number, halves away from zero."""
    return number.round(0, mode="half_away_from_zero").cast(pl.Int64)


def plain(number: pl.Expr) -> pl.Expr:
    """Write a number without fraction and without separators: 1204."""
    return rounded(number).cast(pl.String)


def whole(number: pl.Expr) -> pl.Expr:
    """Write a number without fraction: 1,204 or −3."""
    # Each phrase uses its number as few times as possible: phrases are nested, and every use repeats the whole expression.
    digits = plain(number)
    for separated in (r"^(-?\d+)(\d{3})$", r"^(-?\d+)(\d{3}),"):
        digits = digits.str.replace(separated, "${1},${2}" + separated[-1].strip("$"))
    return digits.str.replace("-", MINUS, literal=True)


def decimal(number: pl.Expr) -> pl.Expr:
    """Write a number below 100 with one digit after the point unless that is 0, a larger one without: 6.8, 7, 41, 120."""
    tenths = number.round(1, mode="half_away_from_zero").cast(pl.String)
    text = tenths.str.replace("^-0.0$", "0").str.strip_suffix(".0").str.replace("-", MINUS, literal=True)
    return cases((number.abs() < PRECISE_BELOW, text), otherwise=whole(number))


def counted(number: pl.Expr, noun: Noun, catalogue: Catalogue | None = None) -> pl.Expr:
    """Write a whole number with its noun: 1 comment, 1,204 comments, 0 comments."""
    form = (catalogue or current()).sentences["form.count"]
    many, one = (form.format(n="{n}", noun=words).partition("{n}") for words in (noun.many, noun.one))
    written = join(many[0], whole(number), many[2])
    if one == many:
        return written
    return written.str.replace(f"^{many[0]}1{many[2]}$", f"{one[0]}1{one[2]}")


def percent(part: pl.Expr, catalogue: Catalogue | None = None) -> pl.Expr:
    """Write a share: 3 %, under 1 %, over 99 %."""
    forms = (catalogue or current()).sentences
    before, _, after = forms["form.percent.column"].partition("{n}")
    return cases(
        ((part > 0) & (part < SMALLEST_PERCENT), forms["form.percent.column.under"]),
        ((part < 1) & (part >= 1 - SMALLEST_PERCENT), forms["form.percent.column.over"]),
        otherwise=join(before, whole(part * 100), after),
    )


_FORMATS: Final[Mapping[str, Callable[[pl.Expr], pl.Expr]]] = {
    "whole": whole,
    "plain": plain,
    "decimal": decimal,
}
