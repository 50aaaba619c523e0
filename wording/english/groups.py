"""What behaviour groups are called."""

from __future__ import annotations

from typing import Final

from wording.catalogue import GroupWords

GROUPS: Final = GroupWords(
    adjectives={
        "active_days_365d": ("Busy", "Quiet"),
        "received_count_365d": ("Popular", None),
        "spend_365d": ("Big-spending", None),
        "tenure_days": ("Long-standing", "New"),
        "weekend_share_365d": ("Weekend", "Weekday"),
        "night_share_365d": ("Night-time", None),
        "morning_share_365d": ("Morning", None),
    },
    nouns={
        "order": "buyers",
        "post": "writers",
        "question": "askers",
        "answer": "answerers",
        "comment": "commenters",
        "like": "fans",
        "vote": "voters",
        "poll_vote": "voters",
        "read": "readers",
        "view": "readers",
        "search": "searchers",
        "share": "sharers",
        "message": "talkers",
        "login": "visitors",
        "event_signup": "event-goers",
        "badge": "badge earners",
    },
    regulars="{kind} regulars",
    plain_adjective="Steady",
    plain_noun="members",
    newcomers="newcomers",
    of_newcomers=frozenset({"New", "Long-standing"}),
    never_active="Never active",
    away_for_a_year="Away for a year",
    everyone="Active members",
)
