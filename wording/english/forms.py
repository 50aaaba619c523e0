"""How numbers, money and dates are written, and what joins words.

Days are written by patterns of CLDR, months in columns by those of `strftime`. `column` is what a list shows, which has no
no-break spaces.
"""

from __future__ import annotations

from typing import Final

FORMS: Final = {
    "form.percent": "{n}\u00a0%",
    "form.percent.under": "under 1\u00a0%",
    "form.percent.over": "over 99\u00a0%",
    "form.percent.column": "{n} %",
    "form.percent.column.under": "under 1 %",
    "form.percent.column.over": "over 99 %",
    "form.count": "{n} {noun}",
    "form.count.none": "no {noun}",
    "form.money.symbol": "{symbol}{n}",
    "form.money.code": "{n}\u00a0{code}",
    "form.money.column": "{n} {code}",
    "form.sentences": "{before} {after}",
    "form.stop": "{sentence}.",
    "form.day": "EEEE d MMMM y",
    "form.short_day": "d MMM y",
    "form.axis.day": "%-d %b",
    "form.axis.day_of_year": "%-d %b %y",
    "form.month": "%B",
    "form.month_of_year": "%B %Y",
    "group.name": "{adjective} {noun}",
    "group.numbered": "{name} {n}",
}
