"""Compute the daily figures and keep them in a table: only of days that changed, or that still see a day that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import polars as pl

from community.figures import (
    LOOKBACK_DAYS,
    POINTS_SCHEMA,
    RETENTION_DAYS,
    SPANS_SCHEMA,
    Days,
    comings_and_goings,
    count_points,
    count_spans,
    joinings,
    named,
    window_spans,
    window_sums,
)
from community.rates import FIGURES_SCHEMA, complete, values
from features.history import DAILY_SCHEMA, EVENT_PREFIX, ORDER_ACTIVITIES, is_activity
from lake.contracts import DAILY, MINOR_UNITS_PER_UNIT
from lake.storage.delta import DAY, Lake
from pipeline.community.figure_members import FigureMembers, read_members_changed, store_members
from runtime.run_context import RunContext

FIGURES: Final = "figures"
_VERSION: Final = "daily_version"
_ROWS_AT_ONCE: Final = 4_000_000


def update_figures(run: RunContext) -> int:
    """Bring the figures up to the night, whose member list is stored, and return how many days were computed.

    Args:
        run: The run.
    """
    lake = run.workspace.lake
    members = read_members_changed(run)
    stored = lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).collect()
    days = _days_to_compute(run, members, set(stored["day"].unique()))
    if not days:
        return 0
    version = lake.version(DAILY)
    computed = [_compute(run, stretch, members) for stretch in _stretches(lake, days)]
    is_computed = pl.col("day").is_in(days)
    # A stretch may reach over days that are right already.
    figures = complete(pl.concat([stored.filter(~is_computed), *(rows.filter(is_computed) for rows in computed)]))
    # The members last: where a run dies between the two, what moved of them is found and counted again.
    if not figures.equals(stored) or lake.metadata(FIGURES).get(_VERSION) != version:
        lake.replace(FIGURES, figures, metadata={_VERSION: version})
    store_members(run, members)
    return len(days)


def _days_to_compute(run: RunContext, members: FigureMembers, present: set[date]) -> list[date]:
    """Return the days whose figures may differ from the stored ones, sorted."""
    lake = run.workspace.lake
    first = min(lake.days(DAILY), default=None)
    if first is None or first > run.as_of:
        return []
    last = max(run.as_of, *present) if present else run.as_of
    calendar = {first + timedelta(days=n) for n in range((last - first).days + 1)}
    changed = lake.days_changed(DAILY, since_version=lake.metadata(FIGURES).get(_VERSION, -1)) if present else calendar
    seen_again = {day + timedelta(days=n) for day in changed for n in range(LOOKBACK_DAYS + 1)}
    moved = {day + timedelta(days=n) for day in members.days_moved for n in (0, *RETENTION_DAYS)}
    recounted = set() if members.recounted_from is None else {day for day in calendar if day >= members.recounted_from}
    return sorted(calendar & (seen_again | moved | recounted | {run.as_of} | (calendar - present)))


def _stretches(lake: Lake, days: Sequence[date]) -> Iterator[Days]:
    """Split days into runs of consecutive days whose rows, with those that they look back on, fit in memory."""
    rows = dict(lake.rows_by_day(DAILY).iter_rows())
    start, held = days[0], 0
    for day, following in pairwise([*days, None]):
        assert day is not None
        held += rows.get(day, 0)
        if following is None or held > _ROWS_AT_ONCE or (following - day).days > LOOKBACK_DAYS:
            yield Days(start, day)
            start, held = following or day, 0


def _compute(run: RunContext, days: Days, members: FigureMembers) -> pl.DataFrame:
    daily = _daily(run, days, members)
    active = _days_of(daily, is_activity())
    posting = pl.col("activity").is_in(["content", *_events(run.settings.community.posting_events)])
    posted, bought = _days_of(daily, posting), _days_of(daily, pl.col("activity") == "order")
    asked = daily.filter(days.include())
    points = [
        comings_and_goings(active, members.counted.select("member_no", "first_active"), days),
        joinings(active, members.counted.select("member_no", day="seen_from").drop_nulls(), days),
        _amounts("orders", asked, ["order"], "n"),
        _amounts("spend", asked, ORDER_ACTIVITIES, "amount_minor"),
        _amounts("refunds", asked, ["refund"], -pl.col("amount_minor")),
        _amounts("messages", asked, ["contact"], "n"),
        _amounts("feedback_answers", asked, ["feedback"], "n"),
        named("buyers", bought.filter(days.include())),
        named("repeat_buyers", _bought_before(bought.filter(days.include()), members)),
        named("readers", _days_of(asked, pl.col("activity").is_in(_events(run.settings.community.reading_events)))),
        named("contributors", posted.filter(days.include())),
        named("creators", _days_of(asked, pl.col("activity") == "content")),
    ]
    spans = [
        *(window_spans(active, name, window_days=width) for name, width in {"dau": 1, "wau": 7, "mau": 30}.items()),
        window_spans(posted, "contributors_30d", window_days=30),
        window_spans(bought, "buyers_30d", window_days=30),
        *(
            window_sums(_amounts(name, daily, [activity], amount), window_days=30)
            for name, activity, amount in (
                ("messages_30d", "contact", "n"),
                ("openings_30d", "open", "n"),
                ("clicks_30d", "click", "n"),
                ("scores_30d", "feedback", "amount_minor"),
                ("feedback_answers_30d", "feedback", "n"),
            )
        ),
        _known(members, days),
    ]
    counts = [
        count_points(pl.concat([pl.DataFrame(schema=POINTS_SCHEMA), *points]), members.groups),
        count_spans(pl.concat([pl.DataFrame(schema=SPANS_SCHEMA), *spans]), members.groups, days),
    ]
    return values(pl.concat(counts), minor_units=MINOR_UNITS_PER_UNIT)


def _daily(run: RunContext, days: Days, members: FigureMembers) -> pl.DataFrame:
    scanned = run.workspace.lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY).is_between(days.first_read, days.last))
    counted = members.counted.lazy().select("member_no")
    rows = scanned.select("member_no", "activity", "n", "amount_minor", day=DAY).join(counted, on="member_no", how="semi")
    return rows.collect(engine="streaming")


def _days_of(daily: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    return daily.filter(condition).select("member_no", "day").unique().sort("member_no", "day")


def _amounts(figure: str, daily: pl.DataFrame, activities: Sequence[str], amount: str | pl.Expr) -> pl.DataFrame:
    rows = daily.filter(pl.col("activity").is_in(list(activities)))
    return named(figure, rows.select("member_no", "day", n=pl.col(amount) if isinstance(amount, str) else amount))


def _bought_before(bought: pl.DataFrame, members: FigureMembers) -> pl.DataFrame:
    first = members.counted.select("member_no", "first_order")
    return bought.join(first, on="member_no").filter(pl.col("first_order") < pl.col("day")).select("member_no", "day")


def _known(members: FigureMembers, days: Days) -> pl.DataFrame:
    """Return each member from the day on which they were seen first until after the last day."""
    day = pl.max_horizontal(pl.col("seen_from").fill_null(days.first_read), pl.lit(days.first_read))
    known = members.counted.filter(pl.col("is_known")).select("member_no", day=day).filter(pl.col("day") <= days.last)
    return window_sums(named("members", known), window_days=(days.last - days.first_read).days + 2)


def _events(names: Sequence[str]) -> list[str]:
    return [EVENT_PREFIX + name for name in names]
