"""The state of the simulated community between two days, and the rows recorded so far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from lake.simulate.population import NEVER, Column, Ints, Population

DECLINE_DAYS: Final = 28
MEMORY_DAYS: Final = 28
EFFECT_DAYS: Final = 7
CONTENT_LIFE_DAYS: Final = 14
DAY_SECONDS: Final = 86_400

Content = tuple[Ints, Ints, Ints]
"""The content published on one day: number, author and topic of each piece."""


@dataclass
class Diary:
    """Recorded rows, as columns of equal length that are collected day by day."""

    parts: dict[str, list[Column]] = field(default_factory=dict)

    def add(self, **columns: Column) -> None:
        """Append one day's rows."""
        for name, values in columns.items():
            self.parts.setdefault(name, []).append(values)

    def columns(self) -> dict[str, Column]:
        """Return all rows, one array per column."""
        return {name: np.concatenate(values) for name, values in self.parts.items()}


@dataclass
class Life:
    """The state of the community: one element per member, days counted from the first simulated one.

    Args:
        people: The population.
        rng: Source of randomness.
        decline_from: First day of the decline, or NEVER.
        gone_from: First day after churning, or NEVER.
        recover_on: Day on which a pending rescue ends the decline, or NEVER.
        rescues: Number of declines that a treatment ended.
        last_session: Day of the last session.
        last_message: Day of the last message sent to them, or of joining.
        last_campaign: Day they were last randomised.
        extra_sessions: Extra sessions caused by treatments: a ring buffer, day modulo 8 × member.
        received: Interactions received: a ring buffer, day modulo 28 × member.
        replies: Comments received, likewise.
        posts: Pieces published, likewise.
        recent_content: Content of the last 14 days with any publication, oldest first.
        published: Number of pieces published so far.
        events: Recorded events; likewise content, orders, contacts and feedback.
    """

    people: Population
    rng: np.random.Generator
    decline_from: Ints
    gone_from: Ints
    recover_on: Ints
    rescues: Ints
    last_session: Ints
    last_message: Ints
    last_campaign: Ints
    extra_sessions: Ints
    received: Ints
    replies: Ints
    posts: Ints
    recent_content: deque[Content] = field(default_factory=lambda: deque(maxlen=CONTENT_LIFE_DAYS))
    published: int = 0
    events: Diary = field(default_factory=Diary)
    content: Diary = field(default_factory=Diary)
    orders: Diary = field(default_factory=Diary)
    contacts: Diary = field(default_factory=Diary)
    feedback: Diary = field(default_factory=Diary)

    @classmethod
    def begin(cls, people: Population, rng: np.random.Generator) -> Life:
        """Return the state before the first day."""
        size = people.size
        memory = (MEMORY_DAYS, size)
        return cls(
            people=people,
            rng=rng,
            decline_from=np.where(people.gone_before == NEVER, NEVER, people.gone_before - DECLINE_DAYS),
            gone_from=people.gone_before.copy(),
            recover_on=np.full(size, NEVER),
            rescues=np.zeros(size, dtype=np.int64),
            last_session=np.minimum(people.gone_before - 1, np.maximum(people.joined_day, -1)),
            last_message=people.joined_day.copy(),
            last_campaign=np.full(size, -NEVER),
            extra_sessions=np.zeros((EFFECT_DAYS + 1, size), dtype=np.int64),
            received=np.zeros(memory, dtype=np.int64),
            replies=np.zeros(memory, dtype=np.int64),
            posts=np.zeros(memory, dtype=np.int64),
        )

    def vigour(self, day: int) -> Column:
        """Return the factor on every rate: 1 at first, halved by each week of decline, 0 before joining and after churning."""
        # The upper limit keeps the power of one half from underflowing.
        weeks = np.clip((day - self.decline_from) // 7 + 1, 0, 60)
        is_here = (self.people.joined_day <= day) & (day < self.gone_from)
        return np.where(is_here, 0.5**weeks, 0.0)
