"""The section of the morning report that says how the community as a whole is doing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from community.assessments import Change, ExpectedSpend, Figure
from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.sections import Section
from wording.numbers import DASH, money, number, percent
from wording.texts import fill, sentences

_ORDER: Final = 14
# Below so many, a figure for each member is written with two digits.
_PRECISE_BELOW: Final = 10


def assessment_section(facts: ReportFacts) -> Section | None:
    """Show activity, influence and commercial value of the whole community, beside 28 days and a year before."""
    assessed = facts.assessments
    if assessed is None or not assessed.figures:
        return None
    figures, currency = assessed.figures, facts.currency
    changes = [one.change for one in figures if one.change is not None]
    body = render_fragment(
        "section_assessment.html.j2",
        sentences=[*_sure(figures, currency), *_expected(assessed.expected, currency)],
        rows=[_row(one, currency) for one in figures],
        has_interval=any(one.low is not None for one in changes),
        has_before=any(one.before is not None for one in figures),
        has_year=any(one.year_before is not None for one in figures),
        is_incomplete=any(one.low is None for one in changes),
    )
    return Section("assessment", fill("assessment.title"), body, _ORDER)


def _sure(figures: tuple[Figure, ...], currency: str | None) -> Iterator[str]:
    """Say in a sentence each what has surely changed; that nothing has, where it is known what is usual."""
    sure = [one for one in figures if one.change is not None and one.change.is_sure]
    for figure in sure:
        assert figure.change is not None
        direction = "more" if figure.change.ratio > 0 else "less"
        now, before = _value(figure, figure.now, currency), _value(figure, figure.before, currency)
        said = [fill(f"assessment.{figure.what}.{direction}", now=now, before=before)]
        if figure.year_before is not None:
            said.append(fill("assessment.year", then=_value(figure, figure.year_before, currency)))
        yield sentences(*said)
    if not sure and any(one.change is not None and one.change.low is not None for one in figures):
        yield fill("assessment.steady")


def _expected(expected: ExpectedSpend | None, currency: str | None) -> Iterator[str]:
    if expected is None:
        return
    say = partial(fill, days=expected.days, currency=currency)
    if expected.low is None or expected.high is None:
        said = [say("assessment.expected", n=expected.expected)]
    else:
        said = [say("assessment.expected.range", n=expected.expected, low=expected.low, high=expected.high)]
    if expected.spent is not None:
        said.append(say("assessment.expected.spent", n=expected.spent))
    if expected.spent_year_before is not None:
        said.append(say("assessment.expected.year", n=expected.spent_year_before))
    yield sentences(*said)


def _row(figure: Figure, currency: str | None) -> tuple[str, str, str, str, str, str, bool]:
    """Return the cells of a figure, the last saying whether its change is sure."""
    now, before, year = (_value(figure, value, currency) for value in (figure.now, figure.before, figure.year_before))
    change = figure.change
    ratio = DASH if change is None else _signed(change.ratio)
    is_sure = change is not None and change.is_sure
    return fill(f"assessment.{figure.what}"), now, before, ratio, _interval(change), year, is_sure


def _interval(change: Change | None) -> str:
    if change is None or change.low is None or change.high is None:
        return DASH
    # A sure change is one whose range leaves out zero, so neither end of it may be rounded to zero.
    digits = 1 if change.is_sure and 0 in {round(change.low, 2), round(change.high, 2)} else 0
    return fill("assessment.between", low=_signed(change.low, digits), high=_signed(change.high, digits))


def _signed(share: float, digits: int = 0) -> str:
    """Write a change as a share: `+12 %`, `−3 %`, `0 %`, and with digits `+0.4 %`."""
    rounded = round(share, 2 + digits)
    return ("+" if rounded > 0 else "") + percent(rounded, digits=digits)


def _value(figure: Figure, value: float | None, currency: str | None) -> str:
    if value is None:
        return DASH
    if figure.what == "spend":
        return money(round(value), currency)
    if figure.what == "connected_share":
        return percent(value)
    is_count = figure.what in {"active_members", "absence_factor"}
    return number(value, digits=0 if is_count else 2 if value < _PRECISE_BELOW else 1)
