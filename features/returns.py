"""Returns: how many members of each band were active again within so many days of past days, and what they spent.

A band is a combination of silence and of active days in the past 90 days. The level of a community is compared between two days
within bands, so that a change in who the members are is not taken for a change in how they behave.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.eligibility import is_eligible
from features.history import ORDER_ACTIVITIES, SeenHistory, is_activity

RETURNS_SCHEMA: Final = pl.Schema(
    {
        "cutoff": pl.Date(),
        "window_days": pl.Int32(),
        "band": pl.Int32(),
        "members": pl.Int64(),
        "returned": pl.Int64(),
        "spenders": pl.Int64(),
        "spend_minor": pl.Int64(),
    }
)
# The band of members known by the cut-off who are not eligible: they are expected to spend, not to be scored for churn.
NOT_ELIGIBLE: Final = 0
_SILENCE_DAYS: Final = (7, 14, 28, 56, 112, 224)
_ACTIVE_DAYS: Final = (1, 2, 4, 9)
_ACTIVE_WINDOW_DAYS: Final = 90
BANDS: Final = 1 + (len(_SILENCE_DAYS) + 1) * (len(_ACTIVE_DAYS) + 1)
# Enough for a level that is known within a few hundredths of log-odds, however large the community.
MOST_MEMBERS: Final = 50_000


@dataclass(frozen=True)
class ActiveDays:
    """The days on which members were active, as far as `count_returns` needs them.

    Args:
        as_of: The last day that is known.
        members: One row per member: member_no, seen_from (null: always seen).
        days: One row per member_no and event_date with activity, sorted by both: spend_minor, net spend of that day.
    """

    as_of: date
    members: pl.DataFrame
    days: pl.DataFrame


def active_days(seen: SeenHistory, *, since: date) -> ActiveDays:
    """Collect the active days of all members, or in a large community of every n-th by number.

    Args:
        seen: The history up to a night.
        since: The first day to collect.
    """
    members = seen.members.select("member_no", "seen_from").collect(engine="streaming").sort("member_no")
    daily = seen.daily.filter(pl.col("event_date") >= since)
    # Rounded up, so that the limit holds. By number and not at random: the same members whenever a night is run.
    if (every := -(-members.height // MOST_MEMBERS)) > 1:
        is_chosen = pl.col("member_no") % every == 0
        members, daily = members.filter(is_chosen), daily.filter(is_chosen)
    spend = pl.when(pl.col("activity").is_in(ORDER_ACTIVITIES)).then("amount_minor").otherwise(0)
    days = daily.filter(is_activity()).group_by("member_no", "event_date").agg(spend_minor=spend.sum())
    return ActiveDays(seen.as_of, members, days.collect(engine="streaming").sort("member_no", "event_date"))


def count_returns(active: ActiveDays, windows: Collection[tuple[date, int]], *, eligible_days: int) -> pl.DataFrame:
    """Count who was active again within some days of past cut-offs.

    One row per cutoff, window_days and band, sorted by them: members, those known by the cut-off; returned, those active on the
    days cutoff + 1 to cutoff + window_days; spenders, those whose net spend on these days is above 0; spend_minor, their sum of
    net spend. A window of 0 days counts the members alone.

    Args:
        active: The active days of the members.
        windows: Pairs of a cut-off and a number of days. A window that ends after `active.as_of` is left out: it is not known.
        eligible_days: As `[churn] eligible_days` says.
    """
    known = sorted({(cutoff, days) for cutoff, days in windows if cutoff + timedelta(days=days) <= active.as_of})
    cutoffs = {cutoff: _members_at(active, cutoff, eligible_days=eligible_days) for cutoff in {cutoff for cutoff, _ in known}}
    counted = [_count(active, cutoffs[cutoff], cutoff, days) for cutoff, days in known]
    return pl.concat([pl.DataFrame(schema=RETURNS_SCHEMA), *counted])


def _members_at(active: ActiveDays, cutoff: date, *, eligible_days: int) -> pl.DataFrame:
    """Return one row per member known by a cut-off: member_no, band."""
    day = pl.col("event_date")
    before = active.days.lazy().filter(day.is_between(cutoff - timedelta(days=eligible_days - 1), cutoff))
    habits = before.group_by("member_no").agg(
        days_since_last_activity=(pl.lit(cutoff) - day.max()).dt.total_days(),
        active_days=(day > cutoff - timedelta(days=_ACTIVE_WINDOW_DAYS)).sum(),
    )
    members = active.members.lazy().filter(pl.col("seen_from").is_null() | (pl.col("seen_from") <= cutoff))
    band = 1 + _step("days_since_last_activity", _SILENCE_DAYS) * (len(_ACTIVE_DAYS) + 1) + _step("active_days", _ACTIVE_DAYS)
    return (
        members.join(habits, on="member_no", how="left", validate="1:1")
        .select("member_no", band=pl.when(is_eligible(eligible_days)).then(band).otherwise(NOT_ELIGIBLE).cast(pl.Int32))
        .collect()
    )


def _step(column: str, bounds: tuple[int, ...]) -> pl.Expr:
    """Return how many of the bounds a number has reached."""
    return pl.sum_horizontal((pl.col(column) >= bound).cast(pl.Int32) for bound in bounds)  # noqa: TID251 - whole numbers


def _count(active: ActiveDays, members: pl.DataFrame, cutoff: date, window_days: int) -> pl.DataFrame:
    window = pl.col("event_date").is_between(cutoff + timedelta(days=1), cutoff + timedelta(days=window_days))
    ahead = active.days.lazy().filter(window).group_by("member_no").agg(pl.col("spend_minor").sum())
    spend = pl.col("spend_minor")
    return (
        members.lazy()
        .join(ahead, on="member_no", how="left", validate="1:1")
        .group_by("band")
        .agg(
            members=pl.len().cast(pl.Int64),
            returned=spend.is_not_null().sum().cast(pl.Int64),
            spenders=(spend > 0).sum().cast(pl.Int64),
            spend_minor=spend.sum().cast(pl.Int64),
        )
        .sort("band")
        .select(pl.lit(cutoff).alias("cutoff"), pl.lit(window_days, pl.Int32).alias("window_days"), pl.all())
        .collect()
    )
