"""Whom to thank: contributors of the week, newcomers who took off, streaks, helpers of newcomers, and who improved most.

Volume and quality are measured apart. Volume is the contributions that count: a day counts up to `daily_cap`, and a burst, five
contributions or more each within two minutes of the one before, counts as one unless at least one different person responded for
every five of them. Quality is how many different people responded per contribution, drawn towards the mean of all, so that a
single lucky post is no proof. Contributors are ordered by the product of the two: the people they are expected to reach.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.calendar import WEEK_DAYS

# Streaks are counted back so far, a week beyond the last milestone, and a member is compared with so many own weeks.
STREAK_WEEKS: Final = 27
PAST_WEEKS: Final = 8
HELPED_DAYS: Final = 28
NEWCOMER_DAYS: Final = 56
FIRST_DAYS: Final = 28
BURST_SECONDS: Final = 120
LEAST_IN_BURST: Final = 5
# Of a burst that one person responded to for every five contributions, all count.
_RESPONSES_TO_A_BURST: Final = 0.2
# So many contributions of the average kind are added before quality is compared, and so many a week before improvement is.
_SHRINKAGE: Final = 5.0
_SHRINKAGE_OF_WEEK: Final = 2.0
# Of one contribution that hardly anybody responded to nothing is posted: it would praise nobody.
_LEAST_TO_NAME: Final = 3
_LEAST_REACHED: Final = 2
_LEAST_HELPED: Final = 2
_LEAST_IMPROVEMENT: Final = 1.5
_MILESTONES_WEEKS: Final = (4, 8, 13, 26)

CONTRIBUTOR: Final = "contributor"
TOOK_OFF: Final = "took_off"
STREAK: Final = "streak"
HELPER: Final = "helper"
IMPROVED: Final = "improved"
KINDS: Final = (CONTRIBUTOR, TOOK_OFF, HELPER, IMPROVED, STREAK)

BURSTS_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "event_date": pl.Date(), "n": pl.Int64()})


class RecognitionPolicy(BaseModel):
    """`[recognition]`: whom the list and the board thank, and what points are worth."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    daily_cap: int = Field(default=10, ge=1, description="Contributions of one member and day that count; more earn nothing.")
    most_named: int = Field(
        default=10, ge=1, description="Members named for each reason; for streaks and improvement half of it."
    )
    levels: dict[str, int] = Field(
        default={}, description="Level → points from which a member has it; points come from `[[badges]]`."
    )


def find_bursts(moments: pl.DataFrame) -> pl.DataFrame:
    """Return the bursts: one row per burst, member_no, event_date of its first contribution, n contributions.

    Args:
        moments: One row per contribution, in any order: member_no, event_date, occurred_at.
    """
    pause = (pl.col("occurred_at") - pl.col("occurred_at").shift(1).over("member_no")).dt.total_seconds()
    is_first = (pause > BURST_SECONDS).fill_null(value=True)
    runs = moments.sort("member_no", "occurred_at", "event_date").with_columns(run=is_first.cum_sum())
    counted = runs.group_by("member_no", "run").agg(pl.col("event_date").min(), n=pl.len().cast(pl.Int64))
    bursts = counted.filter(pl.col("n") >= LEAST_IN_BURST).select(
        pl.col(name).cast(dtype) for name, dtype in BURSTS_SCHEMA.items()
    )
    return bursts.sort("member_no", "event_date", "n")


def contributors_of_week(
    posts: pl.DataFrame, bursts: pl.DataFrame, ties: pl.DataFrame, *, as_of: date, policy: RecognitionPolicy
) -> pl.DataFrame:
    """Return what each member contributed in the week: one row per member with any contribution, the best first.

    Args:
        posts: One row per member_no and event_date: n contributions. Other days may be among them.
        bursts: As `find_bursts` returns them.
        ties: One row per event_date, member_no, other_no: interactions a member gave to another; other days likewise.
        as_of: The night, the last day of the week.
        policy: The cap.

    Returns:
        member_no, contributions_7d, earned_7d (those that count), people_reached_7d, quality (people per contribution that
        counts; null where nobody responds to anybody), score.
    """
    week = pl.col("event_date").is_between(as_of - timedelta(days=WEEK_DAYS - 1), as_of)
    reached = ties.filter(week).group_by(pl.col("other_no").alias("member_no")).agg(people=pl.col("member_no").n_unique())
    mine = posts.filter(week).join(reached, on="member_no", how="left").with_columns(pl.col("people").fill_null(0).cast(pl.Int64))
    of_bursts = _burst_credit(bursts.filter(week), reached)
    days = mine.join(of_bursts, on=["member_no", "event_date"], how="left").with_columns(
        pl.col("in_bursts", "credit").fill_null(0)
    )
    counted = pl.max_horizontal(pl.col("n") - pl.col("in_bursts"), 0) + pl.col("credit")
    earned = pl.min_horizontal(counted, "n", policy.daily_cap)
    members = days.group_by("member_no").agg(
        contributions_7d=pl.col("n").cast(pl.Int64).sum(),
        earned_7d=earned.cast(pl.Int64).sum(),
        people_reached_7d=pl.col("people").first(),
    )
    return _with_quality(members).sort(["score", "earned_7d", "member_no"], descending=[True, True, False])


def _burst_credit(bursts: pl.DataFrame, reached: pl.DataFrame) -> pl.DataFrame:
    """Return member_no, event_date, in_bursts and the credit for them: all where people responded, else one a burst."""
    with_people = bursts.join(reached, on="member_no", how="left").with_columns(pl.col("people").fill_null(0))
    is_answered = pl.col("people") >= _RESPONSES_TO_A_BURST * pl.col("n").sum().over("member_no")
    return (
        with_people.with_columns(one=pl.when(is_answered).then(pl.col("n")).otherwise(1))
        .group_by("member_no", "event_date")
        .agg(in_bursts=pl.col("n").sum(), credit=pl.col("one").sum())
    )


def _with_quality(members: pl.DataFrame) -> pl.DataFrame:
    """Add quality and score; whole numbers are summed, so that the order of rows changes nothing."""
    people, earned = int(members["people_reached_7d"].sum()), int(members["earned_7d"].sum())
    if not people:
        return members.with_columns(quality=pl.lit(None, pl.Float64), score=pl.col("earned_7d").cast(pl.Float64))
    mean = people / earned
    quality = (pl.col("people_reached_7d") + _SHRINKAGE * mean) / (pl.col("earned_7d") + _SHRINKAGE)
    return members.with_columns(quality=quality).with_columns(score=pl.col("earned_7d") * pl.col("quality"))


def streaks(posts: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return the weeks in a row, tonight's included, in which a member contributed: one row per member who did this week.

    Args:
        posts: One row per member_no and event_date with contributions, of `STREAK_WEEKS` weeks.
        as_of: The night, the last day of the newest week.

    Returns:
        member_no, streak_weeks (1 to `STREAK_WEEKS`), sorted by member_no.
    """
    ago = ((pl.lit(as_of) - pl.col("event_date")).dt.total_days() // WEEK_DAYS).cast(pl.Int64)
    weeks = posts.select("member_no", ago=ago).filter(pl.col("ago").is_between(0, STREAK_WEEKS - 1)).unique()
    # Without a gap the n-th week with contributions is n weeks ago.
    in_order = weeks.sort("member_no", "ago").with_columns(place=pl.int_range(pl.len()).over("member_no"))
    unbroken = in_order.filter(pl.col("ago") == pl.col("place"))
    return unbroken.group_by("member_no").agg(streak_weeks=pl.len().cast(pl.Int64)).sort("member_no")


def helpers(ties: pl.DataFrame, seen_from: pl.DataFrame, *, as_of: date, days: int) -> pl.DataFrame:
    """Return who responded to newcomers: one row per member, member_no, newcomers_helped, sorted by member_no.

    Args:
        ties: One row per event_date, member_no, other_no.
        seen_from: One row per member: member_no, joined_on (null: not known).
        as_of: The night.
        days: The window. A newcomer is helped in the first `FIRST_DAYS` days after joining, by somebody who is no newcomer.
    """
    joined = seen_from.select("member_no", "joined_on")
    in_window = ties.filter(pl.col("event_date").is_between(as_of - timedelta(days=days - 1), as_of))
    with_other = in_window.join(joined.rename({"member_no": "other_no", "joined_on": "other_joined"}), on="other_no")
    both = with_other.join(joined, on="member_no", how="left")
    age, own_age = ((pl.col("event_date") - pl.col(name)).dt.total_days() for name in ("other_joined", "joined_on"))
    is_help = age.is_between(0, FIRST_DAYS - 1) & ((own_age >= FIRST_DAYS) | pl.col("joined_on").is_null())
    helped = both.filter(is_help).group_by("member_no").agg(newcomers_helped=pl.col("other_no").n_unique().cast(pl.Int64))
    return helped.sort("member_no")


def improvement(posts: pl.DataFrame, week: pl.DataFrame, *, as_of: date, policy: RecognitionPolicy) -> pl.DataFrame:
    """Return how this week compares with the member's own weeks before: one row per row of `week`.

    Columns member_no, times and contributions_56d, those of the `PAST_WEEKS` before. `times` is (earned this week + 2) / (earned
    in a mean week of those + 2): a single contribution after silence is no improvement. Days of the past count up to the cap.

    Args:
        posts: One row per member_no and event_date: n.
        week: As `contributors_of_week` returns it.
        as_of: The night.
        policy: The cap.
    """
    last = as_of - timedelta(days=WEEK_DAYS)
    past = posts.filter(pl.col("event_date").is_between(last - timedelta(days=WEEK_DAYS * PAST_WEEKS - 1), last))
    capped = pl.min_horizontal("n", policy.daily_cap).cast(pl.Int64)
    before = past.group_by("member_no").agg(earned=capped.sum(), contributions_56d=pl.col("n").cast(pl.Int64).sum())
    a_week = pl.col("earned").fill_null(0) / PAST_WEEKS
    times = (pl.col("earned_7d") + _SHRINKAGE_OF_WEEK) / (a_week + _SHRINKAGE_OF_WEEK)
    with_past = week.join(before, on="member_no", how="left", maintain_order="left")
    return with_past.select("member_no", pl.col("contributions_56d").fill_null(0), times=times)


def recognised(people: pl.DataFrame, *, as_of: date, policy: RecognitionPolicy) -> pl.DataFrame:
    """Return whom to thank for what: one row per member and kind, by kind and then the best first.

    Args:
        people: One row per member: member_no, joined_on, contributions_7d, earned_7d, people_reached_7d, score, streak_weeks,
            newcomers_helped_7d, times, contributions_56d; null where nothing is known.
        as_of: The night.
        policy: How many are named.

    Returns:
        The columns of `people` with `kind`, one of `KINDS`.
    """
    days_here = (pl.lit(as_of) - pl.col("joined_on")).dt.total_days()
    is_new = (days_here < NEWCOMER_DAYS).fill_null(value=False)
    is_streak = pl.col("streak_weeks").is_in(_MILESTONES_WEEKS) & ~is_new
    is_worth_naming = (pl.col("earned_7d") >= _LEAST_TO_NAME) | (pl.col("people_reached_7d") >= _LEAST_REACHED)
    half = max(policy.most_named // 2, 1)
    took_off = is_new & (pl.col("earned_7d") >= _LEAST_TO_NAME)
    improved = (pl.col("times") >= _LEAST_IMPROVEMENT) & (pl.col("earned_7d") >= _LEAST_TO_NAME) & ~is_new
    wanted = {
        CONTRIBUTOR: (is_worth_naming, "score", policy.most_named),
        TOOK_OFF: (took_off, "score", policy.most_named),
        HELPER: (pl.col("newcomers_helped_7d") >= _LEAST_HELPED, "newcomers_helped_7d", policy.most_named),
        IMPROVED: (improved, "times", half),
        STREAK: (is_streak, "streak_weeks", half),
    }
    parts = [
        people.filter(condition).sort([by, "member_no"], descending=[True, False]).head(most).with_columns(kind=pl.lit(kind))
        for kind, (condition, by, most) in wanted.items()
    ]
    return pl.concat(parts)
