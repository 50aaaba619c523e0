"""What the report says about answers and content, as plain data: counts, shares and topics, no member and no title."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class AnswerSpeed:
    """How fast some posts were answered.

    Args:
        posts: Their number.
        day_share: Share answered within a day.
        low: Lower end of its 95 % interval.
        high: Upper end.
        median_hours: Hours after which half are answered; None where fewer than half ever were.
    """

    posts: int
    day_share: float
    low: float
    high: float
    median_hours: float | None


@dataclass(frozen=True)
class WaitingTopic:
    """The posts of one topic that wait for an answer.

    Args:
        topic: The topic.
        waiting: How many wait.
        posts: How many of the topic wanted an answer in the window.
        median_hours: Hours after which half of these are answered; None where fewer than half were, or where they are few.
    """

    topic: str
    waiting: int
    posts: int
    median_hours: float | None


@dataclass(frozen=True)
class OddPlace:
    """A topic, channel, hour or weekday where answers come faster or slower than elsewhere, beyond chance.

    Args:
        of: topic, channel, hour or weekday.
        value: Its name; of an hour or weekday its number.
        speed: How fast answers come there.
        is_slower: Whether fewer are answered within a day than elsewhere.
    """

    of: str
    value: str | int
    speed: AnswerSpeed
    is_slower: bool


@dataclass(frozen=True)
class Unanswered:
    """Which posts wait for an answer, and how fast the community answers.

    Args:
        path: The list, relative to the report's folder.
        days: The window.
        after_hours: Waiting means so many hours without an answer.
        posts: Posts of the window that wanted an answer.
        waiting: How many of them wait.
        by_newcomers: How many of these are by newcomers.
        first_posts: How many of these are a newcomer's first one.
        by_staff_only: Posts of the window that staff alone has answered.
        waited_a_week: How many wait for seven days or longer.
        recent: Posts of the last 28 days; None where there is none.
        earlier: Posts of the 28 days before; None likewise.
        newcomers: Posts of the last 28 days by newcomers; None likewise.
        is_faster: Whether the recent ones are answered faster than the earlier ones; None where that cannot be told.
        topics: The topics with most that wait.
        odd: Where answers come faster or slower than elsewhere.
    """

    path: str
    days: int
    after_hours: int
    posts: int
    waiting: int
    by_newcomers: int
    first_posts: int
    by_staff_only: int
    waited_a_week: int
    recent: AnswerSpeed | None = None
    earlier: AnswerSpeed | None = None
    newcomers: AnswerSpeed | None = None
    is_faster: bool | None = None
    topics: tuple[WaitingTopic, ...] = ()
    odd: tuple[OddPlace, ...] = ()


@dataclass(frozen=True)
class GroupQuality:
    """Posts that belong together, and how people respond to them.

    Args:
        of: topic, format, word, title, weekday or hour.
        group: Its value, as in `community.groupings`.
        posts: How many there were.
        authors: By how many people.
        responses: How many people responded, summed over posts.
        quality: Responses in multiples of the expected ones, drawn towards 1.
        low: Lower end of its 95 % interval, all groups looked at together.
        high: Upper end.
    """

    of: str
    group: str
    posts: int
    authors: int
    responses: int
    quality: float
    low: float
    high: float


@dataclass(frozen=True)
class BestShare:
    """What the best tenth of posts are more, or less, often than the others.

    Args:
        of: topic, format, word, title, weekday or hour.
        group: Its value.
        best_share: Share of the best tenth.
        other_share: Share of the others.
    """

    of: str
    group: str
    best_share: float
    other_share: float


@dataclass(frozen=True)
class TopicTrend:
    """A topic that more or fewer people write about than before.

    Args:
        topic: The topic, or a word of titles where there are no topics.
        since: The first day after the change.
        before: People a week before it.
        after: People a week since.
    """

    topic: str
    since: date
    before: float
    after: float


@dataclass(frozen=True)
class WhatWorks:
    """What people respond to.

    Args:
        days: The window.
        posts: Posts of the window.
        authors: By how many people.
        responses: How many people responded, summed over posts.
        by_readers: Whether readers say what was expected, otherwise age and following.
        groups: What draws more or fewer responses than expected beyond chance, the best first.
        topics: The topics with most posts.
        best: What the best tenth of posts have in common.
        trends: Topics that changed, rises first.
        trend_weeks: Over how many weeks changes were looked for.
        path: The list of posts that did better than expected, relative to the report's folder; None where it is empty.
    """

    days: int
    posts: int
    authors: int
    responses: int
    by_readers: bool
    groups: tuple[GroupQuality, ...] = ()
    topics: tuple[GroupQuality, ...] = ()
    best: tuple[BestShare, ...] = ()
    trends: tuple[TopicTrend, ...] = ()
    trend_weeks: int = 26
    path: str | None = None
