"""What a feature is, and the few expressions that most features are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from features.windows import WINDOWS_DAYS
from lake.contracts import MINOR_UNITS_PER_UNIT

NOTHING_NEEDED: frozenset[str] = frozenset()


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
    """

    name: str
    meaning: str
    unit: str
    expression: pl.Expr = field(compare=False, repr=False)
    needs: frozenset[str]
    habit: str


def windowed(
    habit: str,
    meaning: str,
    unit: str,
    expression: Callable[[int], pl.Expr],
    *,
    needs: frozenset[str] = NOTHING_NEEDED,
    windows_days: Iterable[int] = WINDOWS_DAYS,
) -> list[Feature]:
    """Declare one habit over several windows, named `<habit>_<days>d`; the meaning is completed with the window."""
    return [
        Feature(
            name=f"{habit}_{days}d",
            meaning=f"{meaning} {window_phrase(days)}.",
            unit=unit,
            expression=expression(days),
            needs=needs,
            habit=habit,
        )
        for days in windows_days
    ]


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
