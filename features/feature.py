"""What a feature is, and the few expressions that most features are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from features.windows import WINDOWS_DAYS
from lake.contracts import MINOR_UNITS_PER_UNIT

NOTHING_NEEDED: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Saying:
    """How people hear of a feature: `wording` has the sentence, here is only what it is asked for.

    Args:
        template: Which sentence; "" for the one that is called like the feature, where there is one.
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
        name: The column.
        meaning: One plain sentence for the feature dictionary.
        unit: What one of it is, such as days, orders or share.
        expression: Its value, from the ingredients of `features.compute`.
        needs: What a community must bring for it; it is left out when anything is missing.
        habit: The habit it is one view of; windows of the same count share a habit, so that reasons name it once.
        saying: The sentence it is told in.
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
    """Declare one habit over several windows, named `<habit>_<days>d`; the meaning is completed with the window.

    Args:
        habit: As in `Feature`.
        meaning: Completed with the window.
        unit: As in `Feature`.
        expression: From the days of a window to the value.
        saying: The template of `Saying`; by default the habit.
        about: As in `Saying`; by default the habit.
        needs: As in `Feature`.
        windows_days: Days of each window.
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
    """Say a window that ends with `as_of` in words."""
    return "on the last day" if days == 1 else f"in the last {days} days"


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Divide, with null where the whole is nothing: no share of nothing is known."""
    return pl.when(whole > 0).then(part / whole)


def currency_units(minor: pl.Expr) -> pl.Expr:
    """Turn whole minor units into currency units.

    Polars divides by a constant through its reciprocal, except in batches of one row: 57 / 100 is then 0.57 here and
    0.5700000000000001 there. Rounding to the hundredth gives the one right number; other constants are multiplied.
    """
    return (minor / MINOR_UNITS_PER_UNIT).round(2)


def days_until_as_of(day: pl.Expr) -> pl.Expr:
    """Whole days from a day to `as_of`; null when the day is."""
    return (pl.col("as_of") - day).dt.total_days().cast(pl.Int32)
