"""Weekly cohorts: of the members who joined in one week, how many are active in each week after it.

A row stands on the last day, a Sunday, of the week that it is of; its dimension names the week of joining, such as
`cohort=2026-W31` (ISO 8601). How many weeks lie between the two is computed, not stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from community.figures import FIGURES_SCHEMA, ratios
from features.calendar import WEEK_DAYS

COHORT_MEMBERS: Final = "cohort_members"
COHORT_RETENTION: Final = "cohort_retention"
COHORT_FIGURES: Final = (COHORT_MEMBERS, COHORT_RETENTION)
# A year of weeks after the week of joining.
WEEKS_FOLLOWED: Final = 52
COHORTS_SCHEMA: Final = pl.Schema(
    {"cohort_week": pl.Date(), "weeks_since": pl.Int32(), "members": pl.Int64(), "share": pl.Float64()}
)
_PREFIX: Final = "cohort="
_ISO_WEEK: Final = "%G-W%V"


def sunday_of(day: date) -> date:
    """Return the last day of a day's week."""
    return day + timedelta(days=WEEK_DAYS - day.isoweekday())


def weeks_following(joined: date, last: date) -> list[date]:
    """Return the last days of the weeks in which a cohort is followed, that of joining included, up to a day."""
    sunday = sunday_of(joined)
    return [day for n in range(WEEKS_FOLLOWED + 1) if (day := sunday + timedelta(days=n * WEEK_DAYS)) <= last]


def cohort_figures(active: pl.DataFrame, joined: pl.DataFrame, sundays: Sequence[date]) -> pl.DataFrame:
    """Return the size of each cohort, on the Sunday of its week, and its share active in each week: rows of `FIGURES_SCHEMA`.

    Args:
        active: One row per member_no and `sunday` in whose week the member was active.
        joined: One row per member_no and the `day` on which the member was seen first.
        sundays: The weeks asked for, by their last days.
    """
    of_week = pl.col("day") + pl.duration(days=WEEK_DAYS - pl.col("day").dt.weekday().cast(pl.Int32))
    cohorts = joined.select("member_no", cohort=of_week)
    sizes = cohorts.group_by("cohort").agg(size=pl.len().cast(pl.Int64))
    weeks = pl.DataFrame({"sunday": list(sundays)}, schema={"sunday": pl.Date()})
    weeks_since = (pl.col("sunday") - pl.col("cohort")).dt.total_days() // WEEK_DAYS
    followed = sizes.join(weeks, how="cross").filter(weeks_since.is_between(0, WEEKS_FOLLOWED))
    came = active.join(cohorts, on="member_no").group_by("cohort", "sunday").agg(came=pl.len().cast(pl.Int64))
    shares = followed.join(came, on=["cohort", "sunday"], how="left").with_columns(pl.col("came").fill_null(0))
    shares = shares.with_columns(share=ratios(shares["came"], shares["size"]))
    dimension = pl.lit(_PREFIX) + pl.col("cohort").dt.strftime(_ISO_WEEK)
    rows = [
        shares.filter(weeks_since == 0).select(day="sunday", figure=pl.lit(COHORT_MEMBERS), dimension=dimension, value="size"),
        shares.select(day="sunday", figure=pl.lit(COHORT_RETENTION), dimension=dimension, value="share"),
    ]
    return pl.concat([row.cast(FIGURES_SCHEMA) for row in rows])


def as_cohorts(figures: pl.DataFrame) -> pl.DataFrame:
    """Return the cohorts that figures tell of: one row per cohort and week since, sorted, in `COHORTS_SCHEMA`.

    `cohort_week` is the Monday of the week of joining, `members` how many joined in it, `share` how many of them, 0 to 1, were
    active in the week so many weeks later. A cohort has rows up to the newest week that is over, at most `WEEKS_FOLLOWED` after.

    Args:
        figures: Rows of `FIGURES_SCHEMA` of the `COHORT_FIGURES`.
    """
    monday = (pl.col("dimension").str.strip_prefix(_PREFIX) + "-1").str.to_date(f"{_ISO_WEEK}-%u")
    known = figures.with_columns(cohort_week=monday)
    sizes = known.filter(pl.col("figure") == COHORT_MEMBERS).select("cohort_week", members=pl.col("value").cast(pl.Int64))
    shares = known.filter(pl.col("figure") == COHORT_RETENTION).join(sizes, on="cohort_week")
    weeks_since = ((pl.col("day") - pl.col("cohort_week")).dt.total_days() // WEEK_DAYS).cast(pl.Int32)
    rows = shares.select("cohort_week", "members", weeks_since=weeks_since, share="value")
    return rows.select(COHORTS_SCHEMA.names()).cast(COHORTS_SCHEMA).sort("cohort_week", "weeks_since")
