"""What the report says of the people as a community, as plain data: counts and shares. No member's id is ever part of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from community.journey import Funnel, Retention
from community.proportions import Estimate


@dataclass(frozen=True)
class Roles:
    """Who is no member like the others, counted apart.

    Args:
        staff: Members who are staff.
        bots: Members that are bots.
        staff_share: Their share of all that was done in the last 28 days, 0 to 1; None where nothing was done.
        bot_share: The same of the bots.
        suspected: Members who look like bots and are not configured as such.
        path: The list of those, relative to the report's own folder; None where there is none.
    """

    staff: int
    bots: int
    staff_share: float | None = None
    bot_share: float | None = None
    suspected: int = 0
    path: str | None = None


@dataclass(frozen=True)
class Invited:
    """Those whom a member brought beside the others, of half a year.

    Args:
        members: How many a member brought.
        stayed: The share of them that stayed.
        others_stayed: The same of the others.
        change: The first less the second, with its interval.
    """

    members: int
    stayed: float
    others_stayed: float
    change: Estimate


@dataclass(frozen=True)
class Newcomers:
    """How far newcomers come, and who stays.

    Args:
        funnel: The newest cohort that can be told; None where too few joined.
        by_source: How many stayed by how they came, of half a year; empty where it is not known.
        invited: Those whom a member brought; None where nobody was.
        active: Members active in the last 28 days.
        silent: How many of them wrote nothing in a year; None where nothing can be written.
    """

    funnel: Funnel | None
    by_source: tuple[Retention, ...]
    invited: Invited | None
    active: int
    silent: int | None


@dataclass(frozen=True)
class Move:
    """Members who moved from one tier to another within a week."""

    before: str
    after: str
    members: int
    is_rise: bool


@dataclass(frozen=True)
class Week:
    """How many rose and fell in the week that ended with a night."""

    until: date
    rose: int
    fell: int


@dataclass(frozen=True)
class Ready:
    """Members within reach of a tier.

    Args:
        tier: The next tier.
        members: How many they are.
        missing: What most of them lack most, as a column; None where they lack nothing that members of the tier have.
        lacking: How many lack that.
    """

    tier: str
    members: int
    missing: str | None
    lacking: int


@dataclass(frozen=True)
class Rising:
    """Moves between tiers, and who is ready to rise.

    Args:
        since: The night that `moves` compares with; None where there is none a week ago.
        moves: The moves since, rises first.
        weeks: The last weeks, newest first.
        days_in_tier: Tier and median days since its members moved there, the highest tier first.
        ready: Members within reach of a tier, the highest tier first.
        path: The list of those, relative to the report's own folder; None where nobody is.
        few_moves: Whether there were further moves, of too few members each to be shown.
    """

    since: date | None
    moves: tuple[Move, ...] = ()
    weeks: tuple[Week, ...] = ()
    days_in_tier: tuple[tuple[str, int], ...] = ()
    ready: tuple[Ready, ...] = ()
    path: str | None = None
    few_moves: bool = False


@dataclass(frozen=True)
class LevelFlow:
    """Who reached a higher level, week by week; nobody loses one.

    Args:
        moves: Level before, None for none, level now, and members, of the last 7 days; most members first.
        weeks: The last day of a week, and how many reached a higher level in it; the newest first.
        days_in_level: Level and median days since its members reached it, the highest first; who had it on the first night of
            all does not count.
    """

    moves: tuple[tuple[str | None, str, int], ...]
    weeks: tuple[tuple[date, int], ...]
    days_in_level: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Recognition:
    """Whom to thank, in aggregate.

    Args:
        contributors: Members who contributed in the last 7 days.
        contributions: What they contributed.
        not_counted: How many of these count nothing: beyond the daily cap, or in a burst without responses.
        thanked: What members are thanked for → how many.
        levels: Level and members who have it, the highest first; empty without levels.
        flow: Who reached a higher level; None without levels, and where badges are younger than a week.
        path: The list, relative to the report's own folder.
        badges_path: The list of badges; None where nobody has one.
        board_path: The board page; None where nobody thanked agreed to be shown.
        on_board: How many of those thanked are named there.
    """

    contributors: int
    contributions: int
    not_counted: int
    thanked: tuple[tuple[str, int], ...]
    levels: tuple[tuple[str, int], ...] = ()
    flow: LevelFlow | None = None
    path: str | None = None
    badges_path: str | None = None
    board_path: str | None = None
    on_board: int = 0


@dataclass(frozen=True)
class PeopleFacts:
    """What is known of the people; a part is None where the data have nothing to say.

    Args:
        roles: Staff and bots, counted apart.
        newcomers: How far newcomers come, and who stays.
        rising: Moves between tiers, and who is ready to rise.
        recognition: Whom to thank.
    """

    roles: Roles | None = None
    newcomers: Newcomers | None = None
    rising: Rising | None = None
    recognition: Recognition | None = None
