"""Numbers in plain English: counts, shares, money, changes, dates. Every sentence of a report is made of these."""

from __future__ import annotations

from datetime import date
from typing import Final

from wording.catalogue import Noun
from wording.english import plural_of

NO_BREAK_SPACE: Final = "\u00a0"
MINUS: Final = "−"
DASH: Final = "–"

SYMBOLS: Final = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "INR": "₹"}
_ABOUT_THE_SAME: Final = 0.005
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


def count(n: int, noun: str | Noun) -> str:
    """Write a number with its noun: `1 member`, `1,204 members`, `no members`."""
    return f"{number(n) if n else 'no'} {plural(noun, n)}"


def percent(share: float, *, digits: int = 0) -> str:
    """Write a share: `3 %`; what is above zero but rounds to it is `under 1 %`, what is nearly all `over 99 %`."""
    if digits == 0 and 0 < share < SMALLEST_PERCENT:
        return f"under 1{NO_BREAK_SPACE}%"
    if digits == 0 and 1 - SMALLEST_PERCENT <= share < 1:
        return f"over 99{NO_BREAK_SPACE}%"
    return f"{number(share * 100, digits=digits)}{NO_BREAK_SPACE}%"


def share(part: int, whole: int) -> str:
    """Write a part as a share of a whole; nothing of nothing is a dash."""
    return percent(part / whole) if whole else DASH


def money(amount: float, currency: str | None) -> str:
    """Write an amount: `£12,346`, `£3.50`, `12,346 CHF`, or the number alone without a currency."""
    digits = 2 if 0 < abs(amount) < PRECISE_BELOW and amount != round(amount) else 0
    text = number(abs(amount), digits=digits)
    sign = MINUS if amount < 0 and text.strip("0.,") else ""
    if currency is None:
        return sign + text
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text}{NO_BREAK_SPACE}{currency}"


def change(now: float, before: float, *, more: str = "more", less: str = "fewer", than: str = "the week before") -> str:
    """Compare two amounts: `3 % fewer than the week before`; `about the same as …` within half a percent.

    Args:
        now: The present amount.
        before: The amount that it is compared with.
        more: The word for a rise.
        less: The word for a fall; "fewer" also says that the amounts are counts.
        than: The name of the period before.
    """
    if before <= 0:
        return f"after none {than}" if now else f"as {than}"
    ratio = now / before - 1
    if abs(ratio) < _ABOUT_THE_SAME:
        return f"about the same as {than}"
    if ratio >= 1:
        return f"{number(now / before, digits=1).removesuffix('.0')} times as {'many' if less == 'fewer' else 'much'} as {than}"
    return f"{percent(abs(ratio))} {more if ratio > 0 else less} than {than}"


def difference(now: int, before: int | None) -> str:
    """Write a signed difference for a table cell: `+12`, `−3`, `0`; a dash where there is nothing to compare with."""
    if before is None:
        return DASH
    return ("+" if now > before else "") + number(now - before)


def day(date_: date) -> str:
    """Write a date: `Wednesday 31 August 2011`."""
    return f"{date_:%A} {date_.day} {date_:%B} {date_.year}"


def short_day(date_: date) -> str:
    """Write a date: `31 Aug 2011`."""
    return f"{date_.day} {date_:%b} {date_.year}"


def days_ago(days: int) -> str:
    """Write an age: `today`, `yesterday`, `12 days ago`."""
    if days == 0:
        return "today"
    return "yesterday" if days == 1 else f"{number(days)} days ago"


def label(name: str) -> str:
    """Turn a name such as `at_risk` into words that start a line: `At risk`."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def listing(items: list[str]) -> str:
    """Join items: `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
