"""Count the figures of some days from the daily rollups, and from landed rows what the rollups do not keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from community.figures import (
    ACTIVE_WINDOWS,
    MONTH_DAYS,
    POINTS_SCHEMA,
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
from community.net_promoter import DETRACTORS, PROMOTERS, is_detractor, is_promoter
from community.rates import values
from features.history import DAILY_SCHEMA, EVENT_PREFIX, ORDER_ACTIVITIES, is_activity
from lake.contracts import DAILY, FEEDBACK, MINOR_UNITS_PER_UNIT
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from pipeline.community.figure_channels import count_channels
from pipeline.community.figure_members import FigureMembers
from runtime.run_context import RunContext

_MORE_THAN_DAYS: Final = 1 << 32


def count_figures(run: RunContext, days: Days, members: FigureMembers) -> pl.DataFrame:
    """Return the figures of some days: rows of `community.figures.FIGURES_SCHEMA`.

    Args:
        run: The run.
        days: The days.
        members: The members.
    """
    daily, groups = _daily(run, days, members), members.groups_on(days.first, days.last)
    counts = [
        count_points(pl.concat([POINTS_SCHEMA.to_frame(), *_points(run, days, members, daily)]), groups),
        count_spans(pl.concat([SPANS_SCHEMA.to_frame(), *_spans(run, days, members, daily)]), groups, days),
        *count_channels(run, days, members),
    ]
    return values(pl.concat(counts), minor_units=MINOR_UNITS_PER_UNIT)


def _points(run: RunContext, days: Days, members: FigureMembers, daily: pl.DataFrame) -> list[pl.DataFrame]:
    """Return what belongs to one day, as frames of rows of `POINTS_SCHEMA`."""
    active, asked, community = _days_of(daily, pl.col("is_active")), daily.filter(days.include()), run.settings.community
    reading, commenting = _events(community.reading_events), _events(community.commenting_events)
    bought = _days_of(asked, _is_among(["order"]))
    return [
        comings_and_goings(active, members.counted.select("member_no", "first_active"), days),
        joinings(active, members.counted.select("member_no", day="seen_from").drop_nulls(), days),
        _amounts("orders", asked, ["order"], "n"),
        _amounts("spend", asked, ORDER_ACTIVITIES, "amount_minor"),
        _amounts("refunds", asked, ["refund"], -pl.col("amount_minor")),
        _amounts("messages", asked, ["contact"], "n"),
        _amounts("feedback_answers", asked, ["feedback"], "n"),
        _amounts("reads", asked, reading, "n"),
        _amounts("shares", asked, _events(community.sharing_events), "n"),
        _amounts("comments", asked, commenting, "n"),
        named("buyers", bought),
        named("repeat_buyers", _bought_before(bought, members)),
        named("readers", _days_of(asked, _is_among(reading))),
        named("commenters", _days_of(asked, _is_among(commenting))),
        named("contributors", _days_of(asked, _is_posting(run))),
        named("creators", _days_of(asked, _is_among(["content"]))),
        named("leaves", _days_of(asked, _is_among(_events(community.leaving_events)))),
    ]


def _spans(run: RunContext, days: Days, members: FigureMembers, daily: pl.DataFrame) -> list[pl.DataFrame]:
    """Return what counts during a window of days, as frames of rows of `SPANS_SCHEMA`."""
    active, community = _days_of(daily, pl.col("is_active")), run.settings.community
    people = {
        "contributors_30d": _is_posting(run),
        "buyers_30d": _is_among(["order"]),
        "leaves_30d": _is_among(_events(community.leaving_events)),
    }
    things = (
        ("messages_30d", ["contact"], "n"),
        ("openings_30d", ["open"], "n"),
        ("clicks_30d", ["click"], "n"),
        ("reads_30d", _events(community.reading_events), "n"),
        ("shares_30d", _events(community.sharing_events), "n"),
        ("comments_30d", _events(community.commenting_events), "n"),
        ("scores_30d", ["feedback"], "amount_minor"),
        ("feedback_answers_30d", ["feedback"], "n"),
    )
    return [
        *(window_spans(active, name, window_days=width, first=days.first) for name, width in ACTIVE_WINDOWS.items()),
        *(window_spans(_days_of(daily, did), name, window_days=MONTH_DAYS) for name, did in people.items()),
        *(window_sums(_amounts(name, daily, of, amount), window_days=MONTH_DAYS) for name, of, amount in things),
        *_promoters(run, days, members),
        _known(members, days),
    ]


def _daily(run: RunContext, days: Days, members: FigureMembers) -> pl.DataFrame:
    scanned = run.workspace.lake.scan_or_empty(DAILY, DAILY_SCHEMA).filter(pl.col(DAY).is_between(days.first_read, days.last))
    counted = members.counted.lazy().select("member_no")
    # Categories, because these millions of rows are filtered by activity some twenty times.
    rows = scanned.select(
        "member_no",
        pl.col("activity").cast(pl.Categorical()),
        "n",
        "amount_minor",
        day=DAY,
        is_active=is_activity(),
    ).join(counted, on="member_no", how="semi")
    return rows.collect(engine="streaming")


def _is_posting(run: RunContext) -> pl.Expr:
    return _is_among(["content", *_events(run.settings.community.posting_events)])


def _is_among(activities: Sequence[str]) -> pl.Expr:
    return pl.col("activity").is_in(list(activities))


def _days_of(daily: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    """Return one row per member and day with such a row, sorted."""
    rows = daily.lazy().filter(condition).select("member_no", "day")
    # Sorted by one integer, which takes a fifth of the time that finding and sorting pairs does.
    ordered = rows.sort(pl.col("member_no").cast(pl.Int64) * _MORE_THAN_DAYS + pl.col("day").to_physical())
    is_new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in ("member_no", "day"))
    return ordered.filter(is_new).collect()


def _amounts(figure: str, daily: pl.DataFrame, activities: Sequence[str], amount: str | pl.Expr) -> pl.DataFrame:
    rows = daily.filter(_is_among(activities))
    return named(figure, rows.select("member_no", "day", n=pl.col(amount) if isinstance(amount, str) else amount))


def _bought_before(bought: pl.DataFrame, members: FigureMembers) -> pl.DataFrame:
    first = members.counted.select("member_no", "first_order")
    return bought.join(first, on="member_no").filter(pl.col("first_order") < pl.col("day")).select("member_no", "day")


def _promoters(run: RunContext, days: Days, members: FigureMembers) -> list[pl.DataFrame]:
    """Return who gave a high and who gave a low score: the rollups add the scores of a day up."""
    lake = run.workspace.lake
    if not lake.exists(FEEDBACK.name):
        return []
    given = lake.scan(FEEDBACK.name).filter(pl.col(DAY).is_between(days.first_read, days.last), pl.col("score").is_not_null())
    numbered = given.join(scan_member_index(lake), on="member_id").join(
        members.counted.lazy().select("member_no"), on="member_no", how="semi"
    )
    scores = numbered.select("member_no", "score", day=DAY).collect(engine="streaming")
    kinds = {PROMOTERS: is_promoter(pl.col("score")), DETRACTORS: is_detractor(pl.col("score"))}
    return [window_sums(named(name, scores.filter(counts)), window_days=MONTH_DAYS) for name, counts in kinds.items()]


def _known(members: FigureMembers, days: Days) -> pl.DataFrame:
    """Return each member from the day on which they were seen first until after the last day."""
    day = pl.max_horizontal(pl.col("seen_from").fill_null(days.first_read), pl.lit(days.first_read))
    known = members.counted.filter(pl.col("is_known")).select("member_no", day=day).filter(pl.col("day") <= days.last)
    return window_sums(named("members", known), window_days=(days.last - days.first_read).days + 2)


def _events(names: Sequence[str]) -> list[str]:
    return [EVENT_PREFIX + name for name in names]
