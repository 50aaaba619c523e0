"""Collect what the report tells of answers and content."""

from __future__ import annotations

from typing import Final

import polars as pl

from community.answer_times import AnswerTimes
from community.answers import Responsiveness, responsiveness
from outputs.content_lists import UNANSWERED
from outputs.report.content_facts import AnswerSpeed, OddPlace, Unanswered, WaitingTopic
from pipeline.community.content import NightContent
from runtime.run_context import RunContext

_TOPICS_SHOWN: Final = 8
_ODD_SHOWN: Final = 6
_WEEK_HOURS: Final = 168


def unanswered_facts(run: RunContext, content: NightContent | None) -> Unanswered | None:
    """Return what the report tells of answers; None for a community without content, or in which nobody answers.

    Args:
        run: The run.
        content: The content of the night.
    """
    if content is None or not content.has_answers:
        return None
    answers, policy = content.answers, run.settings.content
    waiting = answers.filter("is_unanswered")
    newcomers = waiting.filter("is_by_newcomer")
    fast = responsiveness(answers)
    return Unanswered(
        path=f"../lists/{run.as_of.isoformat()}/{UNANSWERED}.xlsx",
        days=policy.content_days,
        after_hours=policy.unanswered_after_hours,
        posts=answers.height,
        waiting=waiting.height,
        by_newcomers=newcomers.height,
        first_posts=int(newcomers["is_first_piece"].sum()),
        by_staff_only=int(answers["is_by_staff_only"].sum()),
        waited_a_week=int((waiting["waited_hours"] >= _WEEK_HOURS).sum()),
        recent=_speed(fast.recent),
        earlier=_speed(fast.earlier),
        newcomers=_speed(fast.newcomers),
        is_faster=fast.is_faster,
        topics=_topics(answers, fast),
        odd=_odd(fast),
    )


def _speed(times: AnswerTimes | None) -> AnswerSpeed | None:
    if times is None:
        return None
    return AnswerSpeed(times.pieces, times.day_share, times.day_share_low, times.day_share_high, times.median_hours)


def _topics(answers: pl.DataFrame, fast: Responsiveness) -> tuple[WaitingTopic, ...]:
    counted = answers.drop_nulls("topic").group_by("topic").agg(waiting=pl.col("is_unanswered").sum(), posts=pl.len())
    shown = counted.filter(pl.col("waiting") > 0).sort("waiting", "posts", "topic", descending=[True, False, False])
    by_topic = fast.by.get("topic", {})
    medians = {topic: times.median_hours for topic, times in by_topic.items()}
    rows = shown.head(_TOPICS_SHOWN).select("topic", "waiting", "posts").iter_rows()
    return tuple(WaitingTopic(topic, waiting, posts, medians.get(topic)) for topic, waiting, posts in rows)


def _odd(fast: Responsiveness) -> tuple[OddPlace, ...]:
    places = [
        OddPlace(of, value, speed, is_slower)
        for of, value, is_slower in fast.odd
        if (speed := _speed(fast.by[of][value])) is not None
    ]
    return tuple(places[:_ODD_SHOWN])
