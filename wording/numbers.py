"""Numbers as people write them: counts, shares, money, changes, dates. Every sentence of a report is made of these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from babel.dates import format_date
from babel.numbers import get_currency_symbol

from wording.catalogue import Catalogue, Noun
from wording.english.grammar import plural_of
from wording.language import current

NO_BREAK_SPACE: Final = "\u00a0"
MINUS: Final = "−"
DASH: Final = "–"

SYMBOLS: Final = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "INR": "₹"}
# Shares and amounts below these are written more precisely.
SMALLEST_PERCENT: Final = 0.005
PRECISE_BELOW: Final = 100


def number(value: float, *, digits: int = 0) -> str:
    """Write a number with thousands separators and a real minus sign: `1,204`, `−3.5`."""
    text = f"{abs(value):,.{digits}f}"
    is_zero = not text.strip("0.,")
    return text if value >= 0 or is_zero else MINUS + text


def plural(noun: str | Noun, n: float) -> str:
    """Give the form of a noun that goes with a number: `1 member`, `2 members`, `2 categories`."""
    forms = Noun(noun, plural_of(noun)) if isinstance(noun, str) else noun
    return forms.one if n == 1 else forms.many


def count(n: int, noun: str | Noun, *, catalogue: Catalogue | None = None) -> str:
    """Write a number with its noun: `1 member`, `1,204 members`, `no members`."""
    form = _forms(catalogue)["form.count" if n else "form.count.none"]
    return form.format(n=number(n), noun=plural(noun, n))


def percent(share: float, *, digits: int = 0, catalogue: Catalogue | None = None) -> str:
    """Write a share: `3 %`; what is above zero but rounds to it is `under 1 %`, what is nearly all `over 99 %`."""
    forms = _forms(catalogue)
    if digits == 0 and 0 < share < SMALLEST_PERCENT:
        return forms["form.percent.under"]
    if digits == 0 and 1 - SMALLEST_PERCENT <= share < 1:
        return forms["form.percent.over"]
    return forms["form.percent"].format(n=number(share * 100, digits=digits))


def share(part: int, whole: int) -> str:
    """Write a part as a share of a whole; nothing of nothing is a dash."""
    return percent(part / whole) if whole else DASH


def money(amount: float, currency: str | None, *, catalogue: Catalogue | None = None) -> str:
    """Write an amount: `£12,346`, `£3.50`, `12,346 CHF`, or the number alone without a currency."""
    digits = 2 if 0 < abs(amount) < PRECISE_BELOW and amount != round(amount) else 0
    text = number(abs(amount), digits=digits)
    sign = MINUS if amount < 0 and text.strip("0.,") else ""
    if currency is None:
        return sign + text
    forms, symbol = _forms(catalogue), symbol_of(currency, catalogue)
    form = "form.money.code" if symbol is None else "form.money.symbol"
    return sign + forms[form].format(n=text, symbol=symbol, code=currency)


def symbol_of(currency: str, catalogue: Catalogue | None = None) -> str | None:
    """Return the sign of a currency as the language writes it; None where it has none."""
    spoken = current() if catalogue is None else catalogue
    # What stands in English reports is a choice of ours: CLDR would write CN¥ and A$ there.
    if spoken.locale == "en":
        return SYMBOLS.get(currency)
    symbol = get_currency_symbol(currency, locale=spoken.locale)
    return None if symbol == currency else symbol


def difference(now: int, before: int | None) -> str:
    """Write a signed difference for a table cell: `+12`, `−3`, `0`; a dash where there is nothing to compare with."""
    if before is None:
        return DASH
    return ("+" if now > before else "") + number(now - before)


def day(date_: date, *, catalogue: Catalogue | None = None) -> str:
    """Write a date: `Wednesday 31 August 2011`."""
    return _day("form.day", date_, catalogue)


def short_day(date_: date, *, catalogue: Catalogue | None = None) -> str:
    """Write a date: `31 Aug 2011`."""
    return _day("form.short_day", date_, catalogue)


def _day(form: str, date_: date, catalogue: Catalogue | None) -> str:
    spoken = current() if catalogue is None else catalogue
    return format_date(date_, spoken.sentences[form], locale=spoken.locale)


def _forms(catalogue: Catalogue | None) -> Mapping[str, str]:
    return (current() if catalogue is None else catalogue).sentences
