"""The catalogue of figures: which counts are figures themselves, and which figures are one count over another.

Other counts, such as how many of a cohort were due on a day, serve the rates alone and are no figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from community.answer_figures import FIRST_ANSWER_HOURS, FIRST_ANSWERS, UNANSWERED_SHARE
from community.cohorts import COHORT_FIGURES
from community.figures import FIGURES_SCHEMA, RETENTION_DAYS, WHOLE, ratios
from community.net_promoter import NET_PROMOTER, net_promoter_scores

# Counts that are figures as they are; without any on a day the whole community has a zero.
COUNTS: Final = (
    "dau",
    "wau",
    "mau",
    "members",
    "new_members",
    "first_time_members",
    "returning_members",
    "resurrected_members",
    "lost_members",
    "leaves",
    "readers",
    "commenters",
    "contributors",
    "creators",
    "reads",
    "shares",
    "comments",
    FIRST_ANSWERS,
    "messages",
    "orders",
    "buyers",
    "feedback_answers",
)
# Sums of money, counted in minor units.
AMOUNTS: Final = ("spend", "refunds")


@dataclass(frozen=True)
class Rate:
    """One count over another.

    Args:
        of: The count above the line.
        over: The count below it; where it is zero there is no rate.
        rest: Whether the figure is what is left of 1.
        scale: What the count above the line is divided by.
        needs: A figure that the community must have for the rate to mean anything; without orders nobody could buy.
    """

    of: str
    over: str
    rest: bool = False
    scale: int = 1
    needs: str | None = None


RATES: Final[Mapping[str, Rate]] = {
    "stickiness": Rate("dau", "mau"),
    **{f"retention_d{days}": Rate(f"stayed_d{days}", f"due_d{days}") for days in RETENTION_DAYS},
    "leave_rate_30d": Rate("leaves_30d", "mau", needs="leaves"),
    "silent_share_30d": Rate("contributors_30d", "mau", rest=True, needs="contributors"),
    "share_rate_30d": Rate("shares_30d", "reads_30d", needs="shares"),
    "comment_rate_30d": Rate("comments_30d", "reads_30d", needs="comments"),
    "conversion_rate_30d": Rate("buyers_30d", "mau", needs="buyers"),
    "repeat_rate": Rate("repeat_buyers", "buyers"),
    "open_rate_30d": Rate("openings_30d", "messages_30d"),
    "click_rate_30d": Rate("clicks_30d", "messages_30d"),
    "feedback_score_30d": Rate("scores_30d", "feedback_answers_30d", scale=100),
}
# Figures that are counted where content is → the figure without which they mean nothing: nobody ever answers there.
_ANSWERS: Final = (FIRST_ANSWER_HOURS, UNANSWERED_SHARE)
# Figures that have no value on a day without anything below the line, where a count has a zero.
RATE_FIGURES: Final = (*RATES, *NET_PROMOTER, *_ANSWERS)
# Every figure there may be; docs/figures.md says what each is.
FIGURE_NAMES: Final = (*COUNTS, *AMOUNTS, *RATE_FIGURES, *COHORT_FIGURES)


def values(counts: pl.DataFrame, *, minor_units: int) -> pl.DataFrame:
    """Return the figures of some days: rows of `FIGURES_SCHEMA`, none where a group has nothing to count.

    Args:
        counts: Rows of `COUNTS_SCHEMA`.
        minor_units: Minor units of money per currency unit.
    """
    present = counts.filter(pl.col("n") != 0)
    plain = present.filter(pl.col("figure").is_in(COUNTS)).with_columns(value=pl.col("n").cast(pl.Float64))
    money = present.filter(pl.col("figure").is_in(AMOUNTS)).with_columns(value=pl.col("n") / minor_units)
    return pl.concat(
        [
            *(rows.select(FIGURES_SCHEMA.names()) for rows in (plain, money)),
            *(_rate(present, *one) for one in RATES.items()),
            net_promoter_scores(present),
        ]
    )


def complete(figures: pl.DataFrame) -> pl.DataFrame:
    """Add the zeros of the whole community to all its figures: from a count's first day on it has a value on every day.

    Args:
        figures: All figures of a community, as `values` returns them, and those of platforms; zeros among them are allowed.

    Returns:
        Rows of `FIGURES_SCHEMA`, sorted by day, figure and dimension.
    """
    is_count = pl.col("figure").is_in([*COUNTS, *AMOUNTS]) & (pl.col("dimension") == WHOLE)
    counts = figures.filter(is_count, pl.col("value") != 0)
    last = figures["day"].max()
    days = counts.group_by("figure").agg(day=pl.date_ranges(pl.col("day").min(), pl.lit(last)).first()).explode("day")
    filled = days.join(counts, on=["figure", "day"], how="left").with_columns(
        dimension=pl.lit(WHOLE), value=pl.col("value").fill_null(0.0)
    )
    every = pl.concat([figures.filter(~is_count), filled.select(FIGURES_SCHEMA.names())])
    # One integer a row: sorting millions of texts takes four times as long.
    (figure, figures_in_all), (dimension, dimensions_in_all) = _place(every["figure"]), _place(every["dimension"])
    day = pl.col("day").to_physical().cast(pl.Int64)
    return every.sort((day * figures_in_all + figure) * dimensions_in_all + dimension)


def meaningful(figures: pl.DataFrame) -> pl.DataFrame:
    """Return the figures without the rates that need a figure this community never had.

    Args:
        figures: All figures of a community: rows of `FIGURES_SCHEMA`.
    """
    had = set(figures["figure"].unique())
    without = [name for name, rate in RATES.items() if rate.needs is not None and rate.needs not in had]
    without += [] if FIRST_ANSWERS in had else _ANSWERS
    return figures.filter(~pl.col("figure").is_in(without))


def _place(texts: pl.Series) -> tuple[pl.Series, int]:
    """Return the place of each text in alphabetical order, and how many different ones there are."""
    different = texts.unique().sort()
    return texts.cast(pl.Enum(different)).to_physical().cast(pl.Int64), len(different)


def _rate(counts: pl.DataFrame, name: str, rate: Rate) -> pl.DataFrame:
    key = ["day", "dimension"]
    over = counts.filter(pl.col("figure") == rate.over).select(*key, over="n")
    of = counts.filter(pl.col("figure") == rate.of).select(*key, "n")
    rows = over.join(of, on=key, how="left").with_columns(pl.col("n").fill_null(0), over=pl.col("over") * rate.scale)
    share = ratios(rows["n"], rows["over"])
    return rows.select(*key, figure=pl.lit(name), value=1 - share if rate.rest else share).select(FIGURES_SCHEMA.names())
