"""What changed in the figures, as sentences: first what a person must know, then what puts it in proportion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from community.figure_changes import Driver, FigureChange
from community.key_figures import KEY_FIGURES
from outputs.report.week_facts import WeekFacts
from wording.numbers import DASH, MINUS, money, number, percent
from wording.texts import fill, name

# Groups that the catalogue has words for.
_NAMED: Final = ("tier", "lifecycle")
# From here on the mean of a day is written without decimals.
_WHOLE_FROM: Final = 10


def change_sentences(change: FigureChange, week: WeekFacts, currency: str | None) -> tuple[str, ...]:
    """Say what changed in a figure, how it is to be taken, and where most of it lies; an asterisk ends the strong part.

    Args:
        change: A change that is more than chance.
        week: The week.
        currency: Of amounts of money.
    """
    return tuple(_sentences(change, week, currency))


def direction(change: FigureChange) -> str:
    """Return `more` or `less`, the last part of many keys."""
    return "more" if change.difference > 0 else "less"


def value_text(figure: str, value: float | None, currency: str | None) -> str:
    """Write a figure's value for a table."""
    if value is None:
        return DASH
    of = KEY_FIGURES[figure].of
    if of == "money":
        return money(round(value), currency)
    if of == "share":
        return percent(value)
    return number(value, digits=1 if of == "score" or _is_small_mean(figure, value) else 0)


def difference_text(change: FigureChange, currency: str | None) -> str:
    """Write how much more a figure is than before, with its sign; a share in percentage points."""
    if change.before is None:
        return DASH
    if KEY_FIGURES[change.figure].of == "share":
        points = round(100 * change.difference, 1)
        return fill("figures.points", n=_signed(points, number(abs(points), digits=1)))
    # Of the numbers that the table shows, so that a reader who computes finds the same.
    is_small = any(_is_small_mean(change.figure, value) for value in (change.now, change.before))
    digits = 1 if KEY_FIGURES[change.figure].of == "score" or is_small else 0
    moved = round(round(change.now, digits) - round(change.before, digits), digits)
    return _signed(moved, value_text(change.figure, abs(moved), currency))


def _signed(value: float, size: str) -> str:
    return size if value == 0 else ("+" if value > 0 else MINUS) + size


def _is_small_mean(figure: str, value: float) -> bool:
    return KEY_FIGURES[figure].how == "mean" and 0 < value < _WHOLE_FROM


def _sentences(change: FigureChange, week: WeekFacts, currency: str | None) -> Iterator[str]:
    way = direction(change)
    assert change.before is not None
    now, before = _rounded(change, change.now), _rounded(change, change.before)
    values: dict[str, Any] = {"now": now, "before": before, "by": abs(now - before), "currency": currency}
    this, last = (fill(f"changes.{which}.{week.period}") for which in ("this", "last"))
    yield fill(f"changes.{change.figure}.{way}", this=this, last=last, **values)
    if change.size == "large":
        yield fill(f"changes.large.{way}")
    if change.surprise == "unusual":
        yield fill(f"changes.unusual.{week.period}", n=change.changes_before)
    if change.surprise == "unproven":
        yield fill("changes.unproven")
    if change.driver is not None:
        yield _driver_sentence(change, change.driver, currency)
    if change.year_before:
        yield fill("changes.year", value=value_text(change.figure, change.year_before, currency))


def _rounded(change: FigureChange, value: float) -> float:
    """Round as the sentence does, so that the difference it tells is that of the numbers it tells."""
    of = KEY_FIGURES[change.figure].of
    return value if of == "share" else round(value, 1) if of == "score" else round(value)


def _driver_sentence(change: FigureChange, driver: Driver, currency: str | None) -> str:
    key, of = "changes.driver", KEY_FIGURES[change.figure].of
    group = fill(f"changes.group.{driver.dimension}", value=name(driver.value) if driver.dimension in _NAMED else driver.value)
    if driver.is_mix:
        way = ".mix"
    elif of in {"share", "score"}:
        way = ".rate" if of == "share" else ".score"
    else:
        way = f"{'.money' if of == 'money' else ''}.{direction(change)}"
    return fill(f"{key}{way}", group=group, now=driver.now, before=driver.before, currency=currency)
