"""Visits of members: sessions, and interactions with other members' content."""

from __future__ import annotations

from typing import Final

import numpy as np

from lake.simulate.population import EVENT_TYPES, TOPICS, Column, Floats, Ints, chance
from lake.simulate.state import DAY_SECONDS, EFFECT_DAYS, MEMORY_DAYS, Life

NOVELTY_DAYS: Final = 14
WEEK: Final = np.array([[0.90, 0.95, 1.00, 1.00, 0.90, 1.05, 1.20], [0.5, 0.5, 0.5, 0.5, 0.5, 2.25, 2.25]])
OWN_TOPIC_READ: Final = 0.7
OWN_TOPIC_WRITTEN: Final = 0.8
FADING_OF_CONTENT_PER_DAY: Final = 0.8
SECONDS_BETWEEN_ACTIONS: Final = 540.0
SPREAD_OF_HOUR: Final = 2.2

LOGIN, READ, POST, COMMENT, MESSAGE = (EVENT_TYPES.index(name) for name in ("login", "read", "post", "comment", "message"))
ON_CONTENT: Final = [EVENT_TYPES.index(name) for name in ("comment", "like", "share")]
INTERACTIONS: Final = [*ON_CONTENT, MESSAGE]


def visit(life: Life, day: int, vigour: Floats, *, weekday: int) -> None:
    """Simulate the sessions of one day: one login per session, then its actions.

    Args:
        life: The state, which is changed.
        day: The day, counted from the first simulated one.
        vigour: The factor on every member's rates, as `Life.vigour` returns it.
        weekday: The day of the week, Monday being 0.
    """
    people, rng = life.people, life.rng
    visitor = np.repeat(np.arange(people.size), _sessions(life, day, vigour, weekday=weekday))
    life.last_session[visitor] = day
    begins = (rng.normal(people.usual_hour[visitor], SPREAD_OF_HOUR) % 24) * 3600
    actions = rng.poisson(people.actions_per_session[visitor])
    actor = np.repeat(visitor, actions)
    later = np.repeat(begins, actions) + rng.exponential(SECONDS_BETWEEN_ACTIONS, len(actor))
    # Inverse transform: the number of cumulative probabilities below a uniform number is the index of the action.
    code = READ + (rng.random(len(actor))[:, None] > people.action_odds[actor]).sum(axis=1)
    member = np.concatenate([visitor, actor])
    # The last actions of a late session stay within the day, so that a day's events depend on no other day.
    second = np.minimum(np.concatenate([begins, later]), DAY_SECONDS - 1.0)
    _interact(life, day, member, second, np.concatenate([np.full(len(visitor), LOGIN), code]))


def _sessions(life: Life, day: int, vigour: Floats, *, weekday: int) -> Ints:
    people = life.people
    rhythm = WEEK[people.is_weekender.astype(np.int64), weekday]
    novelty = 1 + np.exp(-np.maximum(day - people.joined_day, 0) / NOVELTY_DAYS)
    extra = life.extra_sessions[day % (EFFECT_DAYS + 1)]
    sessions = life.rng.poisson(people.sessions_per_day * vigour * rhythm * novelty) + extra
    # The slot of the ring buffer is used again eight days later.
    extra[:] = 0
    # Members have at least one session on the day they join.
    at_least: Ints = np.maximum(sessions, (people.joined_day == day).astype(np.int64))
    return at_least


def _interact(life: Life, day: int, member: Ints, second: Floats, code: Ints) -> None:
    """Choose content for interactions, publish posts, and record all events."""
    is_interaction = np.isin(code, INTERACTIONS)
    content, target = np.full(len(code), -1), np.full(len(code), -1)
    if life.recent_content:
        content[is_interaction], target[is_interaction] = _choose_content(life, member[is_interaction])
    # Messages to oneself, and interactions before there is any content, become reading.
    code = np.where(is_interaction & ((target < 0) | ((code == MESSAGE) & (target == member))), READ, code)
    content = np.where(np.isin(code, ON_CONTENT), content, -1)
    is_post = code == POST
    content[is_post] = _publish(life, day, member[is_post], second[is_post])
    _update_memory(life, day, member, code, target)
    life.events.add(
        day=np.full(len(code), day),
        second=second,
        member=member,
        code=code,
        content=content,
        target=np.where(code == MESSAGE, target, -1),
    )


def _choose_content(life: Life, reader: Ints) -> tuple[Column, Column]:
    """Draw a recent piece for each reader, in 70 % of cases from their home topic, weighted by the author's popularity.

    Pieces are sorted by topic, so that a topic is one range of the cumulated weights: a uniform number within the range, found by
    binary search, draws a piece with the right probability without a loop over readers.
    """
    people, rng = life.people, life.rng
    number, author, topic = (np.concatenate(column) for column in zip(*life.recent_content, strict=True))
    age = np.repeat(np.arange(len(life.recent_content))[::-1], [len(part[0]) for part in life.recent_content])
    by_topic = np.argsort(topic, kind="stable")
    weight = (people.popularity[author] * FADING_OF_CONTENT_PER_DAY**age)[by_topic]
    ends = np.concatenate([[0.0], np.cumsum(weight)])
    edges = ends[np.searchsorted(topic[by_topic], np.arange(len(TOPICS) + 1))]
    home = people.home_topic[reader]
    stays = chance(rng, len(reader), OWN_TOPIC_READ) & (edges[home + 1] > edges[home])
    low, high = np.where(stays, edges[home], 0.0), np.where(stays, edges[home + 1], edges[-1])
    spot = np.searchsorted(ends, low + rng.random(len(reader)) * (high - low), side="right") - 1
    chosen = by_topic[np.clip(spot, 0, len(by_topic) - 1)]
    return number[chosen], author[chosen]


def _publish(life: Life, day: int, author: Ints, second: Floats) -> Ints:
    rng = life.rng
    number = life.published + np.arange(len(author))
    anywhere = rng.integers(0, len(TOPICS), len(author))
    topic = np.where(chance(rng, len(author), OWN_TOPIC_WRITTEN), life.people.home_topic[author], anywhere)
    life.published += len(author)
    if len(author):
        life.recent_content.append((number, author, topic))
    life.content.add(day=np.full(len(author), day), second=second, author=author, topic=topic, number=number)
    return number


def _update_memory(life: Life, day: int, member: Ints, code: Ints, target: Ints) -> None:
    size, slot = life.people.size, day % MEMORY_DAYS
    is_received = np.isin(code, INTERACTIONS) & (target != member)
    life.received[slot] = np.bincount(target[is_received], minlength=size)
    life.replies[slot] = np.bincount(target[is_received & (code == COMMENT)], minlength=size)
    life.posts[slot] = np.bincount(member[code == POST], minlength=size)
