"""What the report says of who carries the community, as plain data. It names no member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class CommunityRow:
    """One community.

    Args:
        name: Its name in words.
        members: How many members it has.
        previous_members: How many it had the night before; None on the first night, and for a new one.
        still_here: How many of them are still here.
        high_risk: How many of those have a high risk of leaving.
        leaders: How many opinion leaders are in it.
    """

    name: str
    members: int
    previous_members: int | None
    still_here: int
    high_risk: int
    leaders: int


@dataclass(frozen=True)
class CommunityChange:
    """What became of communities since the night before.

    Args:
        what: born, died, merged or split.
        before: Names of the night before; of communities that are gone, by their id.
        after: Names of tonight.
    """

    what: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class AbsencePoint:
    """The contributor absence factor of a period.

    Args:
        last_day: The period's last day.
        factor: The fewest people who made half of the contributions.
        contributors: The people who contributed.
    """

    last_day: date
    factor: int
    contributors: int


@dataclass(frozen=True)
class Loss:
    """What is lost when the opinion leader leaves whose absence costs most.

    Args:
        alone: Members whom nobody else of the team reaches.
        posts_share: Their share of what all posted in a year; None where nothing is posted.
        given_share: Their share of all responses in a year; None where they are not counted.
    """

    alone: int
    posts_share: float | None
    given_share: float | None


@dataclass(frozen=True)
class Carriers:
    """Who carries the community.

    Args:
        members: Members who responded to others, or were responded to.
        window_days: The days that count.
        leaders: The opinion leaders.
        reached: Members who responded to at least one of them.
        leaders_at_risk: Opinion leaders with a high risk of leaving.
        loss: What is lost with one of them; None without leaders.
        team_posts_share: The team's share of what all posted in a year; None where nothing is posted.
        absence: The contributor absence factor by period, the oldest first; empty where nothing is posted.
        communities: The communities, the largest first.
        in_communities: Members in a community.
        changes: What became of them since the night before.
        rings: The number of members of each ring, the largest first.
    """

    members: int
    window_days: int
    leaders: int
    reached: int
    leaders_at_risk: int = 0
    loss: Loss | None = None
    team_posts_share: float | None = None
    absence: tuple[AbsencePoint, ...] = ()
    communities: tuple[CommunityRow, ...] = ()
    in_communities: int = 0
    changes: tuple[CommunityChange, ...] = ()
    rings: tuple[int, ...] = ()
