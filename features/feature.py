"""The declaration of a feature, and the expressions that most features use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from features.windows import WINDOWS_DAYS
from lake.contracts import MINOR_UNITS_PER_UNIT

NOTHING_NEEDED: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Saying:
    """What a feature declares about its sentence, which `wording` makes.

    Args:
        template: Key of the sentence; "" for the one with the feature's name, where there is one.
        about: What the sentence is about where several features share it: a habit, a kind of activity, a part of the day.
        days: The window; None where there is none.
    """

    template: str = ""
    about: str = ""
    days: int | None = None


@dataclass(frozen=True)
class Feature:
    """One column of the feature frame.

    Args:
        name: The name of the column.
        meaning: One plain sentence for the feature dictionary.
        unit: The unit of its values, such as days, orders or share.
        expression: Its value, computed from the inputs that `features.compute` joins.
        needs: The tables and columns it needs; it is left out when one is missing.
        habit: The habit that it measures; windows of the same count have the same habit, so that reasons name it once.
        saying: What its sentence is made from.
    """

    name: str
    meaning: str
    unit: str
    expression: pl.Expr = field(compare=False, repr=False)
    needs: frozenset[str]
    habit: str
    saying: Saying = Saying()


def windowed(
    habit: str,
    meaning: str,
    unit: str,
    expression: Callable[[int], pl.Expr],
    *,
    saying: str = "",
    about: str = "",
    needs: frozenset[str] = NOTHING_NEEDED,
    windows_days: Iterable[int] = WINDOWS_DAYS,
) -> list[Feature]:
    """Declare one feature per window, named `<habit>_<days>d`; the window is added to the meaning.

    Args:
        habit: The habit, and the beginning of the names.
        meaning: The sentence up to the window, without a full stop.
        unit: The unit of the values.
        expression: Window in days → the value.
        saying: The template of `Saying`; by default the habit.
        about: As in `Saying`; by default the habit.
        needs: The tables and columns the features need.
        windows_days: The windows.
    """
    return [
        Feature(
            name=f"{habit}_{days}d",
            meaning=f"{meaning} {window_phrase(days)}.",
            unit=unit,
            expression=expression(days),
            needs=needs,
            habit=habit,
            saying=Saying(saying or habit, about or habit, days),
        )
        for days in windows_days
    ]


def undeclared(name: str, dtype: pl.DataType | None) -> Feature:
    """Declare a column that the catalog lacks by its name, so that a model that reads it can still be explained."""
    unit = "" if dtype is not None and dtype.is_numeric() else "flag" if dtype == pl.Boolean else "category"
    return Feature(name, name.replace("_", " "), unit, pl.col(name), NOTHING_NEEDED, name)


def window_phrase(days: int) -> str:
    """Return the words for a window that ends with `as_of`."""
    return "on the last day" if days == 1 else f"in the last {days} days"


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return `part / whole`, null where the whole is not positive."""
    return pl.when(whole > 0).then(part / whole)


def currency_units(minor: pl.Expr) -> pl.Expr:
    """Convert integer minor units to currency units."""
    # Polars divides by a constant through its reciprocal, except in batches of one row: 57 / 100 is 0.57 in one case and
    # 0.5700000000000001 in the other. Rounding to the hundredth makes both the same.
    return (minor / MINOR_UNITS_PER_UNIT).round(2)


def days_until_as_of(day: pl.Expr) -> pl.Expr:
    """Return the number of days from a date to `as_of`; null where the date is null."""
    return (pl.col("as_of") - day).dt.total_days().cast(pl.Int32)
