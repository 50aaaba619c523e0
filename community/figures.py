"""Daily figures: how many members came, wrote, bought, joined and stayed; one row per day, figure and dimension.

Everything is counted from two kinds of facts about single members: points, which belong to one day, and spans, during which a
member counts in a window such as the 30 days of `mau`. A fact of a day reads the `LOOKBACK_DAYS` before it and nothing after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

# Who comes after a longer pause was won back; who has not come for so long is lost.
PAUSE_DAYS: Final = 30
RETENTION_DAYS: Final = (1, 7, 30)
# The window of every figure that ends in `_30d`.
MONTH_DAYS: Final = 30
# Figure of active members → the days of its window, the day itself included.
ACTIVE_WINDOWS: Final = {"dau": 1, "wau": 7, "mau": MONTH_DAYS}
LOOKBACK_DAYS: Final = max(PAUSE_DAYS, *RETENTION_DAYS)
WHOLE: Final = ""
# The names of figures as categories: there are as many rows as members and days, and grouping them by texts takes far longer.
POINTS_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "day": pl.Date(), "figure": pl.Categorical(), "n": pl.Int64()})
SPANS_SCHEMA: Final = pl.Schema({**POINTS_SCHEMA, "until": pl.Date()})
GROUPS_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "dimension": pl.String(), "since": pl.Date(), "until": pl.Date()})
COUNTS_SCHEMA: Final = pl.Schema({"day": pl.Date(), "figure": pl.String(), "dimension": pl.String(), "n": pl.Int64()})
FIGURES_SCHEMA: Final = pl.Schema({"day": pl.Date(), "figure": pl.String(), "dimension": pl.String(), "value": pl.Float64()})
_KEY: Final = ("day", "figure", "dimension")


@dataclass(frozen=True)
class Days:
    """The days whose figures are asked for, both ends included.

    Args:
        first: The first.
        last: The last.
    """

    first: date
    last: date

    @property
    def first_read(self) -> date:
        """Return the first day whose activity the figures read."""
        return self.first - timedelta(days=LOOKBACK_DAYS)

    def include(self, day: str = "day") -> pl.Expr:
        """Return whether a column's day is one of them."""
        return pl.col(day).is_between(self.first, self.last)


def window_spans(days_seen: pl.DataFrame, figure: str, *, window_days: int, first: date | None = None) -> pl.DataFrame:
    """Return during which days a member counts in a window, once however often they were seen: rows of `SPANS_SCHEMA`.

    A member counts from a day on which they were seen until the window has passed, or until the next such day.

    Args:
        days_seen: One row per member_no and day, back to `Days.first_read`.
        figure: What is counted.
        window_days: The length of the window, the day itself included.
        first: The first day asked for, whose window leaves out what was seen before it; None to leave out nothing.
    """
    if first is not None:
        days_seen = days_seen.filter(pl.col("day") > first - timedelta(days=window_days))
    until = pl.min_horizontal(_neighbour(-1), pl.col("day") + pl.duration(days=window_days))
    return _as(SPANS_SCHEMA, days_seen.sort("member_no", "day").with_columns(until=until, figure=pl.lit(figure)))


def window_sums(points: pl.DataFrame, *, window_days: int) -> pl.DataFrame:
    """Return points that count during a window of days from their own on: rows of `SPANS_SCHEMA`.

    Args:
        points: Rows of `POINTS_SCHEMA`, back to `Days.first_read`.
        window_days: The length of the window, the day itself included.
    """
    return _as(SPANS_SCHEMA, points.with_columns(until=pl.col("day") + pl.duration(days=window_days)))


def comings_and_goings(days_active: pl.DataFrame, first_active: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Return who was active for the first time, came again, came back or was lost: rows of `POINTS_SCHEMA`.

    Of a day, dau = first_time_members + returning_members + resurrected_members; and mau is yesterday's, more by those of the
    first time and the resurrected, less by the lost.

    Args:
        days_active: One row per member_no and day of activity, back to `Days.first_read`.
        first_active: One row per member_no: first_active, the first day of activity in all the data.
        days: The days.
    """
    day, pause = pl.col("day"), pl.duration(days=PAUSE_DAYS)
    around = days_active.sort("member_no", "day").with_columns(before=_neighbour(1), after=_neighbour(-1))
    kind = (
        pl.when(day == pl.col("first_active"))
        .then(pl.lit("first_time_members"))
        .when(pl.col("before") >= day - pause)
        .then(pl.lit("returning_members"))
        .otherwise(pl.lit("resurrected_members"))
    )
    came = around.filter(days.include()).join(first_active, on="member_no", how="left").with_columns(figure=kind)
    stayed_away = around.filter(pl.col("after").is_null() | (pl.col("after") > day + pause))
    lost = stayed_away.with_columns(day=day + pause).filter(days.include())
    return pl.concat([_as(POINTS_SCHEMA, came), named("lost_members", lost)])


def joinings(days_active: pl.DataFrame, joined: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Return who joined, and who of those that joined 1, 7 and 30 days before is active: rows of `POINTS_SCHEMA`.

    Args:
        days_active: One row per member_no and day of activity, back to `Days.first_read`.
        joined: One row per member_no and the day on which the member was seen first.
        days: The days.
    """
    active = days_active.filter(days.include())
    rows = [named("new_members", joined.filter(days.include()))]
    for after_days in RETENTION_DAYS:
        due = joined.with_columns(day=pl.col("day") + pl.duration(days=after_days)).filter(days.include())
        stayed = due.join(active, on=["member_no", "day"], how="semi")
        rows += [named(f"due_d{after_days}", due), named(f"stayed_d{after_days}", stayed)]
    return pl.concat(rows)


def count_points(points: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Add up points by day, for all members and for each group they were in on the day: rows of `COUNTS_SCHEMA`.

    Args:
        points: Rows of `POINTS_SCHEMA`.
        groups: Rows of `GROUPS_SCHEMA`: a member's groups, each from a day (null: always) until before another (null: still).
    """
    is_in_group = pl.col("day").ge(pl.col("since")).fill_null(value=True) & pl.col("day").lt(pl.col("until")).fill_null(
        value=True
    )
    grouped = points.lazy().join(groups.lazy().with_columns(_as_category()), on="member_no").filter(is_in_group)
    rows = [points.lazy().with_columns(dimension=pl.lit(WHOLE)), grouped]
    return pl.concat(_as_counts(part) for part in pl.collect_all([_grouped(part) for part in rows]))


def count_spans(spans: pl.DataFrame, groups: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Count the members whose span covers a day, all and by the group they were in on it: rows of `COUNTS_SCHEMA`.

    The count is the running sum of beginnings and ends, at one cost for every length of window.

    Args:
        spans: Rows of `SPANS_SCHEMA`, back to `Days.first_read`.
        groups: Rows of `GROUPS_SCHEMA`.
        days: The days.
    """
    # What lies outside the days is the same as what begins with the first of them or never ends: of a single day, that is most.
    seen = (
        spans.lazy()
        .filter(pl.col("until") > days.first, pl.col("day") <= days.last)
        .with_columns(day=pl.max_horizontal("day", pl.lit(days.first)))
    )
    grouped = (
        seen.join(groups.lazy().with_columns(_as_category()), on="member_no", suffix="_of_group")
        .with_columns(day=pl.max_horizontal("day", "since"), until=pl.min_horizontal("until", "until_of_group"))
        .filter(pl.col("day") < pl.col("until"), pl.col("day") <= days.last)
    )
    everybody = seen.with_columns(dimension=pl.lit(WHOLE))
    moves = [
        side
        for part in (everybody, grouped)
        for side in (
            _grouped(part),
            _grouped(part.filter(pl.col("until") <= days.last).with_columns(-pl.col("n"), day=pl.col("until"))),
        )
    ]
    moved = pl.concat(_as_counts(part) for part in pl.collect_all(moves)).group_by(_KEY).agg(pl.col("n").sum())
    calendar = pl.DataFrame({"day": pl.date_range(days.first, days.last, eager=True)})
    every_day = moved.select("figure", "dimension").unique().join(calendar, how="cross")
    counted = every_day.join(moved, on=_KEY, how="left").sort("figure", "dimension", "day")
    present = pl.col("n").fill_null(0).cum_sum().over("figure", "dimension")
    return counted.select(*_KEY, n=present).cast(COUNTS_SCHEMA)


def ratios(of: pl.Series, over: pl.Series) -> pl.Series:
    """Return one number over another, row by row, to the bit the same however many rows there are.

    Polars multiplies by the reciprocal where it knows a column to be constant, which may differ in the last bit.
    """
    return pl.Series(of.to_numpy() / over.to_numpy(), dtype=pl.Float64)


def _neighbour(rows_away: int) -> pl.Expr:
    """Return the day of the same member so many rows before, in rows sorted by member and day; null where there is none."""
    # Shifting within each member asks for groups, which costs several times the sort.
    is_same = pl.col("member_no").shift(rows_away) == pl.col("member_no")
    return pl.when(is_same).then(pl.col("day").shift(rows_away))


def _grouped(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.group_by(_KEY).agg(pl.col("n").sum())


def _as_counts(counted: pl.DataFrame) -> pl.DataFrame:
    return counted.select(COUNTS_SCHEMA.names()).cast(COUNTS_SCHEMA)


def _as_category() -> pl.Expr:
    return pl.col("dimension").cast(pl.Categorical())


def named(figure: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of member_no, day and, unless each counts as one, n as points of a figure: rows of `POINTS_SCHEMA`."""
    return _as(POINTS_SCHEMA, rows.with_columns(figure=pl.lit(figure)))


def _as(schema: pl.Schema, rows: pl.DataFrame) -> pl.DataFrame:
    counted = rows if "n" in rows.columns else rows.with_columns(n=pl.lit(1))
    return counted.select(schema.names()).cast(schema)
