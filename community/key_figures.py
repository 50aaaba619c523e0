"""The figures that the report compares, and what each is over a period: a sum, a mean day, the state at its end, or a rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import polars as pl

# The days before a period that a rate of its first day looks at.
_LOOKED_BACK: Final = 31
PERIODS_SCHEMA: Final = pl.Schema(
    {"figure": pl.String(), "dimension": pl.String(), "period": pl.Int64(), "of": pl.Float64(), "over": pl.Float64()}
)
How = Literal["sum", "mean", "end", "rate", "end rate"]


@dataclass(frozen=True)
class KeyFigure:
    """What a daily figure is over a period.

    Args:
        how: `sum` of its days, `mean` day, the state at its `end`; a `rate` of all its days, or an `end rate` of its last day.
        over: Of a rate, the figure below the line.
        over_days: The days of that figure that count, ending with the day.
        lag_days: How many days before the day they end.
        good: 1 where more is better, -1 where less is, 0 where neither is.
        of: What is counted, for what chance does to it: people, things, money, a share, or a score from 0 to 10.
    """

    how: How
    over: str | None = None
    over_days: int = 1
    lag_days: int = 0
    good: Literal[-1, 0, 1] = 1
    of: Literal["count", "money", "share", "score"] = "count"


# In the order in which the report shows them.
KEY_FIGURES: Final[Mapping[str, KeyFigure]] = {
    "dau": KeyFigure("mean"),
    "wau": KeyFigure("end"),
    "mau": KeyFigure("end"),
    "new_members": KeyFigure("sum"),
    "resurrected_members": KeyFigure("sum"),
    "lost_members": KeyFigure("sum", good=-1),
    "retention_d1": KeyFigure("rate", over="new_members", lag_days=1, of="share"),
    "retention_d7": KeyFigure("rate", over="new_members", lag_days=7, of="share"),
    "retention_d30": KeyFigure("rate", over="new_members", lag_days=30, of="share"),
    "contributors": KeyFigure("mean"),
    "creators": KeyFigure("mean"),
    "silent_share_30d": KeyFigure("end rate", over="mau", good=-1, of="share"),
    "orders": KeyFigure("sum"),
    "spend": KeyFigure("sum", of="money"),
    "repeat_rate": KeyFigure("rate", over="buyers", of="share"),
    "conversion_rate_30d": KeyFigure("end rate", over="mau", of="share"),
    "messages": KeyFigure("sum", good=0),
    "open_rate_30d": KeyFigure("end rate", over="messages", over_days=30, of="share"),
    "click_rate_30d": KeyFigure("end rate", over="messages", over_days=30, of="share"),
    "feedback_score_30d": KeyFigure("end rate", over="feedback_answers", over_days=30, of="score"),
}


def period_figures(figures: pl.DataFrame, *, last: date, days: int, periods: int) -> pl.DataFrame:
    """Return the key figures of consecutive periods, a count as `of` alone, a rate as `of` over `over`.

    One row per figure, dimension and period that has it, in `PERIODS_SCHEMA`; period 0 ends with `last`, 1 ends so many days
    before it, and so on. A period that began before the first day of all figures is left out.

    Args:
        figures: Rows of `community.rates.FIGURES_SCHEMA`.
        last: The last day of period 0; later days are not looked at.
        days: The length of a period.
        periods: How many periods are asked for.
    """
    first = figures["day"].min()
    if not isinstance(first, date) or first > last:
        return pl.DataFrame(schema=PERIODS_SCHEMA)
    whole = min(periods, ((last - first).days + 1) // days)
    since = last - timedelta(days=whole * days + _LOOKED_BACK)
    by_figure = figures.filter(pl.col("day").is_between(since, last)).partition_by("figure", as_dict=True)
    known = {str(figure): rows.lazy() for (figure,), rows in by_figure.items()}
    present = [name for name, one in KEY_FIGURES.items() if {name, one.over or name} <= known.keys()]
    rows = [_periods_of(known, name, last=last, days=days) for name in present]
    if not rows:
        return pl.DataFrame(schema=PERIODS_SCHEMA)
    return pl.concat(rows).filter(pl.col("period") < whole).collect().sort("figure", "dimension", "period")


def _periods_of(figures: Mapping[str, pl.LazyFrame], name: str, *, last: date, days: int) -> pl.LazyFrame:
    key, ago = KEY_FIGURES[name], (pl.lit(last) - pl.col("day")).dt.total_days()
    rows = figures[name].with_columns(period=ago // days)
    if "end" in key.how:
        rows = rows.filter(ago % days == 0)
    by = ["dimension", "period"]
    if key.over is None:
        of = pl.col("value").sum() / (days if key.how == "mean" else 1)
        counted = rows.group_by(by).agg(of=of, over=pl.lit(None, pl.Float64))
    else:
        both = rows.join(_below(figures[key.over], key), on=["day", "dimension"])
        weighed = pl.col("value") * pl.col("over")
        counted = both.group_by(by).agg(of=weighed.sum(), over=pl.col("over").sum())
    return counted.select(pl.lit(name).alias("figure"), *PERIODS_SCHEMA.names()[1:]).cast(PERIODS_SCHEMA)


def _below(figure: pl.LazyFrame, key: KeyFigure) -> pl.LazyFrame:
    """Return what stands below the line of a rate on each day: day, dimension, over; days with nothing have no row."""
    seen = figure.filter(pl.col("value") != 0).with_columns(pl.col("day") + pl.duration(days=key.lag_days))
    if key.over_days > 1:
        seen = pl.concat([seen.with_columns(pl.col("day") + pl.duration(days=n)) for n in range(key.over_days)])
    return seen.group_by("day", "dimension").agg(over=pl.col("value").sum())
