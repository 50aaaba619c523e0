"""Daily rollups of landed tables: what each member did and received on each local day.

The rollup of a day depends only on the landed rows of that day, with two exceptions, which `days_to_roll_up` takes into account:

* An opening or click belongs to the local day on which it happened, not to the day its message was sent, so that later openings
  are later rows as of any night. It is counted up to `RESPONSE_WINDOW_DAYS` after sending, so the rollup of a day needs the
  contacts sent on that day or in the window before it.
* An event about a piece of content reaches its author, provided it was published on that day or before. The rollup of a day needs
  all content up to that day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from features.history import DAILY_SCHEMA, TIES_SCHEMA
from features.rollups.event_counts import DAY_PARTS, HOURS_PER_DAY_PART, count_events

RESPONSE_WINDOW_DAYS: Final = 30
SCORE_SCALE: Final = 100
CONTROL_ARM: Final = "control"


def days_to_roll_up(changed: Mapping[str, Collection[date]], *, last_day: date) -> list[date]:
    """Return the days, sorted, whose rollups may differ after landed days were rewritten.

    Args:
        changed: Table → the rewritten days.
        last_day: The last day of the data; later days have no rollup and are left out.
    """
    affected = {day for days in changed.values() for day in days}
    for sent in changed.get("contacts", ()):
        affected |= {sent + timedelta(days=later) for later in range(RESPONSE_WINDOW_DAYS + 1)}
    if published := changed.get("content"):
        first = min(published)
        affected |= {first + timedelta(days=later) for later in range((last_day - first).days + 1)}
    return sorted(day for day in affected if day <= last_day)


@dataclass(frozen=True)
class Rollups:
    """The rollups of some days.

    Args:
        daily: One row per event_date, member_no, activity, sorted by them; columns of `DAILY_SCHEMA`. `amount_minor` is money in
            minor units for order and refund, the sum of score × 100 for feedback, 0 otherwise. The parts of the day follow the
            local hour (0–5, 6–11, 12–17, 18–23) and add up to n.
        ties: One row per event_date, member_no, other_no, sorted by them: the interactions a member gave to another; columns
            of `TIES_SCHEMA`. A member's interactions with their own content are not ties.
    """

    daily: pl.DataFrame
    ties: pl.DataFrame


def roll_up_landed(
    *,
    events: pl.LazyFrame | None,
    orders: pl.LazyFrame | None,
    content: pl.LazyFrame | None,
    contacts: pl.LazyFrame | None,
    feedback: pl.LazyFrame | None,
    member_index: pl.LazyFrame,
    timezone: str,
    days: Collection[date] | None = None,
) -> Rollups:
    """Count what each member did and received by day, and the interactions between members.

    Rows of members that are not in `member_index` are left out.

    Args:
        events: Landed events of the days, or None for a community without them; likewise below.
        orders: Landed orders of the days.
        content: All landed content up to the last of the days.
        contacts: Landed contacts of the days and of the `RESPONSE_WINDOW_DAYS` before the first of them.
        feedback: Landed feedback of the days.
        member_index: One row per member: member_no Int32, member_id.
        timezone: The community's timezone, which decides hours and days.
        days: The days to return; None for every day that occurs.
    """
    # Read once, as every query below joins it.
    member_index = member_index.select("member_no", "member_id").collect(engine="streaming").lazy()
    moments = _all_moments(orders, content, contacts, feedback, member_index=member_index, timezone=timezone)
    # The tables have different activities, so each is grouped separately, which needs less memory than grouping their union.
    counted = [_count(_on_days(rows, days), timezone) for rows in moments]
    rows = [pl.LazyFrame(schema=DAILY_SCHEMA), *(counts.select(DAILY_SCHEMA.keys()).cast(DAILY_SCHEMA) for counts in counted)]
    daily = pl.concat(rows).collect(engine="streaming")
    if events is None:
        return Rollups(daily.sort("event_date", "member_no", "activity"), pl.DataFrame(schema=TIES_SCHEMA))
    events = _on_days(events, days)
    return Rollups(*count_events(events, content, daily, member_index=member_index, timezone=timezone))


def _all_moments(
    orders: pl.LazyFrame | None,
    content: pl.LazyFrame | None,
    contacts: pl.LazyFrame | None,
    feedback: pl.LazyFrame | None,
    *,
    member_index: pl.LazyFrame,
    timezone: str,
) -> list[pl.LazyFrame]:
    return [
        *([] if orders is None else [_order_moments(orders, member_index)]),
        *([] if content is None else [_content_moments(content, member_index)]),
        *([] if contacts is None else _contact_moments(contacts, member_index, timezone)),
        *([] if feedback is None else [_feedback_moments(feedback, member_index)]),
    ]


def _order_moments(orders: pl.LazyFrame, member_index: pl.LazyFrame) -> pl.LazyFrame:
    amount = pl.col("amount_minor")
    activity = pl.when(amount < 0).then(pl.lit("refund")).otherwise(pl.lit("order"))
    return _moments(orders.join(member_index, on="member_id"), at="ordered_at", activity=activity, amount=amount)


def _content_moments(content: pl.LazyFrame, member_index: pl.LazyFrame) -> pl.LazyFrame:
    authored = content.join(member_index, left_on="author_id", right_on="member_id")
    return _moments(authored, at="published_at", activity=pl.lit("content"))


def _contact_moments(contacts: pl.LazyFrame, member_index: pl.LazyFrame, timezone: str) -> list[pl.LazyFrame]:
    # The control arm of an experiment is in the table, but no message was sent to it.
    sent_contacts = contacts.filter(pl.col("arm").ne_missing(CONTROL_ARM)).join(member_index, on="member_id")
    return [
        _moments(sent_contacts, at="sent_at", activity=pl.lit("contact")),
        _moments(_responses(sent_contacts, "opened_at", timezone), at="opened_at", activity=pl.lit("open")),
        _moments(_responses(sent_contacts, "clicked_at", timezone), at="clicked_at", activity=pl.lit("click")),
    ]


def _responses(sent_contacts: pl.LazyFrame, at: str, timezone: str) -> pl.LazyFrame:
    """Return messages with the local day of their response; a response dated before its message counts on the day of sending."""
    sent_date = pl.col("event_date")
    responded_date = pl.max_horizontal(pl.col(at).dt.convert_time_zone(timezone).dt.date(), sent_date)
    in_time = (responded_date - sent_date).dt.total_days() <= RESPONSE_WINDOW_DAYS
    return sent_contacts.filter(pl.col(at).is_not_null()).filter(in_time).with_columns(event_date=responded_date)


def _feedback_moments(feedback: pl.LazyFrame, member_index: pl.LazyFrame) -> pl.LazyFrame:
    # Answers without a score are a separate activity, because the mean score divides by the scored ones only.
    score = pl.col("score")
    activity = pl.when(score.is_null()).then(pl.lit("feedback_unscored")).otherwise(pl.lit("feedback"))
    scaled = (score * SCORE_SCALE).round().cast(pl.Int64)
    return _moments(feedback.join(member_index, on="member_id"), at="answered_at", activity=activity, amount=scaled)


def _moments(
    rows: pl.LazyFrame, *, at: str, activity: pl.Expr, member: str = "member_no", amount: pl.Expr | None = None
) -> pl.LazyFrame:
    """Return one row per row of a table: event_date, member_no, activity, moment, amount_minor."""
    return rows.select(
        "event_date",
        pl.col(member).alias("member_no"),
        activity.alias("activity"),
        pl.col(at).alias("moment"),
        (pl.lit(0) if amount is None else amount).cast(pl.Int64).alias("amount_minor"),
    )


def _on_days(moments: pl.LazyFrame, days: Collection[date] | None) -> pl.LazyFrame:
    return moments if days is None else moments.filter(pl.col("event_date").is_in(sorted(days)))


def _count(moments: pl.LazyFrame, timezone: str) -> pl.LazyFrame:
    day_part = pl.col("moment").dt.convert_time_zone(timezone).dt.hour() // HOURS_PER_DAY_PART
    parts = {name: (pl.col("day_part") == position).sum() for position, name in enumerate(DAY_PARTS)}
    return (
        moments.with_columns(day_part=day_part)
        .group_by("event_date", "member_no", "activity")
        .agg(pl.len().alias("n"), pl.col("amount_minor").sum(), **parts)
    )
