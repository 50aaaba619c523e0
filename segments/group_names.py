"""Readable names of behaviour groups, built from what sets each group apart.

A name is an adjective and a noun. The adjective is the most unusual of how much, how long and when; the noun is the kind
of activity the group does most of, compared with the others and with its own level. "Night-time readers", "Big-spending
buyers", "Quiet newcomers".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from segments.habits import kind_of

# Habit → what a group is called that has much of it, and little of it (None: says nothing).
ADJECTIVES: Final[Mapping[str, tuple[str, str | None]]] = {
    "active_days_365d": ("Busy", "Quiet"),
    "received_count_365d": ("Popular", None),
    "spend_365d": ("Big-spending", None),
    "tenure_days": ("Long-standing", "New"),
    "weekend_share_365d": ("Weekend", "Weekday"),
    "night_share_365d": ("Night-time", None),
    "morning_share_365d": ("Morning", None),
}
NOUNS: Final[Mapping[str, str]] = {
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
}
PLAIN_ADJECTIVE: Final = "Steady"
PLAIN_NOUN: Final = "members"
NEWCOMERS: Final = "newcomers"
PLAIN_DEVIATION: Final = 0.35
FAINT_DEVIATION: Final = 0.1


def group_name(deviations: Mapping[str, float], levels: Mapping[str, float], *, taken: Collection[str]) -> str:
    """Name a group that no other group is named like.

    Args:
        deviations: Habit → how far the group's mean lies from the mean of all members, in standard deviations.
        levels: Habit → the group's mean on the habit's own scale; for a kind of activity, above 0 is more than of other kinds.
        taken: Names that are already given.
    """
    adjectives, nouns = _adjectives(deviations), _nouns(deviations, levels)
    names = [f"{adjective} {noun}" for noun in nouns for adjective in adjectives if not _repeats(adjective, noun)]
    numbered = (f"{names[0]} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*names, *numbered) if name not in taken)


def _adjectives(deviations: Mapping[str, float]) -> list[str]:
    """Return the fitting adjectives, the most telling first."""
    fitting = []
    for habit, (much, little) in ADJECTIVES.items():
        deviation = deviations.get(habit, 0.0)
        word = much if deviation > 0 else little
        if word is not None and abs(deviation) >= FAINT_DEVIATION:
            fitting.append((-abs(deviation), word))
    fitting.sort()
    plain = [word for deviation, word in fitting if -deviation >= PLAIN_DEVIATION]
    faint = [word for deviation, word in fitting if -deviation < PLAIN_DEVIATION]
    return [*(plain or [PLAIN_ADJECTIVE]), *faint]


def _nouns(deviations: Mapping[str, float], levels: Mapping[str, float]) -> list[str]:
    """Return the fitting nouns, the most telling first; newcomers are newcomers before anything else."""
    kinds = {habit: kind for habit in deviations if (kind := kind_of(habit)) is not None}
    telling = sorted((-deviations[habit], habit) for habit in kinds if deviations[habit] >= FAINT_DEVIATION and levels[habit] > 0)
    is_new = deviations.get("tenure_days", 0.0) <= -2 * PLAIN_DEVIATION
    return list(dict.fromkeys([*([NEWCOMERS] if is_new else []), *(_noun(kinds[habit]) for _, habit in telling), PLAIN_NOUN]))


def _noun(kind: str) -> str:
    return NOUNS.get(kind, f"{kind.replace('_', ' ')} regulars")


def _repeats(adjective: str, noun: str) -> bool:
    return noun == NEWCOMERS and adjective in {"New", "Long-standing"}
