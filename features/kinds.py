"""Kinds of activity that get features of their own, and how an event type becomes part of a feature's name."""

from __future__ import annotations

import re
from typing import Final

from features.history import EVENT_PREFIX

OTHER_EVENT: Final = "other_event"
# Kinds of the rollups besides events; "activity" and "event" are sums over kinds, "given" comes from the ties.
FIXED_KINDS: Final = ("order", "refund", "received", "content", "contact", "open", "click", "feedback", "feedback_unscored")
SUMMED_KINDS: Final = ("event", "activity")
RESERVED_SLUGS: Final = frozenset({*FIXED_KINDS, *SUMMED_KINDS, OTHER_EVENT, "given"})


def event_slug(event_type: str) -> str:
    """Return the part of a column name for an event type: lower case, everything but letters and digits becomes "_".

    A type with the name of a fixed kind ("order", "click") gets the suffix "_event", so that no feature has two meanings.
    """
    # Letters of all scripts are kept, so that types in other languages stay apart.
    slug = re.sub(r"[\W_]+", "_", event_type.lower()).strip("_") or "unnamed"
    return f"{slug}_event" if slug in RESERVED_SLUGS else slug


def event_kinds(event_types: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distinct slugs of event types in their order; types with the same slug are one kind."""
    return tuple(dict.fromkeys(map(event_slug, event_types)))


def kind_of_activity(event_types: tuple[str, ...]) -> dict[str, str]:
    """Return the kind of each activity of the rollups; an activity that is not in it is an `OTHER_EVENT`."""
    kinds = {kind: kind for kind in FIXED_KINDS}
    return kinds | {f"{EVENT_PREFIX}{event_type}": event_slug(event_type) for event_type in event_types}
