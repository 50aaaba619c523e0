"""What the report says of the people as a community, as plain data: counts and shares. No member's id is ever part of it."""

from __future__ import annotations

from dataclasses import dataclass


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
class PeopleFacts:
    """What is known of the people; a part is None where the data have nothing to say.

    Args:
        roles: Staff and bots, counted apart.
    """

    roles: Roles | None = None
