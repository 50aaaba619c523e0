"""The members behind a figure of a day: who was lost, who came back, who bought."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

import polars as pl

from community.figures import ACTIVE_WINDOWS, MONTH_DAYS, RETENTION_DAYS, Days, comings_and_goings, joinings
from features.history import DAILY_SCHEMA, EVENT_PREFIX, is_activity
from lake.contracts import DAILY
from lake.storage.delta import DAY
from pipeline.community.figure_members import MEMBERS_OF_FIGURES
from runtime.run_context import RunContext

# Figure → the days of activity that it looks back on.
_WINDOWS: Final = {**ACTIVE_WINDOWS, "stickiness": ACTIVE_WINDOWS["dau"]}
_GOINGS: Final = ("first_time_members", "returning_members", "resurrected_members", "lost_members")
# Figure → the activity of the day that makes it.
_ACTIVITIES: Final[Mapping[str, str]] = {
    "orders": "order",
    "buyers": "order",
    "spend": "order",
    "refunds": "refund",
    "messages": "contact",
    "feedback_answers": "feedback",
    "creators": "content",
}


def has_members(figure: str) -> bool:
    """Return whether single members can be named behind a figure."""
    return figure in _KINDS


def members_behind(run: RunContext, figure: str, day: date) -> pl.Series:
    """Return the `member_no` of the members whom a figure of a day counts, sorted; of a rate, those above its line.

    Members who refuse profiling are among them: whoever shows the members has to leave these out.

    Args:
        run: The run; its settings say which events are posting and reading.
        figure: The figure, one that `has_members`.
        day: The day.
    """
    lake, days = run.workspace.lake, Days(day, day)
    members = lake.scan(MEMBERS_OF_FIGURES).filter("is_counted").collect()
    scanned = lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY).is_between(days.first_read, day))
    daily = scanned.select("member_no", "activity", day=DAY).join(members.lazy().select("member_no"), on="member_no", how="semi")
    behind = _KINDS[figure](run, figure, daily.collect(engine="streaming"), members, days)
    return behind["member_no"].unique().sort()


def _active(_: RunContext, figure: str, daily: pl.DataFrame, __: pl.DataFrame, days: Days) -> pl.DataFrame:
    first = days.last - timedelta(days=_WINDOWS[figure] - 1)
    return daily.filter(is_activity(), pl.col("day") >= first)


def _going(_: RunContext, figure: str, daily: pl.DataFrame, members: pl.DataFrame, days: Days) -> pl.DataFrame:
    points = comings_and_goings(_days(daily), members.select("member_no", "first_active"), days)
    return points.filter(pl.col("figure") == figure)


def _joining(_: RunContext, figure: str, daily: pl.DataFrame, members: pl.DataFrame, days: Days) -> pl.DataFrame:
    points = joinings(_days(daily), members.select("member_no", day="seen_from").drop_nulls(), days)
    return points.filter(pl.col("figure") == figure.replace("retention_", "stayed_"))


def _acting(_: RunContext, figure: str, daily: pl.DataFrame, __: pl.DataFrame, days: Days) -> pl.DataFrame:
    return daily.filter(days.include(), pl.col("activity") == _ACTIVITIES[figure])


def _reading(run: RunContext, _: str, daily: pl.DataFrame, __: pl.DataFrame, days: Days) -> pl.DataFrame:
    reading = [EVENT_PREFIX + name for name in run.settings.community.reading_events]
    return daily.filter(days.include(), pl.col("activity").is_in(reading))


def _contributing(run: RunContext, _: str, daily: pl.DataFrame, __: pl.DataFrame, days: Days) -> pl.DataFrame:
    return daily.filter(days.include(), _is_posting(run))


def _silent(run: RunContext, _: str, daily: pl.DataFrame, __: pl.DataFrame, days: Days) -> pl.DataFrame:
    month = daily.filter(pl.col("day") > days.last - timedelta(days=MONTH_DAYS))
    return month.filter(is_activity()).join(month.filter(_is_posting(run)), on="member_no", how="anti")


def _buying(_: RunContext, __: str, daily: pl.DataFrame, ___: pl.DataFrame, days: Days) -> pl.DataFrame:
    return daily.filter(pl.col("day") > days.last - timedelta(days=MONTH_DAYS), pl.col("activity") == "order")


def _buying_again(_: RunContext, __: str, daily: pl.DataFrame, members: pl.DataFrame, days: Days) -> pl.DataFrame:
    bought = daily.filter(days.include(), pl.col("activity") == "order")
    return bought.join(members.filter(pl.col("first_order") < days.last), on="member_no", how="semi")


def _is_posting(run: RunContext) -> pl.Expr:
    return pl.col("activity").is_in(["content", *(EVENT_PREFIX + name for name in run.settings.community.posting_events)])


def _days(daily: pl.DataFrame) -> pl.DataFrame:
    return daily.filter(is_activity()).select("member_no", "day").unique().sort("member_no", "day")


_Kind = Callable[[RunContext, str, pl.DataFrame, pl.DataFrame, Days], pl.DataFrame]
_KINDS: Final[Mapping[str, _Kind]] = {
    **dict.fromkeys(_WINDOWS, _active),
    **dict.fromkeys(_GOINGS, _going),
    "new_members": _joining,
    **{f"retention_d{days}": _joining for days in RETENTION_DAYS},
    **dict.fromkeys(_ACTIVITIES, _acting),
    "readers": _reading,
    "contributors": _contributing,
    "silent_share_30d": _silent,
    "conversion_rate_30d": _buying,
    "repeat_rate": _buying_again,
}
